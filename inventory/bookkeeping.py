"""Opens the books without the service: for checks and repairs from the command line.

Builds its own client and closes it again; starts nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from inventory.repository import mongo, schema
from inventory.repository.auditing import AuditRepository
from inventory.services.auditing import Auditing
from inventory.settings import Settings


@dataclass(frozen=True, slots=True)
class Bookkeeping:
    """What can be done with the books."""

    auditing: Auditing


@contextmanager
def opened(settings: Settings) -> Iterator[Bookkeeping]:
    """Yield the books of a database; raise `DatabaseNotReady` or `StorageUnavailable`."""
    with mongo.connect(settings) as client:
        database = mongo.open_database(client, settings)
        schema.check_database(database)
        books = AuditRepository(client, database, mongo.DatabaseClock(database))
        yield Bookkeeping(Auditing(books))
