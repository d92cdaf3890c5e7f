"""The engine on a real replica set: grants, groups, tails and what becomes of broken processes."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from inventory import limits
from inventory.domain.claims import RequestKey
from inventory.domain.movements import Entry, Kind, Reason
from inventory.domain.products import Terms
from inventory.domain.stock import Operation
from inventory.errors import (
    IdempotencyInProgress,
    InsufficientStock,
    InventoryError,
    OutcomeUnknown,
    ProductNotFound,
    PurchaseNotFound,
    StaleStock,
    StorageUnavailable,
    Unavailable,
)
from inventory.repository.mongo import new_id
from inventory.services.changing import Replayed, begin_claim
from inventory.services.lines import AskedLine
from inventory.stock.changes import Change
from tests.integration.conftest import Process

Start = Callable[[], Process]
# No product has this id; somebody who asks for it keeps the engine busy while a group gathers.
BLOCKING = "0" * 24


def key(name: str = "k") -> RequestKey:
    return RequestKey(id=name, fingerprint="f", request_id="r")


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition that must come true soon."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def settled_tail(process: Process, product_id: str) -> tuple[Entry, ...]:
    """Settle a product and return what is left in its tail."""
    snapshot = process.stock.get(product_id)
    assert snapshot is not None
    process.archive.settle([snapshot])
    after = process.stock.get(product_id)
    assert after is not None
    return after.tail


def change(
    process: Process, product_id: str, delta: int, expected_available: int | None = None
) -> Change:
    operation = operation_of(process, product_id, delta, expected_available)
    return Change(operation.id, operation)


def operation_of(
    process: Process, product_id: str, delta: int, expected_available: int | None = None
) -> Operation:
    kind = Kind.PURCHASE if delta < 0 else Kind.ADJUSTMENT
    entry = Entry(new_id(), kind, delta, process.clock.now())
    return Operation(product_id, entry, expected_available=expected_available)


def together(process: Process, changes: list[Change]) -> list[object]:
    """Submit changes so that they form one group; return a movement or an error for each."""
    release, working = threading.Event(), threading.Event()
    work = process.engine._queue._work

    def held_up(*arguments: Any) -> None:
        working.set()
        assert release.wait(30)
        work(*arguments)

    def submit(one: Change) -> object:
        try:
            return process.engine.submit(one, time.monotonic() + 20)
        except InventoryError as error:
            return error

    with ThreadPoolExecutor(len(changes) + 1) as pool:
        process.engine._queue._work = held_up
        blocker = pool.submit(submit, change(process, BLOCKING, -1))
        assert working.wait(30)
        process.engine._queue._work = work
        futures = []
        for one in changes:
            futures.append(pool.submit(submit, one))
            while len(process.engine._queue._waiting) < len(futures):
                time.sleep(0.001)
        release.set()
        assert isinstance(blocker.result(30), ProductNotFound)
        return [future.result(30) for future in futures]


def test_a_group_is_granted_first_come_first_served(process: Process) -> None:
    """Where a group wants more than there is, its members are served in order while it lasts."""
    product_id = process.create(stock=10)
    outcomes = together(process, [change(process, product_id, -q) for q in (4, 5, 3, 1, 1)])
    assert [type(o).__name__ for o in outcomes] == [
        "Movement",
        "Movement",
        "InsufficientStock",
        "Movement",
        "InsufficientStock",
    ]
    assert isinstance(outcomes[4], InsufficientStock)
    assert outcomes[4].details["available"] == 0
    process.assert_exact(product_id)
    assert process.books(product_id) == [(1, 10, 10), (2, -4, 6), (3, -5, 1), (4, -1, 0)]
    # The one who kept the engine busy was alone, and got nothing.
    assert process.observed.groups == [(0, 1), (3, 5)]


def test_a_group_over_many_products(process: Process) -> None:
    """One group serves several products; one that is short or missing harms its own members."""
    plenty, short, missing = process.create(stock=5), process.create(stock=1), new_id()
    changes = [change(process, p, -2) for p in (plenty, short, missing, plenty)]
    outcomes = together(process, changes)
    assert [type(o).__name__ for o in outcomes] == [
        "Movement",
        "InsufficientStock",
        "ProductNotFound",
        "Movement",
    ]
    for product_id in (plenty, short):
        process.assert_exact(product_id)


def test_a_group_of_nothing_but_nonsense(process: Process) -> None:
    """Ids that spell nothing are not found, also where a group holds no other."""
    outcomes = together(process, [change(process, "x", -1), change(process, "y", -1)])
    assert [type(o).__name__ for o in outcomes] == ["ProductNotFound", "ProductNotFound"]


def test_expectations_inside_a_group(process: Process) -> None:
    """An expected stock is compared with the stock right before that very change."""
    product_id = process.create(stock=10)
    outcomes = together(
        process,
        [
            change(process, product_id, -4),
            change(process, product_id, 1, expected_available=6),
            change(process, product_id, 1, expected_available=10),
        ],
    )
    assert [type(o).__name__ for o in outcomes] == ["Movement", "Movement", "StaleStock"]
    assert isinstance(outcomes[2], StaleStock)
    process.assert_exact(product_id)


def test_two_processes_sell_one_product(start_process: Start) -> None:
    """Two engines that know nothing of each other sell every unit, and not one more."""
    processes = [start_process(), start_process()]
    product_id = processes[0].create(stock=120)
    refused = []

    def buy(number: int) -> int:
        try:
            processes[number % 2].purchasing.purchase_product(product_id, number % 3 + 1)
        except InsufficientStock as refusal:
            refused.append(refusal.details)
            return 0
        return number % 3 + 1

    with ThreadPoolExecutor(32) as pool:
        sold = sum(pool.map(buy, range(120)))
    left = processes[0].stock.get(product_id)
    assert left is not None
    assert sold + left.available == 120
    assert all(refusal["requested"] > refusal["available"] for refusal in refused)
    processes[0].assert_exact(product_id)


def test_tail_is_trimmed_and_the_ledger_complete(process: Process) -> None:
    """A product that sells on and on keeps a bounded tail and a gapless ledger."""
    product_id = process.create(stock=1000)
    for _ in range(limits.TAIL_TRIM_ENTRIES * 2):
        process.purchasing.purchase_product(product_id, 1)
    snapshot = process.stock.get(product_id)
    assert snapshot is not None
    assert len(snapshot.tail) <= limits.TAIL_TRIM_ENTRIES
    process.assert_exact(product_id)


def test_a_full_tail_is_emptied_by_the_next_writer(process: Process) -> None:
    """Where nobody archived for so long that the tail is full, a sale makes room and goes on."""
    product_id = process.create(stock=1000)
    entries = [
        Operation(product_id, Entry(new_id(), Kind.PURCHASE, -1, process.clock.now()))
        for _ in range(limits.TAIL_ENTRIES_MAX)
    ]
    assert process.stock.apply(product_id, entries) is not None
    assert process.stock.apply(product_id, entries[:1]) is None
    purchase, _ = process.purchasing.purchase_product(product_id, 1)
    assert purchase.lines[0].remaining_stock == 1000 - limits.TAIL_ENTRIES_MAX - 1
    process.assert_exact(product_id)


def test_an_unarchived_entry_is_never_trimmed(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trimming stops before the first entry whose row a majority does not have."""
    product_id = process.create()
    for _ in range(3):
        process.purchasing.purchase_product(product_id, 1)
    snapshot = process.stock.get(product_id)
    assert snapshot is not None
    _, second, third = snapshot.tail
    lost = process.database["movements"].find_one_and_delete({"version": 3})
    assert lost is not None
    assert str(lost["_id"]) == second.operation_id
    with monkeypatch.context() as patch:
        patch.setattr(process.movements, "add_missing", lambda _: None)
        process.archive.settle([snapshot])
    after = process.stock.get(product_id)
    assert after is not None
    assert after.tail == (second, third)
    process.archive.settle([after])
    process.assert_exact(product_id)


