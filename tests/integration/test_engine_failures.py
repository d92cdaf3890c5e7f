"""What becomes of a purchase whose process died, or whose writing had no clear end."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from inventory import limits
from inventory.errors import (
    IdempotencyInProgress,
    OutcomeUnknown,
    StorageUnavailable,
)
from inventory.repository.mongo import new_id
from inventory.services.changing import begin_claim
from tests.integration.conftest import Process
from tests.integration.engine_calls import BLOCKING, Died, Start, change, die, key, together


@pytest.fixture(name="patience")
def _patience() -> None:
    """Requests end when they do in service: that is what these tests are about."""


@pytest.mark.parametrize("step", ["claim", "apply", "archive"])
def test_a_retry_finishes_what_a_dead_process_began(
    start_process: Start, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Whatever step a process dies before, the retry with the same key has exactly one effect."""
    dying, heir = start_process(), start_process()
    product_id = heir.create(stock=10)
    monkeypatch.setattr(limits, "REQUEST_SECONDS_MAX", 2.0)
    rooms = {
        "claim": (dying.operations, "add_many"),
        "apply": (dying.stock, "apply"),
        "archive": (dying.archive, "add"),
    }
    monkeypatch.setattr(*rooms[step], die)
    with pytest.raises(Died):
        dying.purchasing.purchase_product(product_id, 3, key=key())

    deadline = time.monotonic() + 30
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

    def fail(asked: Any, *rest: Any, **named: Any) -> Any:
        if asked == [BLOCKING]:
            return real(asked, *rest, **named)
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


def test_a_leader_without_time_keeps_what_was_sold(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When all the time there was is used up, who was served is told so, and at once."""
    product_id = process.create(stock=10)
    asked = _use_up_the_time(process, monkeypatch)
    purchase, _ = process.purchasing.purchase_product(product_id, 1, key=key())
    assert purchase.lines[0].remaining_stock == 9
    assert not asked
    monkeypatch.undo()
    again, replayed = process.purchasing.purchase_product(product_id, 1, key=key())
    assert (again, replayed) == (purchase, True)
    process.assert_exact(product_id)


def test_a_leader_without_time_refuses_nobody_for_good(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal that there was no time to keep is none: a retry may find units."""
    product_id = process.create(stock=0)
    asked = _use_up_the_time(process, monkeypatch)
    with pytest.raises(OutcomeUnknown):
        process.purchasing.purchase_product(product_id, 1, key=key())
    assert not asked
    process.assert_exact(product_id)


def _use_up_the_time(process: Process, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the time be up once a group is decided; return who is asked after that."""
    monkeypatch.setattr(limits, "REQUEST_SECONDS_MAX", 2.0)
    asked = list[str]()
    monkeypatch.setattr(process.publisher, "publish", lambda *_: time.sleep(2.0))
    monkeypatch.setattr(process.operations, "keep_refusals", lambda _: asked.append("refusals"))
    monkeypatch.setattr(process.archive, "add", lambda _: asked.append("ledger"))
    return asked
