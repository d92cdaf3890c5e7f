"""Checks of the books over real stores: silent while they are right, exact when they are not."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from bson import Decimal128, ObjectId

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
from tests.integration.bookkeeping import ADJUSTMENT, SALE, Spoil, Store, build
from tests.integration.conftest import Process


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


def lose_counters_and_product(store: Store) -> None:
    """Delete all that there is of a product but its ledger."""
    store.delete("products", store.tailed)
    store.delete("stock", store.tailed)


def copy_a_purchase(store: Store) -> None:
    """Let a purchase appear that never happened."""
    document = store.collection("purchases").find_one({"_id": ObjectId(store.sale)})
    assert document is not None
    store.collection("purchases").insert_one(document | {"_id": ObjectId()})


def lose_a_return(store: Store) -> None:
    """Delete the record of units that came back and were not put on sale."""
    assert store.collection("returns").delete_one({"restocked": False}).deleted_count == 1


def return_too_much(store: Store) -> None:
    """Let more come back than was bought, in all places."""
    store.collection("returns").update_one({"restocked": False}, {"$inc": {"lines.0.quantity": 1}})
    store.add("purchases", store.cart, lines__1__returned=1)


def sell_what_is_not_there(store: Store) -> None:
    """Let the stock fall below what is allowed, in all places."""
    product_id = store.process.create(stock=1)
    sale = store.process.purchasing.purchase_product(product_id, 1)[0].id
    store.add("movements", product_id, delta=-1, balance=-1)
    store.add("movements", sale, balance=-1)
    store.add("purchases", sale, lines__0__remaining_stock=-1)
    store.add("stock", product_id, available=-1, headroom=-1)


def buy_twice_what_is_not_there(store: Store) -> None:
    """Let a purchase appear that never happened, and that has the same line twice."""
    document = store.collection("purchases").find_one({"_id": ObjectId(store.sale)})
    assert document is not None
    copied = document | {"_id": ObjectId(), "lines": document["lines"] * 2}
    store.collection("purchases").insert_one(copied)


def hold_what_never_was(store: Store) -> None:
    """Let units of a product be held that nobody knows."""
    document = store.collection("reservations").find_one({"_id": ObjectId(store.held)})
    assert document is not None
    line = document["lines"][0] | {"product_id": ObjectId()}
    store.collection("reservations").insert_one(document | {"_id": ObjectId(), "lines": [line]})


def restock_too_much(store: Store) -> None:
    """Let more units be on sale again than came back, in ledger and counters."""
    query = {"product_id": ObjectId(store.plain), "kind": "return"}
    (row,) = store.collection("movements").find(query)
    store.add("movements", str(row["_id"]), delta=1)
    later = query | {"kind": {"$exists": True}, "version": {"$gte": row["version"]}}
    store.collection("movements").update_many(later, {"$inc": {"balance": 1}})
    told = {"lines.product_id": row["product_id"], "lines.stock_version": {"$gt": row["version"]}}
    for purchase in list(store.collection("purchases").find(told)):
        for place, line in enumerate(purchase["lines"]):
            if line["product_id"] == row["product_id"]:
                field = f"lines__{place}__remaining_stock"
                store.add("purchases", str(purchase["_id"]), **{field: 1})
    store.add("stock", store.plain, available=1, headroom=1)


def lose_a_return_on_sale(store: Store) -> None:
    """Delete the record of units that came back and were put on sale."""
    assert store.collection("returns").delete_one({"restocked": True}).deleted_count == 1


def garble_a_return(store: Store) -> None:
    """Let a return have no lines, but something else in their place."""
    store.collection("returns").update_one({"restocked": False}, {"$set": {"lines": 5}})


SPOILED: dict[str, tuple[str, Spoil]] = {
    "a row is lost": (Code.VERSION_GAP, lambda s: s.delete("movements", s.row(ADJUSTMENT))),
    "a balance": (
        Code.BALANCE_CHAIN_BROKEN,
        lambda s: s.add("movements", s.row(ADJUSTMENT), balance=1),
    ),
    "the last balance": (
        Code.BALANCE_CHAIN_BROKEN,
        lambda s: s.add("movements", s.last(), balance=1),
    ),
    "a delta": (
        Code.BALANCE_CHAIN_BROKEN,
        lambda s: s.add("movements", s.row(ADJUSTMENT), delta=-1),
    ),
    "what was held": (
        Code.HELD_CHAIN_BROKEN,
        lambda s: s.add("movements", s.row(ADJUSTMENT), held_balance=1),
    ),
    "the opening is lost": (Code.OPENING_MISSING, lambda s: s.delete("movements", s.row(1))),
    "all rows are lost": (
        Code.OPENING_MISSING,
        lambda s: s.delete("movements", s.process.create()),
    ),
    "the opening is another kind": (
        Code.OPENING_MISSING,
        lambda s: s.set("movements", s.row(1), kind="stocktake"),
    ),
    "a reason": (
        Code.ENTRY_CONTRADICTS_KIND,
        lambda s: s.set("movements", s.row(ADJUSTMENT), reason="received"),
    ),
    "a time": (
        Code.TIME_GOES_BACK,
        lambda s: s.set(
            "movements", s.row(ADJUSTMENT), at=s.process.clock.now() - timedelta(days=1)
        ),
    ),
    "an entry in the tail": (
        Code.TAIL_DIFFERS_FROM_LEDGER,
        lambda s: s.set("stock", s.tailed, tail__3__op=ObjectId()),
    ),
    "available": (Code.AVAILABLE_DIFFERS, lambda s: s.add("stock", s.plain, available=1)),
    "available beside a tail": (
        Code.AVAILABLE_DIFFERS,
        lambda s: s.add("stock", s.tailed, available=-1),
    ),
    "held": (Code.HELD_DIFFERS, lambda s: s.add("stock", s.plain, held=1)),
    "the version": (Code.VERSION_DIFFERS, lambda s: s.add("stock", s.plain, version=1)),
    "the version beside a tail": (
        Code.VERSION_DIFFERS,
        lambda s: s.add("stock", s.tailed, version=-1),
    ),
    "the last row is lost": (Code.VERSION_DIFFERS, lambda s: s.delete("movements", s.last())),
    "headroom": (Code.HEADROOM_DIFFERS, lambda s: s.add("stock", s.other, headroom=1)),
    "the price": (
        Code.TERMS_DIFFER,
        lambda s: s.set("stock", s.plain, price=Decimal128(Decimal("9.99"))),
    ),
    "the limit": (Code.TERMS_DIFFER, lambda s: s.add("stock", s.other, oversell_limit=1)),
    "the limit for customers": (
        Code.TERMS_DIFFER,
        lambda s: s.set("products", s.plain, max_per_customer={"quantity": 1, "window_seconds": 1}),
    ),
    "closed while on sale": (
        Code.CLOSED_DIFFERS,
        lambda s: s.set("stock", s.plain, closed=True),
    ),
    "open while deleted": (Code.CLOSED_DIFFERS, lambda s: s.set("stock", s.gone, closed=False)),
    "the counters are lost": (Code.STOCK_MISSING, lambda s: s.delete("stock", s.plain)),
    "the product is lost": (
        Code.STOCK_WITHOUT_PRODUCT,
        lambda s: s.delete("products", s.plain),
    ),
    "all but the ledger is lost": (Code.MOVEMENTS_WITHOUT_PRODUCT, lose_counters_and_product),
    "a purchase is lost": (Code.PURCHASE_MISSING, lambda s: s.delete("purchases", s.sale)),
    "a quantity": (
        Code.PURCHASE_DIFFERS,
        lambda s: s.add("purchases", s.sale, lines__0__quantity=1),
    ),
    "another product": (
        Code.PURCHASE_DIFFERS,
        lambda s: s.set("purchases", s.sale, lines__0__stock_version=SALE + 1),
    ),
    "what remained": (
        Code.PURCHASE_DIFFERS,
        lambda s: s.add("purchases", s.bought, lines__0__remaining_stock=1),
    ),
    "a purchase of nothing": (Code.PURCHASE_WITHOUT_MOVEMENT, copy_a_purchase),
    "units returned": (
        Code.RETURNED_DIFFERS,
        lambda s: s.add("purchases", s.cart, lines__0__returned=1),
    ),
    "a return is lost": (Code.RETURNED_DIFFERS, lose_a_return),
    "a return on sale is lost": (Code.RETURNED_DIFFERS, lose_a_return_on_sale),
    "too much is on sale again": (Code.RESTOCKED_DIFFERS, restock_too_much),
    "too much is returned": (Code.RETURNED_EXCEEDS_PURCHASED, return_too_much),
    "a reservation is lost": (
        Code.RESERVATION_MISSING,
        lambda s: s.delete("reservations", s.released),
    ),
    "a bought reservation's purchase": (
        Code.RESERVATION_WITHOUT_PURCHASE,
        lambda s: s.delete("purchases", s.bought),
    ),
    "what a reservation became": (
        Code.RESERVATION_WITHOUT_PURCHASE,
        lambda s: s.set("reservations", s.committed, purchase_id=ObjectId()),
    ),
    "a reservation's quantity": (
        Code.HOLDS_DIFFER,
        lambda s: s.add("reservations", s.held, lines__0__quantity=1),
    ),
    "a reservation's state": (
        Code.HOLDS_DIFFER,
        lambda s: s.set("reservations", s.held, state="released"),
    ),
    "a purchase of nothing, twice": (Code.PURCHASE_WITHOUT_MOVEMENT, buy_twice_what_is_not_there),
    "held of nothing": (Code.HOLDS_DIFFER, hold_what_never_was),
    "nonsense in a return": (Code.UNREADABLE, garble_a_return),
    "nonsense in a balance": (
        Code.UNREADABLE,
        lambda s: s.set("movements", s.row(ADJUSTMENT), balance="x"),
    ),
    "nonsense in a purchase": (
        Code.UNREADABLE,
        lambda s: s.set("purchases", s.sale, lines__0__quantity=None),
    ),
    "oversold": (Code.OVERSOLD, sell_what_is_not_there),
    "nonsense": (
        Code.UNREADABLE,
        lambda s: s.set("movements", s.row(ADJUSTMENT), kind="nonsense"),
    ),
    "nonsense in counters": (Code.UNREADABLE, lambda s: s.set("stock", s.plain, available="x")),
}


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