def test_the_sweeper_finishes_what_a_dead_process_began(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entries that were applied and never archived reach the ledger without their process."""
    product_id = process.create()
    operation = operation_of(process, product_id, -2)
    assert process.stock.apply(product_id, [operation]) is not None
    assert process.books(product_id) == [(1, 10, 10)]
    monkeypatch.setattr(limits, "TAIL_STALE_SECONDS", -60.0)
    assert process.archive.settle_stale() == 1
    assert process.books(product_id) == [(1, 10, 10), (2, -2, 8)]
    assert process.purchases.get(operation.id) is not None
    # A majority has the row within moments, and then the tail is trimmed.
    until(lambda: process.archive.settle_stale() == 0)
    process.assert_exact(product_id)


def test_history_includes_what_waits_in_the_tail(process: Process) -> None:
    """Whoever asks for movements sees everything applied, archived or not."""
    product_id = process.create()
    assert process.stock.apply(product_id, [operation_of(process, product_id, -2)])
    rows = process.adjusting.list_movements(product_id, None, None, 10)
    assert [(row.version, row.entry.delta) for row in rows] == [(2, -2), (1, 10)]


def test_a_purchase_is_found_before_it_is_archived(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was acknowledged can be read at once, even if the ledger could not be written."""
    product_id = process.create()

    def fail(*_: object) -> None:
        raise OutcomeUnknown

    with monkeypatch.context() as patch:
        patch.setattr(process.archive, "add", fail)
        purchase, _ = process.purchasing.purchase_product(product_id, 1)
        assert process.purchases.get(purchase.id) is None
        with pytest.raises(StorageUnavailable):
            process.purchasing.get_purchase(purchase.id)
    assert process.purchasing.get_purchase(purchase.id) == purchase
    assert process.purchases.get(purchase.id) == purchase
    with pytest.raises(PurchaseNotFound):
        process.purchasing.get_purchase(new_id())


def test_a_sale_keeps_the_price_it_was_made_at(process: Process) -> None:
    """An entry that still waits for the ledger is not repriced by an edit."""
    product_id = process.create(price=Decimal("2.50"))
    old = operation_of(process, product_id, -1)
    assert process.stock.apply(product_id, [old]) is not None
    process.catalogue.edit_product(
        product_id, 1, lambda terms: Terms.of(name=terms.name, price=Decimal(4))
    )
    new, _ = process.purchasing.purchase_product(product_id, 1)
    process.assert_exact(product_id)
    found = process.recovery.find(product_id, old.id)
    assert found is not None
    assert found.entry.price == Decimal("2.50")
    assert new.lines[0].unit_price == Decimal("4.00")


def test_a_fenced_operation_is_not_applied_late(process: Process) -> None:
    """After its fence, by the database's clock, nobody can apply an operation any more."""
    product_id = process.create()
    entry = Entry(new_id(), Kind.PURCHASE, -1, process.clock.now())
    late = Operation(product_id, entry, fence=process.clock.now() - timedelta(seconds=1))
    assert process.stock.apply(product_id, [late]) is None
    with pytest.raises(StorageUnavailable):
        process.engine.submit(Change(late.id, late), time.monotonic() + 2)
    assert process.books(product_id) == [(1, 10, 10)]


def test_a_voided_operation_is_not_applied(process: Process) -> None:
    """A writer that wakes up inside its fence finds its operation given up by its successor."""
    product_id = process.create()
    claim = begin_claim(key(), new_id(), process.clock, product_id)
    entry = Entry(claim.operation_id, Kind.PURCHASE, -1, process.clock.now())
    sleeper = Operation(product_id, entry, fence=claim.fence)
    assert process.recovery.give_up(product_id, claim.operation_id) is None
    assert process.stock.apply(product_id, [sleeper]) is None
    with pytest.raises(StorageUnavailable):
        process.engine.submit(
            Change(sleeper.id, sleeper, claim, claimed=True), time.monotonic() + 2
        )


def test_an_applied_operation_cannot_be_voided(process: Process) -> None:
    """Giving up finds an effect wherever it is: in the tail, in the ledger, or trimmed."""
    product_id = process.create()
    operation = operation_of(process, product_id, -3)
    snapshot = process.stock.apply(product_id, [operation])
    assert snapshot is not None
    assert not process.stock.void(product_id, operation.id)
    assert process.recovery.give_up(product_id, operation.id) is not None
    until(lambda: settled_tail(process, product_id) == ())
    found = process.recovery.give_up(product_id, operation.id)
    assert found is not None
    assert (found.version, found.balance) == (2, 7)


class Died(BaseException):
    """Stands for kill -9: nothing after it runs in that process."""


def die(*_: object, **__: object) -> None:
    raise Died


@pytest.mark.parametrize("step", ["claim", "apply", "archive"])
def test_a_retry_finishes_what_a_dead_process_began(
    start_process: Start, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Whatever step a process dies before, the retry with the same key has exactly one effect."""
    dying, heir = start_process(), start_process()
    product_id = heir.create(stock=10)
    monkeypatch.setattr(limits, "REQUEST_SECONDS_MAX", 0.3)
    rooms = {
        "claim": (dying.operations, "add_many"),
        "apply": (dying.stock, "apply"),
        "archive": (dying.archive, "add"),
    }
    monkeypatch.setattr(*rooms[step], die)
    with pytest.raises(Died):
        dying.purchasing.purchase_product(product_id, 3, key=key())
    monkeypatch.setattr(limits, "REQUEST_SECONDS_MAX", 2.0)

    deadline = time.monotonic() + 10
    while True:
        try:
            purchase, replayed = heir.purchasing.purchase_product(product_id, 3, key=key())
            break
        except IdempotencyInProgress:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert replayed == (step == "archive")
    assert purchase.lines[0].remaining_stock == 7
    again, replayed = heir.purchasing.purchase_product(product_id, 3, key=key())
    assert (again, replayed) == (purchase, True)
    heir.assert_exact(product_id)
    assert heir.books(product_id) == [(1, 10, 10), (2, -3, 7)]


def test_two_heirs_of_one_claim(start_process: Start) -> None:
    """Of many that take over one abandoned claim at once, one has the effect, all see the same."""
    processes = [start_process() for _ in range(3)]
    product_id = processes[0].create(stock=10)
    claim = begin_claim(key(), new_id(), processes[0].clock, product_id)
    abandoned = claim.next_attempt(claim.operation_id, processes[0].clock.now(), "r")
    assert not processes[0].operations.add_many([abandoned])

    def buy(number: int) -> object:
        while True:
            try:
                return processes[number % 3].purchasing.purchase_product(product_id, 2, key=key())[
                    0
                ]
            except IdempotencyInProgress:
                time.sleep(0.01)

    with ThreadPoolExecutor(12) as pool:
        purchases = set(pool.map(buy, range(12)))
    assert len(purchases) == 1
    assert processes[0].books(product_id) == [(1, 10, 10), (2, -2, 8)]


def test_an_unclear_write_that_was_applied_is_a_success(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the answer of MongoDB is lost after the effect, the engine finds the effect."""
    product_id = process.create(stock=10)
    real = process.stock.apply

    def lose_the_answer(*arguments: Any) -> None:
        real(*arguments)
        raise OutcomeUnknown

    monkeypatch.setattr(process.stock, "apply", lose_the_answer)
    purchase, _ = process.purchasing.purchase_product(product_id, 1)
    assert purchase.lines[0].remaining_stock == 9
    process.assert_exact(product_id)


@pytest.mark.parametrize("room,call", [("stock", "list_many"), ("recovery", "find_many")])
def test_a_lost_look_after_the_write_is_unknown(
    process: Process, monkeypatch: pytest.MonkeyPatch, room: str, call: str
) -> None:
    """Where several products were written and cannot be looked at, nobody is told "not applied"."""
    products = [process.create(stock=10), process.create(stock=10)]

    real = getattr(getattr(process, room), call)

    def fail(asked: Any, *rest: Any) -> Any:
        if asked == [BLOCKING]:
            return real(asked, *rest)
        raise StorageUnavailable

    monkeypatch.setattr(getattr(process, room), call, fail)
    # The third is refused, so that there is somebody to look for.
    changes = [change(process, products[0], -1), change(process, products[1], -1)]
    outcomes = together(process, [*changes, change(process, products[1], -99)])
    monkeypatch.undo()
    assert not any(isinstance(outcome, StorageUnavailable) for outcome in outcomes)
    assert any(isinstance(outcome, OutcomeUnknown) for outcome in outcomes)
    process.assert_exact(products[0])


def test_an_unclear_write_that_was_not_applied_is_unknown(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the effect is not to be seen it may still come, so the answer is neither yes nor no."""
    product_id = process.create(stock=10)

    def vanish(*_: object) -> None:
        raise OutcomeUnknown

    monkeypatch.setattr(process.stock, "apply", vanish)
    with pytest.raises(OutcomeUnknown):
        process.purchasing.purchase_product(product_id, 1, key=key())
    monkeypatch.undo()
    with pytest.raises(IdempotencyInProgress):
        process.purchasing.purchase_product(product_id, 1, key=key())
    assert process.books(product_id) == [(1, 10, 10)]


def test_a_refusal_is_kept(process: Process) -> None:
    """A refused request stays refused for its key, even when there is stock again."""
    product_id = process.create(stock=1)
    with pytest.raises(InsufficientStock):
        process.purchasing.purchase_product(product_id, 2, key=key())
    process.adjusting.adjust_stock(product_id, 5, Reason.RECEIVED)
    with pytest.raises(Replayed) as replayed:
        process.purchasing.purchase_product(product_id, 2, key=key())
    assert replayed.value.answered_id == "r"
    assert isinstance(replayed.value.refusal, InsufficientStock)
    assert replayed.value.refusal.details["available"] == 1


def test_a_refusal_that_was_not_kept_is_not_definite(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the refusal cannot be written down, the client may not be told a definite no."""
    product_id = process.create(stock=1)

    def fail(*_: object) -> None:
        raise StorageUnavailable

    monkeypatch.setattr(process.operations, "keep_refusals", fail)
    with pytest.raises(OutcomeUnknown):
        process.purchasing.purchase_product(product_id, 2, key=key())


def test_a_refusal_of_an_attempt_that_was_taken_over(process: Process) -> None:
    """A process that was overtaken may not answer for the attempt that replaced its own."""
    product_id = process.create(stock=1)
    claim = begin_claim(key(), new_id(), process.clock, product_id)
    assert not process.operations.add_many([claim])
    successor = claim.next_attempt(new_id(), claim.fence, "r")
    assert process.operations.take_over(successor)
    entry = Entry(claim.operation_id, Kind.PURCHASE, -2, process.clock.now())
    operation = Operation(product_id, entry, fence=claim.fence)
    overtaken = Change(operation.id, operation, claim, claimed=True)
    with pytest.raises(OutcomeUnknown):
        process.engine.submit(overtaken, time.monotonic() + 2)


def test_units_that_somebody_else_takes_back_meanwhile(
    start_process: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is refused units of an expired hold because another process is tidying it up."""
    process, sweeping = start_process(), start_process()
    product_id = process.create(stock=2)
    process.reserving.hold([AskedLine(2, product_id)], ttl_seconds=60)
    now = process.clock.now() + timedelta(hours=1)
    for one in (process, sweeping):
        monkeypatch.setattr(one.clock, "now", lambda: now)
    look = process.reservations.list_due_of

    def look_too_late(*arguments: Any) -> Any:
        sweeping.engine.expire_due()
        return look(*arguments)

    monkeypatch.setattr(process.reservations, "list_due_of", look_too_late)
    purchase, _ = process.purchasing.purchase_product(product_id, 1)
    assert purchase.lines[0].remaining_stock == 1
    with pytest.raises(InsufficientStock):
        process.purchasing.purchase_product(product_id, 2)
    process.assert_exact(product_id)


def test_every_change_is_published(process: Process) -> None:
    """Whoever keeps counters, such as the cache, hears the newest ones before the answer."""
    product_id = process.create(stock=10)
    process.purchasing.purchase_product(product_id, 4)
    assert [(s.product_id, s.available) for s in process.published.snapshots] == [(product_id, 6)]


@pytest.mark.parametrize("archived", [False, True])
def test_a_replay_is_published_first(start_process: Start, archived: bool) -> None:
    """Who is answered for what another process did can read it, even if that one never told."""
    silent, telling = start_process(), start_process()
    product_id = telling.create(stock=10)
    silent.published.publish = lambda *_: None  # type: ignore[method-assign]
    first, _ = silent.purchasing.purchase_product(product_id, 3, key=key())
    if archived:
        until(lambda: settled_tail(silent, product_id) == ())
    again, replayed = telling.purchasing.purchase_product(product_id, 3, key=key())
    assert (again, replayed) == (first, True)
    assert [(s.product_id, s.available) for s in telling.published.snapshots] == [(product_id, 7)]


def test_what_was_applied_is_published_whatever_happens(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake after the effect keeps nobody from reading it."""
    product_id = process.create(stock=10)

    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(process.engine, "_reclaim", fail)
    with pytest.raises(RuntimeError):
        process.purchasing.purchase_product(product_id, 1)
    assert [snapshot.available for snapshot in process.published.snapshots] == [9]


def test_counters_that_a_dead_process_locked_come_free(start_process: Start) -> None:
    """What died in the middle of a transaction keeps a product from being sold for moments only."""
    dying, heir = start_process(), start_process()
    product_id = heir.create(stock=10)
    with dying.client.start_session() as session:
        session.start_transaction()
        assert dying.stock.lock([product_id], session)
        with pytest.raises(Unavailable):
            heir.purchasing.purchase_product(product_id, 1)

        def sold() -> bool:
            with suppress(Unavailable):
                heir.purchasing.purchase_product(product_id, 1)
            return heir.books(product_id)[-1][2] < 10

        until(sold)
    heir.assert_exact(product_id)
