"""Checks of the books over real stores: silent while they are right, exact when they are not."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from inventory import limits
from inventory.domain.integrity.entries import contradiction
from inventory.domain.integrity.problems import Code
from inventory.domain.lines import Line
from inventory.domain.movements import Entry, Kind, Movement, Reason
from inventory.errors import ProductNotFound
from inventory.repository.auditing import Moment
from inventory.repository.mongo import new_id
from inventory.repository.movements import movement_document
from inventory.repository.spans import Span
from inventory.services import examining
from inventory.services.auditing import Report
from inventory.services.examining import Looked
from inventory.services.lines import AskedLine
from inventory.settings import Settings
from tests.integration.bookkeeping import Store, build
from tests.integration.conftest import Process
from tests.integration.corruptions import SPOILED, copy_a_purchase


@pytest.fixture(name="settings")
def _settings(quiet_settings: Settings) -> Settings:
    return quiet_settings


@pytest.fixture(name="store")
def _store(process: Process) -> Store:
    return build(process)


def codes(report: Report) -> list[str]:
    """Return the codes of what was found."""
    assert report.complete
    assert report.problems_total == len(report.problems)
    return [str(problem.code) for problem in report.problems]


def told(report: Report) -> list[str]:
    """Return what was found, in words."""
    return [f"{p.code} {p.product_id}: {p.detail}" for p in report.problems]


def test_books_that_are_right_are_found_right(store: Store) -> None:
    """After every kind of operation nothing is wrong, with any product or with all together."""
    checked: list[int] = []
    report = store.process.auditing.check_all(checked.append)
    assert told(report) == []
    assert (report.ok, report.complete, report.checked, sum(checked)) == (True, True, 5, 5)
    for product_id in (store.plain, store.other, store.tailed, store.gone, store.below):
        report = store.process.auditing.check_product(product_id)
        assert (told(report), report.checked) == ([], 1)


def test_right_books_need_no_close_look(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database itself finds right books right: who has no tail is not looked at closely."""
    examined: list[str] = []
    original = examining.examine

    def noting(moment: Moment, span: Span, *rest: Any) -> Looked:
        examined.append(span.low or "")
        return original(moment, span, *rest)

    monkeypatch.setattr(examining, "examine", noting)
    assert store.process.auditing.check_all().ok
    assert sorted(examined) == sorted([store.tailed, store.gone, store.below])


def test_an_empty_store_is_right(process: Process) -> None:
    """Where there is nothing, nothing is wrong."""
    report = process.auditing.check_all()
    assert (report.ok, report.complete, report.checked) == (True, True, 0)


@pytest.mark.parametrize("product_id", ["6" * 24, "f" * 24, "x", "F" * 24])
def test_products_that_never_were(store: Store, product_id: str) -> None:
    """Of a product that nothing is known of there is nothing to be checked."""
    with pytest.raises(ProductNotFound):
        store.process.auditing.check_product(product_id)


@pytest.mark.parametrize("name", SPOILED)
def test_each_corruption_is_told_by_its_code(store: Store, name: str) -> None:
    """One thing that is wrong is told by one code, however many rules it offends against."""
    code, spoil = SPOILED[name]
    spoil(store)
    report = store.process.auditing.check_all()
    assert set(codes(report)) == {code}, told(report)
    assert not report.ok
    for product_id in {problem.product_id for problem in report.problems}:
        assert product_id is not None
        alone = store.process.auditing.check_product(product_id)
        mine: list[Any] = [p for p in report.problems if p.product_id == product_id]
        assert alone.problems == mine


def trade(process: Process, product_ids: list[str], number: int) -> None:
    """Do one of the things that move stock, which one by its number."""
    first, second = product_ids[number % 3], product_ids[(number + 1) % 3]
    cart = [AskedLine(1, first), AskedLine(2, second)]
    match number % 6:
        case 0:
            bought = process.purchasing.buy_cart(cart)[0].id
            process.purchasing.return_units(bought, [Line(first, 1)], "x", restock=number % 4 > 0)
        case 1:
            held = process.reserving.hold(cart, 60)[0].id
            process.reserving.commit(held, [Line(second, 1)], None)
        case 2:
            process.reserving.release(process.reserving.hold(cart, 60)[0].id, None)
        case 3:
            process.adjusting.adjust_stock(first, 3, Reason.RECEIVED)
        case 4:
            process.catalogue.edit_product(first, None, lambda t: replace(t, price=t.price + 1))
        case _:
            for _ in range(8):
                process.purchasing.purchase_product(first, 1)


