"""What is measured of engine and stores: sales, recovery, transactions, tails, holds, pools."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId
from pymongo.errors import OperationFailure
from pymongo.monitoring import ConnectionCheckedOutEvent

from inventory import limits
from inventory.cache import connection
from inventory.cache.connection import Connection
from inventory.cache.store import VersionedStore
from inventory.cache.values import PREFIX, Versioned
from inventory.domain.movements import Entry, Kind
from inventory.domain.stock import Operation
from inventory.errors import StorageUnavailable
from inventory.repository import mongo
from inventory.repository.pooling import PoolWatch, attempting
from inventory.repository.standing import Holds, StandingRepository, Tails
from inventory.services.lines import AskedLine
from inventory.settings import Settings
from inventory.stock.queue import GroupQueue
from tests.api.support import until
from tests.integration.conftest import Process
from tests.integration.engine_calls import change, together

LONG_AGO = timedelta(seconds=100)


@pytest.fixture(name="alone")
def _alone(quiet_settings: Settings, patience: None) -> Iterator[Process]:
    """A process in a database that nobody tidies up."""
    with mongo.connect(quiet_settings) as client:
        yield Process(client, quiet_settings)


def standing(process: Process) -> StandingRepository:
    """Return what looks at the process's database."""
    return StandingRepository(process.database, process.clock)


def sell_unseen(process: Process, product_id: str, times: int) -> None:
    """Sell as a process does that dies before it archives anything."""
    for _ in range(times):
        now = process.clock.now()
        entry = Entry(mongo.new_id(), Kind.PURCHASE, -1, now)
        assert process.stock.apply(product_id, [Operation(product_id, entry)])


def grow_old(process: Process, product_id: str, age: timedelta = LONG_AGO) -> None:
    """Let the oldest entry of a tail be of so long ago."""
    since = process.clock.now() - age
    process.database["stock"].update_one(
        {"_id": ObjectId(product_id)}, {"$set": {"tail_since": since}}
    )


def test_an_empty_database_lags_by_nothing(alone: Process) -> None:
    """Without tails and holds there is nothing to tell but zeros."""
    alone.create()
    assert standing(alone).tails() == Tails(0, 0, 0, 0.0)
    assert standing(alone).holds() == Holds(0, 0)


def test_tails_and_what_becomes_of_them(alone: Process) -> None:
    """The oldest entry, the longest tail and all entries are told until somebody settles them."""
    first, second = alone.create(), alone.create()
    sell_unseen(alone, first, 3)
    sell_unseen(alone, second, 2)
    grow_old(alone, first)
    # However slow the machine is, this one was not left behind yet.
    grow_old(alone, second, -LONG_AGO)
    tails = standing(alone).tails()
    assert (tails.count, tails.entries, tails.longest) == (2, 5, 3)
    assert LONG_AGO.total_seconds() <= tails.oldest_seconds < 2 * LONG_AGO.total_seconds()
    assert alone.archive.settle_stale() == [first]
    assert alone.observed.actions == {"tail_settled": 1, "entry_carried_over": 3}
    # It is trimmed as soon as a majority has the rows.
    until(lambda: not alone.archive.settle_stale())
    assert standing(alone).tails().count == 1


