"""Wires the rooms behind HTTP: repositories, the stock engine, services. Builds no client.

One instance is one process: two of them know nothing of each other.
"""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from pymongo import MongoClient
from pymongo.database import Database

from inventory.repository import mongo
from inventory.repository.auditing import AuditRepository
from inventory.repository.deliveries import DeliveryRepository
from inventory.repository.events import EventRepository
from inventory.repository.feed import FeedRepository
from inventory.repository.imports import ImportRepository
from inventory.repository.keys import KeyRepository
from inventory.repository.movements import MovementRepository
from inventory.repository.operations import OperationRepository
from inventory.repository.products import ProductRepository
from inventory.repository.purchases import PurchaseRepository
from inventory.repository.rehearsals import RehearsalRepository
from inventory.repository.reservations import ReservationRepository
from inventory.repository.sessions import SessionRepository
from inventory.repository.stock import StockRepository
from inventory.repository.stocktakes import StocktakeRepository
from inventory.repository.webhooks import WebhookRepository
from inventory.services.adjusting import Adjusting
from inventory.services.auditing import Auditing
from inventory.services.carrying import Carrying
from inventory.services.carrying import Publisher as ProductPublisher
from inventory.services.catalogue import Catalogue
from inventory.services.changing import Changes
from inventory.services.conducting import Publisher as StagePublisher
from inventory.services.conducting import Stage
from inventory.services.counting import Counting
from inventory.services.events import Events
from inventory.services.exporting import Exporting
from inventory.services.importing import Importing
from inventory.services.keys import Keyring
from inventory.services.purchasing import Purchasing
from inventory.services.rehearsing import Rehearsing
from inventory.services.reserving import Reserving
from inventory.services.sessions import Sessions
from inventory.services.webhooks import Webhooks
from inventory.settings import Network
from inventory.stock.archive import Archive
from inventory.stock.engine import StockEngine
from inventory.stock.observing import Observer, Publisher
from inventory.stock.posting import Poster
from inventory.stock.recovery import Recovery

P = TypeVar("P", bound=Publisher)


class Rooms(Generic[P]):
    """Everything behind HTTP; `publish_to` makes the engine's publisher out of the catalogue."""

    def __init__(
        self,
        client: MongoClient[mongo.Document],
        database: Database[mongo.Document],
        publish_to: Callable[[Catalogue], P],
        observer: Observer,
        build_engine: Callable[..., StockEngine] = StockEngine,
    ) -> None:
        self.observer = observer
        self._build_engine = build_engine
        self.clock = mongo.DatabaseClock(database)
        self.stock = StockRepository(database, self.clock)
        self.movements = MovementRepository(database)
        self.purchases = PurchaseRepository(database)
        self.reservations = ReservationRepository(database)
        self.stocktakes = StocktakeRepository(database)
        self.operations = OperationRepository(database)
        self.products = ProductRepository(database)
        self.imports = ImportRepository(database)
        self.rehearsals = RehearsalRepository(database)
        self.transactions = mongo.Transactions(client, observer.transaction_ended)
        self.catalogue = Catalogue(
            self.transactions,
            self.products,
            self.stock,
            self.movements,
            self.operations,
            self.clock,
        )
        self.publisher = publish_to(self.catalogue)
        self._wire_engine()
        self._wire_services()
        self.events = Events(
            EventRepository(database), FeedRepository(database, self.transactions), self.clock
        )
        self.keyring = Keyring(KeyRepository(database), self.clock)
        self.sessions = Sessions(SessionRepository(database), self.keyring, self.clock)
        self.auditing = Auditing(AuditRepository(client, database, self.clock))

    def _wire_engine(self) -> None:
        self.archive = Archive(
            self.stock, self.movements, self.purchases, self.clock, self.observer
        )
        self.recovery = Recovery(self.stock, self.movements, self.archive, self.observer)
        self.poster = Poster(
            self.transactions,
            self.stock,
            self.movements,
            self.purchases,
            self.reservations,
            self.stocktakes,
            self.operations,
            self.archive,
            self.clock,
            self.publisher,
            self.observer,
        )
        self.engine = self._build_engine(
            self.stock,
            self.operations,
            self.archive,
            self.recovery,
            self.poster,
            self.reservations,
            self.clock,
            self.publisher,
            self.observer,
        )

    def _wire_services(self) -> None:
        self.changes = Changes(self.engine, self.operations, self.recovery, self.clock)
        self.purchasing = Purchasing(
            self.changes,
            self.products,
            self.stock,
            self.purchases,
            self.archive,
            self.recovery,
            self.clock,
        )
        self.reserving = Reserving(self.changes, self.products, self.reservations, self.clock)
        self.exporting = Exporting(self.imports, self.stock)
        self.counting = Counting(self.changes, self.products, self.clock)
        self.adjusting = Adjusting(
            self.changes, self.products, self.stock, self.movements, self.archive, self.clock
        )

    def importing_for(self, publisher: ProductPublisher) -> Importing:
        """Return the service of imports, which tells `publisher` of all that it changes."""
        carrying = Carrying(
            self.poster, self.imports, self.stock, self.operations, self.clock, publisher
        )
        return Importing(carrying, self.imports, self.operations, self.clock)

    def rehearsing_for(self, publisher: StagePublisher) -> Rehearsing:
        """Return the service of rehearsals, which shows and hides their products by `publisher`."""
        stage = Stage(self.catalogue, self.adjusting, self.auditing, publisher)
        return Rehearsing(self.rehearsals, self.purchasing, stage, self.clock)


def webhooks_of(
    database: Database[mongo.Document], clock: mongo.DatabaseClock, networks: Sequence[Network]
) -> Webhooks:
    """Return what can be done with webhooks, which may be in `networks` beside the internet."""
    return Webhooks(
        WebhookRepository(database),
        DeliveryRepository(database),
        EventRepository(database),
        clock,
        networks,
    )
