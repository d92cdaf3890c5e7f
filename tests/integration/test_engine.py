"""The engine on a real replica set: what a group is granted, and who learns of it."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from inventory import limits
from inventory.domain.movements import Entry, Kind, Reason
from inventory.domain.stock import Operation
from inventory.errors import (
    InsufficientStock,
    OutcomeUnknown,
    StaleStock,
    StorageUnavailable,
    Unavailable,
)
from inventory.repository.mongo import new_id
from inventory.services.changing import Replayed, begin_claim
from inventory.services.lines import AskedLine
from inventory.stock.changes import Change
from tests.integration.conftest import Process
from tests.integration.engine_calls import Start, change, key, settled_tail, together, until


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
        with patch.object(limits, "REQUEST_SECONDS_MAX", 1.6), pytest.raises(Unavailable):
            heir.purchasing.purchase_product(product_id, 1)

        def sold() -> bool:
            with suppress(Unavailable):
                heir.purchasing.purchase_product(product_id, 1)
            return heir.books(product_id)[-1][2] < 10

        until(sold)
    heir.assert_exact(product_id)
