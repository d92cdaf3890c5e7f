"""Opens what changes products and stock in the stores that the environment names.

Knows where a local run tells its stores. Apart from `opening`, since it takes longer to import.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from inventory.local.running import with_store_urls
from inventory.services.exporting import Exporting
from inventory.services.importing import Importing
from inventory.settings import Settings
from inventory.shopkeeping import opened_engine, opened_rooms
from inventory.stock.engine import StockEngine


def open_engine() -> AbstractContextManager[StockEngine]:
    """Open what changes stock, and the cache that has to hear of it."""
    return opened_engine(Settings.from_env(with_store_urls(os.environ)))


@contextmanager
def open_transfers() -> Iterator[tuple[Importing, Exporting]]:
    """Open what takes and gives many products, and the cache that has to hear of it."""
    with opened_rooms(Settings.from_env(with_store_urls(os.environ))) as rooms:
        yield rooms.importing_for(rooms.publisher), rooms.exporting
