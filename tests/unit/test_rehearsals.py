"""Rehearsals: who orders what, and a verdict that nothing false gets past."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import SystemRandom

import pytest

from inventory.domain.movements import Entry, Kind, Movement
from inventory.domain.purchases import Purchase
from inventory.domain.rehearsals import (
    Answer,
    Heard,
    Impatience,
    Order,
    Plan,
    Rehearsal,
    RehearsalState,
    percentile,
)
from inventory.domain.verdicts import judge
from inventory.errors import InsufficientStock, ProductNotFound, Shortage

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
PRODUCT = "66f1c0ffee66f1c0ffee0001"
PLAN = Plan(buyers=4, stock=5, quantity_max=3)


def row(version: int, kind: Kind, delta: int, balance: int, customer: str | None) -> Movement:
    """Return a row of the ledger."""
    id = f"{version:024x}"
    entry = Entry(id, kind, delta, NOW, customer_id=customer, price=Decimal(1), currency="USD")
    return Movement(PRODUCT, version, balance, 0, entry)


LEDGER = [
    row(1, Kind.OPENING, 5, 5, None),
    row(2, Kind.PURCHASE, -2, 3, "a"),
    row(3, Kind.PURCHASE, -2, 1, "b"),
]


def sold(movement: Movement) -> Answer:
    """Return the news of a purchase."""
    return Answer(purchase=Purchase.of(movement))


def refused(requested: int, available: int) -> Answer:
    """Return the news that too little is left."""
    return Answer(refusal=InsufficientStock(Shortage(PRODUCT, requested, available, 0)))


def heard(name: str, quantity: int, *answers: Answer, sent: int | None = None) -> Heard:
    """Return what a buyer heard, all of it unless told how often the order was sent."""
    twice = (len(answers) if sent is None else sent) == 2
    patience = Impatience.AT_ONCE if twice else Impatience.NONE
    return Heard(Order(ord(name), quantity, patience), name, answers)


# As it should be: two bought, one of them twice with one order; two were refused.
RIGHT = [
    heard("a", 2, sold(LEDGER[1]), sold(LEDGER[1])),
    heard("b", 2, sold(LEDGER[2])),
    heard("c", 2, refused(2, 1)),
    heard("d", 3, refused(3, 1), refused(3, 1)),
]


def failed(
    told: Sequence[Heard] = RIGHT, ledger: Sequence[Movement] = LEDGER, flaws: Sequence[str] = ()
) -> set[str]:
    """Return the names of the checks that were not passed."""
    verdict = judge(PLAN, told, ledger, flaws)
    names = {check.name for check in verdict.checks if not check.ok}
    assert verdict.ok == (not names)
    return names


def instead(*others: Heard) -> list[Heard]:
    """Return what was heard, with other news for some of the buyers."""
    by_name = {one.customer_id: one for one in others}
    return [by_name.get(one.customer_id, one) for one in RIGHT]


def test_what_is_right_passes_every_check() -> None:
    """The verdict adds up the ledger's units, and has something to say about every check."""
    verdict = judge(PLAN, RIGHT, LEDGER, [])
    assert verdict.ok
    assert (verdict.sold, verdict.left, verdict.stocked) == (4, 1, 5)
    assert len(verdict.checks) == 8
    assert all(check.detail for check in verdict.checks)


