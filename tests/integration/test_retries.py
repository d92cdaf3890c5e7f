"""A retry that is understood in another way than the first request, and attempts that cross.

What a SKU names can change between two requests with the same key. The key has one effect and one
answer all the same, wherever the first attempt got to.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

import pytest

from inventory import limits
from inventory.domain.claims import Claim
from inventory.domain.products import CustomerLimit, Terms
from inventory.domain.reservations import Reservation
from inventory.domain.stock import Operation, Snapshot
from inventory.errors import (
    IdempotencyInProgress,
    OutcomeUnknown,
    PurchaseLimitExceeded,
)
from inventory.repository.mongo import Session
from inventory.services.lines import AskedLine
from tests.integration.conftest import Process
from tests.integration.engine_calls import Died, die, key

Start = Callable[[], Process]
T = TypeVar("T")


@pytest.fixture(name="patience")
def _patience() -> None:
    """Attempts are given up as soon as they are in service."""


def rename(process: Process, product_id: str, sku: str) -> None:
    """Give a product another SKU."""
    process.catalogue.edit_product(product_id, None, lambda terms: replace(terms, sku=sku))


def once_decided(call: Callable[[], T]) -> T:
    """Repeat a request until nobody works for its key any more."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return call()
        except IdempotencyInProgress:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def stocks(process: Process, *product_ids: str) -> list[int]:
    """Return what is left of products."""
    found = {one.product_id: one.available for one in process.stock.list_many(product_ids)}
    return [found[id] for id in product_ids]


@pytest.mark.parametrize("first_is_one_line", [True, False])
def test_a_cart_that_has_other_lines_by_now(process: Process, first_is_one_line: bool) -> None:
    """Two lines are one where they name one product; the retry is answered as the first was."""
    a, b = process.create(stock=10, sku="X"), process.create(stock=10, sku="Y")
    asked = [AskedLine(1, product_id=a), AskedLine(1, sku="X" if first_is_one_line else "Y")]
    first, replayed = process.purchasing.buy_cart(asked, key=key())
    assert (len(first.lines) == 1, replayed) == (first_is_one_line, False)
    before = stocks(process, a, b)
    rename(process, a, "Z")
    rename(process, b, "X")
    rename(process, a, "Y")
    again, replayed = once_decided(lambda: process.purchasing.buy_cart(asked, key=key()))
    assert (again.id, again.lines, replayed) == (first.id, first.lines, True)
    assert stocks(process, a, b) == before


def test_an_heir_who_sold_another_product(
    start_process: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The third attempt finds what the second did, at the product that it understood."""
    first, second, third = start_process(), start_process(), start_process()
    a, b = third.create(stock=10, sku="X"), third.create(stock=10, sku="Y")
    asked = [AskedLine(1, sku="X")]
    monkeypatch.setattr(first.stock, "apply", die)
    with pytest.raises(Died):
        first.purchasing.buy_cart(asked, key=key())
    rename(third, a, "Z")
    rename(third, b, "X")
    # After its update, before anything is in the ledger.
    monkeypatch.setattr(second.publisher, "publish", lambda told, _: die() if told else None)
    with pytest.raises(Died):
        once_decided(lambda: second.purchasing.buy_cart(asked, key=key()))
    assert stocks(third, a, b) == [10, 9]
    _, replayed = once_decided(lambda: third.purchasing.buy_cart(asked, key=key()))
    assert replayed
    assert stocks(third, a, b) == [10, 9]


def test_a_second_click_while_the_first_is_at_work(
    start_process: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told to wait, though what it names is no longer there."""
    slow, quick = start_process(), start_process()
    product = quick.create(stock=10, sku="X")
    asked, begun, go = [AskedLine(1, sku="X")], threading.Event(), threading.Event()
    apply = slow.stock.apply

    def apply_later(product_id: str, operations: Sequence[Operation]) -> Snapshot | None:
        begun.set()
        assert go.wait(5)
        return apply(product_id, operations)

    monkeypatch.setattr(slow.stock, "apply", apply_later)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(slow.purchasing.buy_cart, asked, key=key())
        assert begun.wait(5)
        rename(quick, product, "Y")
        with pytest.raises(IdempotencyInProgress):
            quick.purchasing.buy_cart(asked, key=key())
        go.set()
        assert not first.result()[1]
    assert once_decided(lambda: quick.purchasing.buy_cart(asked, key=key()))[1]
    assert stocks(quick, product) == [9]


def test_a_refusal_that_somebody_else_does_not_share(
    start_process: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was overtaken before its refusal was kept does not know what becomes of the request."""
    slow, quick = start_process(), start_process()
    other = slow.create(sku="X")
    terms = Terms.of(name="Cap", price=Decimal(1), sku="X")
    keep_refusals = slow.operations.keep_refusals

    def keep_later(refused: list[Claim]) -> set[str]:
        quick.catalogue.delete_product(other, None)
        made, replayed = once_decided(lambda: quick.catalogue.create_product(terms, 5, key()))
        assert (made.product.terms.sku, replayed) == ("X", False)
        return keep_refusals(refused)

    monkeypatch.setattr(slow.operations, "keep_refusals", keep_later)
    with pytest.raises(OutcomeUnknown):
        slow.catalogue.create_product(terms, 5, key())
    assert quick.catalogue.create_product(terms, 5, key())[1]


def test_a_count_that_was_recent_when_it_came_first(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its retry is answered as it was, however old the count is by then."""
    product = process.create(stock=10)
    asked, counted_at = [AskedLine(8, product_id=product)], process.clock.now()
    first, _ = process.counting.take_stock(asked, counted_at, key=key())
    monkeypatch.setattr(limits, "COUNT_AGE_SECONDS_MAX", 0)
    assert process.counting.take_stock(asked, counted_at, key=key()) == (first, True)


def test_a_hold_that_is_extended_as_its_customer_buys(
    start_process: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either it has run out, or it counts: nobody gets more than they may have."""
    extending, buying = start_process(), start_process()
    product = buying.create(stock=10, max_per_customer=CustomerLimit(1, 3600))
    hold, _ = extending.reserving.hold([AskedLine(1, product_id=product)], 1, customer_id="ann")
    read, go = threading.Event(), threading.Event()
    list_in = extending.reservations.list_in

    def list_and_wait(
        ids: Iterable[str], customers: Mapping[str, Iterable[str]], session: Session
    ) -> list[Reservation]:
        found = list_in(ids, customers, session)
        read.set()
        assert go.wait(5)
        return found

    monkeypatch.setattr(extending.reservations, "list_in", list_and_wait)
    with ThreadPoolExecutor(2) as pool:
        extended = pool.submit(extending.reserving.extend, hold.id, 60)
        assert read.wait(5)
        while buying.clock.now() <= hold.expires_at:
            time.sleep(0.01)
        bought = pool.submit(buying.purchasing.purchase_product, product, 1, customer_id="ann")
        time.sleep(0.1)
        go.set()
        assert extended.exception() is None
        assert isinstance(bought.exception(), PurchaseLimitExceeded)
    assert stocks(buying, product) == [9]
