"""Opens the books without the service: for checks, repairs and keys from the command line.

Builds its own clients and closes them again; starts nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pymongo import MongoClient
from pymongo.database import Database

from inventory.repository import mongo, schema
from inventory.repository.auditing import AuditRepository
from inventory.repository.keys import KeyRepository
from inventory.repository.movements import MovementRepository
from inventory.repository.purchases import PurchaseRepository
from inventory.repository.repairs import RepairRepository
from inventory.repository.stock import StockRepository
from inventory.services.auditing import Auditing
from inventory.services.keys import Keyring
from inventory.services.repairing import Outcome, Repairing
from inventory.settings import Settings
from inventory.stock.archive import Archive

__all__ = ["Bookkeeping", "Outcome", "opened"]


@dataclass(frozen=True, slots=True)
class Bookkeeping:
    """What can be done with the books."""

    auditing: Auditing
    repairing: Repairing
    keyring: Keyring


@contextmanager
def opened(settings: Settings) -> Iterator[Bookkeeping]:
    """Yield the books of a database; raise `DatabaseNotReady` or `StorageUnavailable`."""
    with mongo.connect(settings) as client:
        database = mongo.open_database(client, settings)
        schema.check_database(database)
        yield _wired(client, database)


def _wired(client: MongoClient[mongo.Document], database: Database[mongo.Document]) -> Bookkeeping:
    clock = mongo.DatabaseClock(database)
    stock = StockRepository(database, clock)
    movements = MovementRepository(database)
    purchases = PurchaseRepository(database)
    books = AuditRepository(client, database, clock)
    auditing = Auditing(books)
    repairing = Repairing(
        auditing,
        books,
        RepairRepository(database),
        stock,
        movements,
        purchases,
        Archive(stock, movements, purchases, clock),
        clock,
    )
    return Bookkeeping(auditing, repairing, Keyring(KeyRepository(database), clock))