def test_checks_are_silent_while_the_shop_goes_on(start_process: Callable[[], Process]) -> None:
    """However much is going on, right books are never found wrong, by either way to look at them.

    One check lets the database look them over, the other looks closely.
    """
    processes = [start_process(), start_process()]
    product_ids = [processes[0].create(stock=2_000) for _ in range(3)]
    auditing = start_process().auditing
    checks = 0
    with ThreadPoolExecutor(6) as pool:
        traded = [
            pool.submit(trade, processes[number % 2], product_ids, number) for number in range(240)
        ]
        while not all(future.done() for future in traded):
            assert told(auditing.check_all(at_once=1 + checks % 3)) == []
            assert told(auditing.check_some(60)) == []
            checks += 1
        for future in traded:
            future.result()
    assert checks > 3
    for process in processes:
        process.archive.settle(process.stock.list_many(product_ids))
    assert told(auditing.check_all()) == []


def test_every_span_is_checked_once(store: Store) -> None:
    """However many products are read at a time, each is checked, and each problem told, once."""
    store.collection("stock").update_many({}, {"$inc": {"headroom": 1}})
    store.delete("products", store.other)
    whole = store.process.auditing.check_all()
    assert (whole.checked, whole.problems_total) == (5, 6)
    for at_once in (1, 2, 3, 4, 5):
        parts = store.process.auditing.check_all(at_once=at_once)
        assert (parts.checked, told(parts)) == (whole.checked, told(whole))


def test_many_suspects_are_examined_together(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether suspects are examined one by one or with their whole span, the same is told."""
    store.collection("stock").update_many({}, {"$inc": {"headroom": 1}})
    singly = store.process.auditing.check_all()
    monkeypatch.setattr(limits, "CHECK_SINGLY_MAX", 0)
    together = store.process.auditing.check_all()
    assert sorted(told(singly)) == sorted(told(together))
    assert singly.checked == together.checked


def test_long_histories_are_judged_in_parts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where movements and documents are read a few at a time, the same is found."""
    monkeypatch.setattr(limits, "CHECK_ROWS", 3)
    assert told(store.process.auditing.check_all()) == []
    copy_a_purchase(store)
    store.add("purchases", store.bought, lines__0__quantity=1)
    assert codes(store.process.auditing.check_product(store.plain)) == [
        Code.PURCHASE_DIFFERS,
        Code.PURCHASE_WITHOUT_MOVEMENT,
    ]


def test_problems_that_are_kept_are_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report keeps some problems and counts all."""
    monkeypatch.setattr(limits, "PROBLEMS_KEPT_MAX", 2)
    store.collection("stock").update_many({}, {"$inc": {"headroom": 1}})
    report = store.process.auditing.check_all()
    assert (len(report.problems), report.problems_total) == (2, 5)


def test_the_database_knows_what_kinds_allow(process: Process) -> None:
    """Of every entry MongoDB says the same as the rules do: it can be of its kind, or it cannot."""
    at = process.clock.now()
    rows, expected = [], {}
    amounts, reasons = (-2, 0, 2), (None, *Reason, "because")
    for kind, delta, held, reason in product(Kind, amounts, amounts, reasons):
        if reason is not None and kind is not Kind.ADJUSTMENT:
            continue
        product_id = new_id()
        tried = Entry(new_id(), kind, delta, at, held_delta=held, reason=reason)
        entries = (
            Entry(new_id(), Kind.OPENING, 9, at),
            Entry(new_id(), Kind.HOLD, -5, at, held_delta=5),
            tried,
        )
        balance = left = 0
        for version, entry in enumerate(entries, 1):
            balance, left = balance + entry.delta, left + entry.held_delta
            rows.append(movement_document(Movement(product_id, version, balance, left, entry)))
        expected[product_id] = kind is not Kind.OPENING and contradiction(tried) is None
    process.database["movements"].insert_many(rows)
    with process.auditing._books.moment() as moment:
        found = moment.summaries(Span())
    assert found is not None
    assert {id: summary.is_sound for id, summary in found.items()} == expected
