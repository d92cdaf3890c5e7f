"""Postings on a real replica set: one transaction a group, and what becomes of broken ones."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from inventory import limits
from inventory.domain.claims import RequestKey
from inventory.domain.lines import Line
from inventory.domain.movements import Entry, Kind
from inventory.domain.postings.buying import BuyCart
from inventory.domain.postings.holding import Hold
from inventory.domain.products import CustomerLimit, Terms
from inventory.domain.purchases import Purchase
from inventory.domain.reservations import State
from inventory.domain.stock import Operation
from inventory.errors import (
    IdempotencyInProgress,
    InsufficientStock,
    OutcomeUnknown,
    Overloaded,
    StorageUnavailable,
)
from inventory.repository.mongo import new_id
from inventory.services.changing import begin_claim
from inventory.services.lines import AskedLine
from inventory.stock.changes import Change
from tests.integration.conftest import Process
from tests.integration.engine_calls import change, key, together

Start = Callable[[], Process]


def cart(*lines: tuple[str, int]) -> Change:
    """Return a change that buys a cart."""
    return Change(new_id(), BuyCart(tuple(Line(*line) for line in lines)))


def asked(*lines: tuple[str, int]) -> list[AskedLine]:
    """Return lines as a client asks for them."""
    return [AskedLine(quantity, product_id=product_id) for product_id, quantity in lines]


def test_all_who_want_a_product_are_served_in_order(process: Process) -> None:
    """Purchases, carts and holds of one group get what there is in the order of their arrival."""
    hot, other = process.create(stock=7), process.create(stock=7)
    hold = Change(new_id(), Hold((Line(hot, 2),), 60))
    outcomes = together(
        process,
        [
            change(process, hot, -2),
            cart((hot, 2), (other, 1)),
            change(process, hot, -9),
            hold,
            change(process, hot, -2),
            change(process, other, -1),
            change(process, hot, -1),
        ],
    )
    assert [type(outcome).__name__ for outcome in outcomes] == [
        "Movement",
        "Purchase",
        "InsufficientStock",
        "Reservation",
        "InsufficientStock",
        "Movement",
        "Movement",
    ]
    assert [row[1:] for row in process.books(hot)] == [(7, 7), (-2, 5), (-2, 3), (-2, 1), (-1, 0)]
    refused = outcomes[4]
    assert isinstance(refused, InsufficientStock)
    assert refused.details["available"] == 1
    held = process.reserving.get(hold.id)
    assert refused.details["next_release_at"].startswith(held.expires_at.isoformat()[:19])
    for product_id in (hot, other):
        process.assert_exact(product_id)


def test_a_group_of_carts_is_one_transaction(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many carts wait, they are written together, and each by itself succeeds or not."""
    products = [process.create(stock=10) for _ in range(3)]
    runs = []
    real = process.transactions.run

    def counted(work: Any) -> Any:
        runs.append(work)
        return real(work)

    monkeypatch.setattr(process.transactions, "run", counted)
    wanted = [cart(*((product_id, 4) for product_id in products)) for _ in range(4)]
    outcomes = together(process, wanted)
    assert [type(outcome).__name__ for outcome in outcomes] == [
        *["Purchase"] * 2,
        *["InsufficientStock"] * 2,
    ]
    assert len(runs) == 1
    for product_id in products:
        process.assert_exact(product_id)


