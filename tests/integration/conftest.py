"""The engine and its repositories over real stores, without HTTP; and the service behind nginx."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from pymongo import MongoClient
from pymongo.database import Database
from redis import Redis

from inventory import limits
from inventory.cache import connection
from inventory.cache.connection import Connection
from inventory.cache.store import VersionedStore
from inventory.cache.values import PREFIX
from inventory.domain.products import Terms
from inventory.domain.stock import Snapshot
from inventory.local.servers import Server
from inventory.repository import mongo
from inventory.repository.schema import prepare_database
from inventory.settings import Settings
from inventory.wiring import Rooms
from loadtests import edge
from tests.integration.edges import Front, serving

OpenStore = Callable[[], VersionedStore]
PATIENT: dict[str, Any] = {
    "REQUEST_SECONDS_MAX": 20.0,
    "MONGO_TIMEOUT_SECONDS": 20.0,
    "SERVER_SELECTION_TIMEOUT_SECONDS": 20.0,
    "REDIS_TIMEOUT_SECONDS": 20.0,
}


@dataclass
class Published:
    """A publisher that remembers what it was told."""

    snapshots: list[Snapshot] = field(default_factory=list)

    def glimpse(self) -> None:
        """There is nothing to remember of the moment before."""

    def publish(self, snapshots: Sequence[Snapshot], seen: None) -> None:
        """Remember."""
        self.snapshots += snapshots

    def doubt(self, product_ids: Iterable[str]) -> None:
        """Forget it: nobody here reads a cache."""


@dataclass
class Observed:
    """An observer that remembers how many changes of how many each group granted."""

    groups: list[tuple[int, int]] = field(default_factory=list)
    sales: tuple[int, int] = (0, 0)
    actions: Counter[str] = field(default_factory=Counter)
    tries: list[int] = field(default_factory=list)

    def group_decided(self, waits_seconds: Sequence[float], granted: int, seconds: float) -> None:
        """Remember."""
        assert 0 <= min(waits_seconds) <= max(waits_seconds)
        assert seconds > 0
        self.groups.append((granted, len(waits_seconds)))

    def sold(self, purchases: int, units: int) -> None:
        """Add up."""
        self.sales = (self.sales[0] + purchases, self.sales[1] + units)

    def recovered(self, action: str, times: int) -> None:
        """Add up."""
        self.actions[action] += times

    def transaction_ended(self, tries: int) -> None:
        """Remember."""
        self.tries.append(tries)


class Process(Rooms[Published]):
    """All rooms behind HTTP, wired as the service wires them; two of these are two processes."""

    def __init__(self, client: MongoClient[mongo.Document], settings: Settings) -> None:
        self.client = client
        self.database: Database[mongo.Document] = mongo.open_database(client, settings)
        self.observed = Observed()
        super().__init__(client, self.database, lambda _: Published(), self.observed)

    @property
    def published(self) -> Published:
        """What the engine published."""
        return self.publisher

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


@pytest.fixture(name="redis")
def _redis(settings: Settings) -> Iterator[Redis]:
    """The Valkey of the service, looked at past it."""
    with Redis.from_url(settings.redis_url) as client:
        yield client


@pytest.fixture(scope="session", name="_quiet_database")
def _database_without_apps(database_settings: Settings) -> Settings:
    quiet = replace(database_settings, mongo_database="inventory_quiet")
    prepare_database(quiet, wait_seconds=30)
    return quiet


@pytest.fixture(name="quiet_settings")
def _quiet_settings(_quiet_database: Settings) -> Settings:
    """Settings of an empty database in which no app tidies up behind a test's back."""
    with mongo.connect(_quiet_database) as client:
        database = mongo.open_database(client, _quiet_database)
        for name in database.list_collection_names():
            database[name].delete_many({})
    return _quiet_database


@pytest.fixture(name="patience")
def _patience() -> Iterator[None]:
    """Let nobody give up because the machine is slow; tests about giving up do without."""
    with patch.multiple(limits, **PATIENT):
        yield


@pytest.fixture(name="start_process")
def _start_process(settings: Settings, patience: None) -> Iterator[Callable[[], Process]]:
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


@pytest.fixture(scope="session", name="edge_settings")
def _edge_settings(database_settings: Settings) -> Settings:
    settings = replace(database_settings, mongo_database="inventory_test_edge")
    prepare_database(settings, wait_seconds=30)
    return settings


@pytest.fixture(scope="session", name="backend")
def _backend(edge_settings: Settings, servers_directory: Path) -> Iterator[Server]:
    """The service that nginx stands before."""
    with serving(edge_settings, servers_directory / "backend.log") as server:
        yield server


@pytest.fixture(scope="session", name="front")
def _front(backend: Server, servers_directory: Path) -> Iterator[Front]:
    """A client of nginx as it is deployed, before `backend`."""
    with edge.started(servers_directory / "nginx", [backend]) as server:
        yield Front(server.url)


@pytest.fixture(name="open_store")
def _open_store(settings: Settings, patience: None) -> Iterator[OpenStore]:
    """Open the store as another process would; the first use of each is over already."""
    opened: list[VersionedStore] = []

    def open_store() -> VersionedStore:
        way = Connection(connection.connect(settings))
        fresh = VersionedStore(way)
        opened.append(fresh)
        fresh.fetch([PREFIX + "anything"])
        return fresh

    yield open_store
    for store in opened:
        store.close()


@pytest.fixture(name="store")
def _store(open_store: OpenStore) -> VersionedStore:
    return open_store()