STRANGER = row(4, Kind.PURCHASE, -1, 0, "somebody")
OTHER = row(9, Kind.PURCHASE, -2, 1, "b")
FOUND = row(4, Kind.ADJUSTMENT, 2, 3, None)
FALSE: dict[str, tuple[set[str], Sequence[Heard], Sequence[Movement], Sequence[str]]] = {
    "a repeat was told something else": (
        {"repeats_were_answered_alike"},
        instead(heard("d", 3, refused(3, 1), refused(3, 0))),
        LEDGER,
        [],
    ),
    "a repeat bought again": (
        {"repeats_were_answered_alike", "sales_are_recorded_once", "nothing_was_oversold"},
        instead(heard("a", 2, sold(LEDGER[1]), sold(OTHER))),
        LEDGER,
        [],
    ),
    "a purchase is not in the ledger": (
        {"sales_are_recorded_once", "nothing_else_is_recorded"},
        instead(heard("b", 2, sold(OTHER))),
        LEDGER,
        [],
    ),
    "a purchase is there in another quantity": (
        {"sales_are_recorded_once"},
        instead(heard("b", 3, sold(row(3, Kind.PURCHASE, -3, 0, "b")))),
        LEDGER,
        [],
    ),
    "a sale that nobody was told of": (
        {"nothing_else_is_recorded"},
        RIGHT,
        [*LEDGER, STRANGER],
        [],
    ),
    "a refused buyer's sale is in the ledger": (
        {"nothing_else_is_recorded"},
        RIGHT,
        [*LEDGER, row(4, Kind.PURCHASE, -1, 0, "c")],
        [],
    ),
    "units from nowhere": (
        {"nothing_else_is_recorded", "units_add_up", "refusals_were_necessary"},
        RIGHT,
        [*LEDGER, FOUND],
        [],
    ),
    "a lost row": (
        {"sales_are_recorded_once", "units_add_up"},
        RIGHT,
        [*LEDGER[:1], LEDGER[2]],
        [],
    ),
    "no ledger at all": (
        {"sales_are_recorded_once", "units_add_up", "nothing_was_oversold"},
        RIGHT,
        [],
        [],
    ),
    "the stock was below zero": (
        {"nothing_was_oversold"},
        RIGHT,
        [LEDGER[0], replace(LEDGER[1], balance=-1), LEDGER[2]],
        [],
    ),
    "refused what was left": (
        {"refusals_were_necessary"},
        instead(heard("c", 1, refused(1, 0))),
        LEDGER,
        [],
    ),
    "refused what the refusal says is there": (
        {"refusals_were_necessary"},
        instead(heard("c", 2, refused(2, 2))),
        LEDGER,
        [],
    ),
    "refused for another reason": (
        {"refusals_were_necessary"},
        instead(heard("c", 2, Answer(refusal=ProductNotFound(PRODUCT)))),
        LEDGER,
        [],
    ),
    "an order without an answer": (
        {"every_order_was_answered"},
        instead(heard("c", 2, sent=1)),
        LEDGER,
        [],
    ),
    "a repeat without an answer": (
        {"every_order_was_answered"},
        instead(heard("a", 2, sold(LEDGER[1]), sent=2)),
        LEDGER,
        [],
    ),
    "books with a flaw": ({"books_are_whole"}, RIGHT, LEDGER, ["Headroom: 2, not 1."]),
}


@pytest.mark.parametrize("what", FALSE)
def test_what_is_false_is_found(what: str) -> None:
    """Each thing that must never happen fails its check, and with it the verdict."""
    expected, told, ledger, flaws = FALSE[what]
    assert failed(told, ledger, flaws) == expected


def test_a_sale_whose_answer_never_came_is_excused_once() -> None:
    """Whoever heard nothing may have bought once, and never twice."""
    told = instead(heard("c", 1, sent=1))
    once = [*LEDGER, row(4, Kind.PURCHASE, -1, 0, "c")]
    assert failed(told, once) == {"every_order_was_answered"}
    twice = [*LEDGER, row(4, Kind.PURCHASE, -1, 0, "c"), row(5, Kind.PURCHASE, -1, -1, "c")]
    assert "nothing_else_is_recorded" in failed(told, twice)


def test_much_that_is_wrong_is_told_in_short() -> None:
    """A thousand failures are a sentence or two, with how many more there are."""
    strangers = [row(n, Kind.PURCHASE, 0, 1, "x") for n in range(4, 1_004)]
    verdict = judge(PLAN, RIGHT, [*LEDGER, *strangers], [])
    (detail,) = (c.detail for c in verdict.checks if c.name == "nothing_else_is_recorded")
    assert detail.endswith("And 997 more like it.")
    assert len(detail) < 500


@pytest.mark.parametrize("buyers", [1, 2, 7, 100])
@pytest.mark.parametrize("impatience", [0.0, 0.3, 0.5, 1.0])
def test_orders_are_as_planned(buyers: int, impatience: float) -> None:
    """As many order as should, as many of them twice, and half of those at the same moment."""
    plan = Plan(buyers=buyers, stock=1, quantity_max=3, impatience=impatience)
    orders = plan.orders(SystemRandom())
    assert [order.number for order in orders] == list(range(1, buyers + 1))
    assert {order.quantity for order in orders} <= {1, 2, 3}
    kinds = [order.impatience for order in orders]
    at_once, afterwards = kinds.count(Impatience.AT_ONCE), kinds.count(Impatience.AFTERWARDS)
    assert at_once + afterwards == round(buyers * impatience)
    assert at_once - afterwards in (0, 1)


def test_whoever_says_nothing_has_abandoned_it() -> None:
    """A rehearsal runs until its time is up, and is abandoned from that moment on."""
    until = NOW + timedelta(seconds=10)
    one = Rehearsal("r", PRODUCT, PLAN, RehearsalState.RUNNING, NOW, until)
    assert one.as_of(until - timedelta(milliseconds=1)) is one
    late = one.as_of(until)
    assert (late.state, late.ended_at) == (RehearsalState.ABANDONED, until)
    done = replace(one, state=RehearsalState.DONE)
    assert done.as_of(until) is done


def test_percentiles_are_of_what_there_is() -> None:
    """Of no times there is none, of one it is that one, of a hundred the 99th by their order."""
    assert percentile([], 0.5) is None
    assert percentile([3.0], 0.99) == 3.0
    assert percentile([float(n) for n in range(1, 101)], 0.5) == 50.0
    assert percentile([float(n) for n in range(1, 101)], 0.99) == 99.0