def test_a_group_weighs_no_more_than_it_should(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Large carts are spread over groups, so that no transaction grows without bound."""
    monkeypatch.setattr(limits, "GROUP_LINES_MAX", 5)
    products = [process.create(stock=99) for _ in range(3)]
    together(process, [cart(*((product_id, 1) for product_id in products)) for _ in range(4)])
    assert process.observed.groups == [(0, 1), *[(1, 1)] * 4]


def test_carts_of_two_processes_do_not_starve(start_process: Start) -> None:
    """Carts over the same products in any order, from two processes, all come to an end."""
    processes = [start_process(), start_process()]
    products = [processes[0].create(stock=60) for _ in range(3)]

    def buy(number: int) -> int:
        lines = products if number % 2 else products[::-1]
        try:
            processes[number % 2].purchasing.buy_cart(asked(*((line, 1) for line in lines)))
        except InsufficientStock:
            return 0
        return 1

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(buy, range(70))) == 60
    for product_id in products:
        processes[0].assert_exact(product_id)
        assert processes[0].books(product_id)[-1][2] == 0


def test_a_full_tail_makes_room_for_postings(process: Process) -> None:
    """Where a tail is full of what nobody has archived, it is settled first."""
    product_id, other = process.create(stock=1000), process.create(stock=9)
    entries = [
        Operation(product_id, Entry(new_id(), Kind.PURCHASE, -1, process.clock.now()))
        for _ in range(limits.TAIL_ENTRIES_MAX)
    ]
    assert process.stock.apply(product_id, entries) is not None
    bought, _ = process.purchasing.buy_cart(asked((product_id, 1), (other, 1)))
    assert bought.lines[0].remaining_stock == 1000 - limits.TAIL_ENTRIES_MAX - 1
    process.assert_exact(product_id)


def test_postings_leave_tails_as_short_as_they_can(process: Process) -> None:
    """What the ledger holds leaves the tail with the next posting, and nothing else does."""
    product_id, other = process.create(stock=50), process.create(stock=50)
    process.purchasing.purchase_product(product_id, 1)
    process.purchasing.buy_cart(asked((product_id, 1), (other, 1)))
    snapshot = process.stock.get(product_id, newest=True)
    assert snapshot is not None
    assert snapshot.tail == ()
    lost = Operation(product_id, Entry(new_id(), Kind.PURCHASE, -1, process.clock.now()))
    assert process.stock.apply(product_id, [lost])
    process.purchasing.buy_cart(asked((product_id, 1), (other, 1)))
    snapshot = process.stock.get(product_id, newest=True)
    assert snapshot is not None
    assert snapshot.tail[0].operation_id == lost.id
    assert len(snapshot.tail) == 2
    process.assert_exact(product_id)


def test_an_overtaken_attempt_commits_nothing(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attempt that was taken over in the middle has no effect, the others of its group do."""
    product_id, other = process.create(stock=9), process.create(stock=9)
    claim = begin_claim(key(), new_id(), process.clock)
    slow = Change(claim.operation_id, cart((product_id, 2), (other, 2)).what, claim)
    real = process.stock.lock

    def take_over_first(*arguments: Any) -> Any:
        monkeypatch.setattr(process.stock, "lock", real)
        assert process.operations.take_over(claim.next_attempt(new_id(), claim.fence, "r"))
        return real(*arguments)

    monkeypatch.setattr(process.stock, "lock", take_over_first)
    overtaken, served = together(process, [slow, cart((product_id, 1), (other, 1))])
    assert isinstance(overtaken, IdempotencyInProgress)
    assert isinstance(served, Purchase)
    assert [row[1] for row in process.books(product_id)] == [9, -1]
    process.assert_exact(product_id)


def test_an_abandoned_posting_is_begun_anew(
    start_process: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cart whose process died after its claim is bought by the retry, once."""
    dying, heir = start_process(), start_process()
    product_id, other = heir.create(stock=9), heir.create(stock=9)
    claim = begin_claim(key(), new_id(), dying.clock)
    passed = claim.fence - timedelta(seconds=limits.REQUEST_SECONDS_MAX * 2)
    abandoned = claim.next_attempt(claim.operation_id, passed, "r")
    assert not dying.operations.add_many([abandoned])
    lines = asked((product_id, 2), (other, 2))
    bought, replayed = heir.purchasing.buy_cart(lines, key=key())
    assert not replayed
    again, replayed = heir.purchasing.buy_cart(lines, key=key())
    assert (again, replayed) == (bought, True)
    assert [row[1] for row in heir.books(product_id)] == [9, -2]


def test_a_lost_answer_of_a_commit_is_unknown(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody heard whether a transaction was committed, the retry finds out."""
    product_id, other = process.create(stock=9), process.create(stock=9)
    real = process.transactions.run

    def lose_the_answer(work: Any) -> None:
        real(work)
        raise OutcomeUnknown

    monkeypatch.setattr(process.transactions, "run", lose_the_answer)
    lines = asked((product_id, 2), (other, 2))
    with pytest.raises(OutcomeUnknown):
        process.purchasing.buy_cart(lines, key=key())
    monkeypatch.undo()
    bought, replayed = process.purchasing.buy_cart(lines, key=key())
    assert replayed
    assert [line.remaining_stock for line in bought.lines] == [7, 7]
    process.assert_exact(product_id)


def test_a_conflict_without_end_changes_nothing(start_process: Start) -> None:
    """Who cannot get hold of the counters in time is told for certain that nothing happened."""
    holding, waiting = start_process(), start_process()
    product_id, other = waiting.create(stock=9), waiting.create(stock=9)
    with holding.client.start_session() as session:
        session.start_transaction()
        holding.stock.lock([product_id], session)
        with patch.object(limits, "REQUEST_SECONDS_MAX", 1.6), pytest.raises(StorageUnavailable):
            waiting.purchasing.buy_cart(asked((product_id, 1), (other, 1)))
        session.abort_transaction()
    assert len(waiting.books(product_id)) == 1


def test_many_sweepers_expire_a_hold_once(start_process: Start) -> None:
    """Any number of processes may tidy up at once; each hold is given back by one of them."""
    processes = [start_process() for _ in range(3)]
    product_id = processes[0].create(stock=50)
    holds = [processes[0].reserving.hold(asked((product_id, 1)), 60)[0].id for _ in range(10)]
    processes[0].database["reservations"].update_many(
        {}, {"$set": {"expires_at": processes[0].clock.now()}}
    )
    barrier = threading.Barrier(3)

    def sweep(process: Process) -> None:
        barrier.wait()
        while process.engine.expire_due():
            pass

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(sweep, processes))
    assert {processes[0].reserving.get(id).state for id in holds} == {State.EXPIRED}
    deltas = [row[1] for row in processes[0].books(product_id)]
    assert deltas == [50, *[-1] * 10, *[1] * 10]
    processes[0].assert_exact(product_id)


def test_a_doubtful_refusal_is_none(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who might be refused for want of units that have come free is not told a definite no."""
    product_id = process.create(stock=5)
    process.reserving.hold(asked((product_id, 5)), 60)

    def fail(*_: object) -> None:
        raise StorageUnavailable

    monkeypatch.setattr(process.reservations, "list_due_of", fail)
    with pytest.raises(StorageUnavailable):
        process.purchasing.purchase_product(product_id, 1)
    monkeypatch.undo()
    with pytest.raises(InsufficientStock):
        process.purchasing.purchase_product(product_id, 1)


def test_a_keyed_sale_of_a_limited_product(start_process: Start) -> None:
    """A sale that a transaction had to decide is found by its retry like any other."""
    first, second = start_process(), start_process()
    product_id = first.create(stock=9)
    first.catalogue.edit_product(
        product_id, 1, lambda terms: with_limit(terms, quantity=2, window_seconds=60)
    )
    same = RequestKey("limited", "f", "r")
    bought, _ = first.purchasing.purchase_product(product_id, 2, customer_id="ann", key=same)
    again, replayed = second.purchasing.purchase_product(product_id, 2, customer_id="ann", key=same)
    assert (again, replayed) == (bought, True)
    assert second.purchases.get(bought.id) == bought
    assert len(second.books(product_id)) == 2


def with_limit(terms: Terms, **limit: int) -> Terms:
    """Return terms with a limit per customer."""
    return replace(terms, max_per_customer=CustomerLimit(**limit))


def test_a_posting_that_is_too_late_is_not_begun(process: Process) -> None:
    """Postings whose time is up before their group begins change nothing."""
    product_id, other = process.create(stock=9), process.create(stock=9)
    late = cart((product_id, 1), (other, 1))
    with pytest.raises(Overloaded):
        process.engine.submit(late, time.monotonic())
    assert len(process.books(product_id)) == 1
