"""Opens the books that the environment names.

Knows where a local run tells its database; what is done with the books is the commands' business.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from inventory.bookkeeping import Bookkeeping, opened, opened_engine, opened_rooms
from inventory.local.running import with_mongo_url, with_store_urls
from inventory.services.exporting import Exporting
from inventory.services.importing import Importing
from inventory.settings import Settings
from inventory.stock.engine import StockEngine


def open_books() -> AbstractContextManager[Bookkeeping]:
    """Open the books of the named database, or of the run that is going on here."""
    return opened(Settings.from_env(with_mongo_url(os.environ)))


def open_engine() -> AbstractContextManager[StockEngine]:
    """Open what changes stock in that database, and the cache that has to hear of it."""
    return opened_engine(Settings.from_env(with_store_urls(os.environ)))


@contextmanager
def open_transfers() -> Iterator[tuple[Importing, Exporting]]:
    """Open what takes and gives many products there, and the cache that has to hear of it."""
    with opened_rooms(Settings.from_env(with_store_urls(os.environ))) as rooms:
        yield rooms.importing_for(rooms.publisher), rooms.exporting
