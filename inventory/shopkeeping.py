"""Opens what changes products and stock beside the service: its rooms, and the cache they tell.

For commands. The books alone are opened by `bookkeeping`, which needs less and starts sooner.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from inventory.api.reads import ProductReads
from inventory.cache import connection
from inventory.cache.store import VersionedStore
from inventory.repository import mongo, schema
from inventory.settings import Settings
from inventory.stock.engine import StockEngine
from inventory.telemetry.metrics import Metrics
from inventory.wiring import Rooms


@contextmanager
def opened_rooms(settings: Settings) -> Iterator[Rooms[ProductReads]]:
    """Yield what changes products and stock, and tells the cache.

    Raises `DatabaseNotReady` or `StorageUnavailable`.
    """
    metrics = Metrics()
    with mongo.connect(settings) as client:
        database = mongo.open_database(client, settings)
        schema.check_database(database)
        redis = connection.Connection(connection.connect(settings), metrics.cache_event)
        store = VersionedStore(redis)
        try:
            yield Rooms(client, database, lambda c: ProductReads(c, store), metrics)
        finally:
            store.close()


@contextmanager
def opened_engine(settings: Settings) -> Iterator[StockEngine]:
    """Yield what changes stock alone; raise the same."""
    with opened_rooms(settings) as rooms:
        yield rooms.engine