def test_not_all_tails_are_counted(alone: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are many, the oldest are looked at and the others are not."""
    first, second = alone.create(), alone.create()
    sell_unseen(alone, second, 2)
    sell_unseen(alone, first, 1)
    grow_old(alone, first)
    monkeypatch.setattr(limits, "SCRAPE_TAILS_MAX", 1)
    tails = standing(alone).tails()
    assert (tails.count, tails.entries) == (1, 1)
    assert tails.oldest_seconds >= LONG_AGO.total_seconds()


def test_holds_and_those_that_ran_out(alone: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    """Open and overdue holds are told apart, to a bound; taking one back counts once."""
    product = alone.create()
    held = [alone.reserving.hold([AskedLine(1, product)], 600)[0] for _ in range(3)]
    alone.database["reservations"].update_one(
        {"_id": ObjectId(held[0].id)}, {"$set": {"expires_at": alone.clock.now() - LONG_AGO}}
    )
    assert standing(alone).holds() == Holds(open=2, overdue=1)
    assert alone.engine.expire_due() == 1
    assert alone.engine.expire_due() == 0
    assert alone.observed.actions == {"hold_expired": 1}
    assert standing(alone).holds() == Holds(open=2, overdue=0)
    monkeypatch.setattr(limits, "SCRAPE_RESERVATIONS_MAX", 1)
    assert standing(alone).holds() == Holds(open=1, overdue=0)


def test_indexes_find_what_is_counted(alone: Process) -> None:
    """Neither question looks at a document that it does not count."""
    for product in [alone.create() for _ in range(5)]:
        alone.reserving.release(alone.reserving.hold([AskedLine(1, product)], 600)[0].id, None)
    alone.database.command("profile", 2)
    try:
        standing(alone).tails()
        standing(alone).holds()
        looked = list(alone.database["system.profile"].find({"command.aggregate": {"$exists": 1}}))
    finally:
        alone.database.command("profile", 0)
        alone.database.drop_collection("system.profile")
    assert [one["docsExamined"] for one in looked] == [0, 0, 0]


def test_a_void_counts_once(alone: Process) -> None:
    """An attempt that is made sure never to happen counts; one that has happened does not."""
    product = alone.create()
    assert alone.recovery.give_up(product, mongo.new_id()) is None
    assert alone.observed.actions == {"voided": 1}


def test_what_is_sold_counts_when_it_is_certain(process: Process) -> None:
    """Purchases and units of a group, a cart and a hold are told once each; refusals are not."""
    product, other = process.create(), process.create()
    together(process, [change(process, product, quantity) for quantity in (-1, -2, -99)])
    assert process.observed.sales == (2, 3)
    process.purchasing.buy_cart([AskedLine(2, product), AskedLine(3, other)])
    assert process.observed.sales == (3, 8)
    held = process.reserving.hold([AskedLine(4, other)], 600)[0].id
    for _ in range(2):
        process.reserving.commit(held, None, None)
    assert process.observed.sales == (4, 12)


def test_transactions_count_with_their_tries(alone: Process) -> None:
    """A transaction that others make begin anew tells how often; one that fails tells as well."""
    tries = []

    def work(_: mongo.Session) -> str:
        tries.append(1)
        if len(tries) < 3:
            conflict = OperationFailure("conflict", 112)
            conflict._add_error_label("TransientTransactionError")
            raise conflict
        return "done"

    assert alone.transactions.run(work) == "done"

    def fail(_: mongo.Session) -> None:
        raise StorageUnavailable

    with pytest.raises(StorageUnavailable):
        alone.transactions.run(fail)
    assert alone.observed.tries == [3, 1]


class Looking(PoolWatch):
    """Looks at the numbers whenever somebody gets a connection."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = list[tuple[int, int]]()

    def connection_checked_out(self, event: ConnectionCheckedOutEvent) -> None:
        """Look after it was counted."""
        super().connection_checked_out(event)
        self.seen.append((self.in_use, self.idle))


def test_connections_are_watched(quiet_settings: Settings) -> None:
    """A connection is in use while somebody works with it, idle after that, and gone at the end."""
    watch = Looking()
    with mongo.connect(quiet_settings, [watch]) as client:
        client.admin.command("ping")
        client.admin.command("ping")
        assert watch.seen == [(1, 0), (1, 0)]
        assert (watch.in_use, watch.idle) == (0, 1)
    assert (watch.in_use, watch.idle) == (0, 0)


def test_attempts_are_watched(quiet_settings: Settings) -> None:
    """Whoever had a connection may have sent something, and so may whoever is around them."""
    with mongo.connect(quiet_settings) as client, attempting() as around:
        with attempting() as idle:
            pass
        assert (idle.connected, around.connected) == (False, False)
        with attempting() as busy:
            client.admin.command("ping")
        assert (busy.connected, around.connected) == (True, True)


@pytest.mark.usefixtures("patience")
def test_a_value_that_comes_too_late_is_counted(settings: Settings) -> None:
    """A cache that refuses an older value says so, and only then."""
    counted: Counter[str] = Counter()
    way = Connection(
        connection.connect(settings), lambda event, times: counted.update({event: times})
    )
    store = VersionedStore(way)
    key = PREFIX + "late"
    store.fetch([key])
    for version in (2, 3):
        store.publish({key: (Versioned(version, b"new"), 60)}, store.glimpse())
    assert counted["stale"] == 0
    store.publish({key: (Versioned(1, b"old"), 60)}, store.glimpse())
    assert counted["stale"] == 1
    assert way.pool[1] >= 1
    assert not way.is_open
    store.close()


def test_who_waits_for_a_group_is_counted() -> None:
    """The queue tells how many wait while a group is at work."""
    go, began = threading.Event(), threading.Event()

    def work(tickets: Any, _: float) -> None:
        began.set()
        assert go.wait(10)
        for ticket in tickets:
            ticket.result = 1

    queue: GroupQueue[int, int] = GroupQueue(work)
    late = time.monotonic() + 60
    crowd = [threading.Thread(target=queue.run, args=(n, late)) for n in range(3)]
    crowd[0].start()
    assert began.wait(10)
    for one in crowd[1:]:
        one.start()
    until(lambda: queue.size == 2)
    go.set()
    for one in crowd:
        one.join()
    assert queue.size == 0
