"""The engine and its repositories over real stores, without HTTP."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from inventory.domain.products import Terms
from inventory.domain.stock import Snapshot
from inventory.repository import mongo
from inventory.repository.movements import MovementRepository
from inventory.repository.operations import OperationRepository
from inventory.repository.products import ProductRepository
from inventory.repository.purchases import PurchaseRepository
from inventory.repository.stock import StockRepository
from inventory.services.adjusting import Adjusting
from inventory.services.catalogue import Catalogue
from inventory.services.changing import Changes
from inventory.services.purchasing import Purchasing
from inventory.settings import Settings
from inventory.stock.archive import Archive
from inventory.stock.engine import StockEngine
from inventory.stock.recovery import Recovery


@dataclass
class Published:
    """A publisher that remembers what it was told."""

    snapshots: list[Snapshot] = field(default_factory=list)

    def glimpse(self) -> None:
        """There is nothing to remember of the moment before."""

    def publish(self, snapshots: Sequence[Snapshot], seen: None) -> None:
        """Remember."""
        self.snapshots += snapshots


class Process:
    """All rooms behind HTTP, wired as the service wires them; two of these are two processes."""

    def __init__(self, client: MongoClient[mongo.Document], settings: Settings) -> None:
        self.database: Database[mongo.Document] = mongo.open_database(client, settings)
        self.clock = mongo.DatabaseClock(self.database)
        self.stock = StockRepository(self.database, self.clock)
        self.movements = MovementRepository(self.database)
        self.purchases = PurchaseRepository(self.database)
        self.operations = OperationRepository(self.database)
        self.products = ProductRepository(self.database)
        self.archive = Archive(self.stock, self.movements, self.purchases, self.clock)
        self.recovery = Recovery(self.stock, self.movements, self.archive)
        self.published = Published()
        self.engine = StockEngine(
            self.stock, self.operations, self.archive, self.recovery, self.clock, self.published
        )
        self.changes = Changes(self.engine, self.operations, self.recovery, self.clock)
        self.purchasing = Purchasing(self.changes, self.purchases, self.recovery, self.clock)
        self.adjusting = Adjusting(
            self.changes, self.products, self.stock, self.movements, self.archive, self.clock
        )
        self.catalogue = Catalogue(
            mongo.Transactions(client),
            self.products,
            self.stock,
            self.movements,
            self.operations,
            self.clock,
        )

    def create(self, stock: int = 10, **terms: Any) -> str:
        """Create a product and return its id."""
        described = Terms.of(**{"name": "Air Runner", "price": Decimal("2.50")} | terms)
        return self.catalogue.create_product(described, stock)[0].product.id

    def books(self, product_id: str) -> list[tuple[int, int, int]]:
        """Return version, delta and balance of every row in the ledger, oldest first."""
        rows = self.database["movements"].find({"product_id": mongo.object_id(product_id)})
        return [(row["version"], row["delta"], row["balance"]) for row in rows.sort("version")]

    def assert_exact(self, product_id: str) -> None:
        """Assert that ledger and tail together explain the counters to the last unit."""
        snapshot = self.stock.get(product_id)
        assert snapshot is not None
        self.archive.add(snapshot.movements())
        books = self.books(product_id)
        balance = 0
        for place, (version, delta, balance_after) in enumerate(books, start=1):
            balance += delta
            assert (version, balance_after) == (place, balance)
        assert (snapshot.version, snapshot.available) == (len(books), balance)


@pytest.fixture(name="start_process")
def _start_process(settings: Settings) -> Iterator[Callable[[], Process]]:
    clients = []

    def start() -> Process:
        client = mongo.connect(settings)
        clients.append(client)
        return Process(client, settings)

    yield start
    for client in clients:
        client.close()


@pytest.fixture(name="process")
def _process(start_process: Callable[[], Process]) -> Process:
    return start_process()
