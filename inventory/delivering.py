"""The process beside the service: reads the ledger for what others want to be told of.

Any number of them may run, anywhere: one derives events, and takes the place of another that dies;
all of them send what subscribers want to know.
Without any of them the service sells as ever; what happened meanwhile is told afterwards.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType

import structlog
from pymongo import MongoClient
from pymongo.database import Database

from inventory import limits
from inventory.errors import StorageUnavailable
from inventory.events.feed import Feed
from inventory.events.reading import LedgerReader
from inventory.repository import mongo, schema
from inventory.repository.feed import FeedRepository
from inventory.repository.purchases import PurchaseRepository
from inventory.repository.reservations import ReservationRepository
from inventory.repository.stock import StockRepository
from inventory.settings import Settings
from inventory.telemetry import logs
from inventory.webhooks.building import build_deliverer

_log = structlog.get_logger(__name__)


def run(settings: Settings) -> None:
    """Work until the process is told to stop; raise `DatabaseNotReady` if it cannot begin."""
    logs.configure(settings.log_level)
    stopped = threading.Event()

    def stop(_: int, __: FrameType | None) -> None:
        stopped.set()

    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, stop)
    with mongo.connect(settings) as client:
        database = mongo.open_database(client, settings)
        if not _await_database(database, stopped):
            return
        with working(client, database, settings):
            _log.info("delivering")
            stopped.wait()


def _await_database(database: Database[mongo.Document], stopped: threading.Event) -> bool:
    """Wait until the database answers; return whether it did before this was stopped."""
    while not stopped.is_set():
        try:
            schema.check_database(database)
        except StorageUnavailable:
            _log.warning("waiting_for_database")
            stopped.wait(limits.FEED_PAUSE_SECONDS)
        else:
            return True
    return False


@contextmanager
def working(
    client: MongoClient[mongo.Document],
    database: Database[mongo.Document],
    settings: Settings,
) -> Iterator[None]:
    """Do the work in the background; at the end, hand it over to whoever else is there."""
    stopped = threading.Event()
    with ExitStack() as stack:
        works = (
            ("feed", _feed(client, database).run),
            ("deliverer", build_deliverer(settings, database).run),
        )
        for name, work in works:
            thread = threading.Thread(target=work, args=(stopped,), name=name, daemon=True)
            thread.start()
            stack.callback(thread.join, limits.DELIVERY_STOP_SECONDS)
        stack.callback(stopped.set)
        yield


def _feed(client: MongoClient[mongo.Document], database: Database[mongo.Document]) -> Feed:
    feed = FeedRepository(database, mongo.Transactions(client))
    clock = mongo.DatabaseClock(database)
    reader = LedgerReader(
        feed,
        PurchaseRepository(database),
        ReservationRepository(database),
        StockRepository(database, clock),
    )
    return Feed(feed, reader)
