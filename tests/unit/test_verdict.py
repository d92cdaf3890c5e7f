"""What is concluded from a load test: the verdict is silent over exact books, and not deceived by
any kind of cooked ones; figures are what was measured.

The good run: three units, one bought by `a` (who asks twice), two by `b` (who hears nothing at
first), and none left for `c`. Times are small numbers in the order of what happened.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from loadtests.books import Movement, ProductBooks, Sale
from loadtests.figures import measure, percentile
from loadtests.journal import (
    Answer,
    Attempt,
    History,
    Journal,
    JournalError,
    Order,
    OrderHistory,
    Outcome,
    Read,
    Sighting,
    read,
)
from loadtests.verdict import RULES, judge

PRODUCT = "p"


def opening(units: int) -> Movement:
    return Movement("m1", 1, "opening", units, units, None)


def sale(key: str | None, version: int, quantity: int, balance: int) -> Movement:
    return Movement(f"m{version}", version, "purchase", -quantity, balance, key)


def bought(at: int, row: Movement, *, replayed: bool = False) -> Answer:
    """Return the answer to who bought what `row` says."""
    purchase = {
        "id": row.id,
        "quantity": -row.delta,
        "remaining_stock": row.balance,
        "stock_version": row.version,
        "reference": row.reference,
    }
    return Answer(at, 201, json.dumps(purchase), replayed)


def refused(at: int, requested: int, available: int) -> Answer:
    problem = {"code": "insufficient_stock", "requested": requested, "available": available}
    return Answer(at, 409, json.dumps(problem))


def order(key: str, quantity: int, *attempts: tuple[int, Answer | None]) -> OrderHistory:
    """Return what was tried for an order: when it was sent, and the answer."""
    return OrderHistory(Order(key, PRODUCT, quantity), tuple(Attempt(*a) for a in attempts))


A, B = sale("a", 2, 1, 2), sale("b", 3, 2, 0)


@dataclass(frozen=True)
class Run:
    """What the clients know, and what is on record."""

    a: OrderHistory
    b: OrderHistory
    c: OrderHistory
    sightings: tuple[tuple[int, int, int, int], ...]
    movements: tuple[Movement, ...]
    available: int
    version: int
    lost_record: str | None = None
    read_status: int = 200

    def violated(self) -> set[str]:
        """Return the names of the rules that the verdict finds violated."""
        history = History(
            openings={PRODUCT: 3},
            orders=[self.a, self.b, self.c],
            reads=[Read(1, 2, self.read_status)],
            sightings=[
                Sighting(sent, answered, PRODUCT, version, stock)
                for sent, answered, version, stock in self.sightings
            ],
        )
        sales = {
            m.id: Sale(m.id, -m.delta, m.balance, m.version, m.reference)
            for m in self.movements
            if m.id != self.lost_record
        }
        books = ProductBooks(PRODUCT, self.available, self.version, self.movements, sales)
        return {violation.rule for violation in judge(history, {PRODUCT: books})}


GOOD = Run(
    a=order("a", 1, (10, bought(20, A)), (30, bought(40, A, replayed=True))),
    b=order("b", 2, (50, None), (60, bought(70, B))),
    c=order("c", 1, (80, refused(90, requested=1, available=0))),
    sightings=((12, 15, 1, 3), (15, 18, 2, 2)),
    movements=(opening(3), A, B),
    available=0,
    version=3,
)


def with_rows(*rows: Movement) -> Run:
    """Return the good run with another ledger, and counters that agree with it."""
    return replace(GOOD, movements=rows, available=rows[-1].balance, version=rows[-1].version)


COOKED: list[tuple[str, str, Run]] = [
    ("a row is missing", "versions have no gap", with_rows(opening(3), B)),
    ("the last row is missing", "versions have no gap", replace(GOOD, movements=(opening(3), A))),
    ("the ledger is empty", "versions have no gap", replace(GOOD, movements=())),
    ("the stock was changed", "balances add up", replace(GOOD, available=1)),
    (
        "a balance was changed",
        "balances add up",
        with_rows(opening(3), replace(A, balance=1), B),
    ),
    (
        "more was sold than there was",
        "stock never falls below zero",
        with_rows(opening(3), A, replace(B, delta=-3, balance=-1)),
    ),
    ("units are gone unsold", "units sold are units gone", replace(GOOD, available=-1)),
    ("a sale is not in the ledger", "what was sold is booked once", with_rows(opening(3), B)),
    (
        "a retry was applied again",
        "what was sold is booked once",
        with_rows(opening(3), A, replace(B, balance=0), sale("a", 4, 1, -1)),
    ),
    (
        "another quantity was booked",
        "what was sold is booked once",
        with_rows(opening(3), replace(A, delta=-2, balance=1), replace(B, delta=-1)),
    ),
    (
        "the answer tells of another balance",
        "what was sold is booked once",
        replace(GOOD, b=order("b", 2, (50, bought(70, replace(B, balance=1))))),
    ),
    (
        "a purchase is not on record",
        "what was sold is booked once",
        replace(GOOD, lost_record=A.id),
    ),
    (
        "somebody bought whom nobody knows",
        "what is booked was ordered",
        with_rows(opening(3), A, replace(B, reference="x")),
    ),
    (
        "somebody adjusted the stock",
        "what is booked was ordered",
        with_rows(opening(3), A, replace(B, kind="adjustment")),
    ),
    (
        "who was refused has paid",
        "what is booked was ordered",
        with_rows(opening(3), A, B, sale("c", 4, 1, -1)),
    ),
    (
        "it opened with another stock",
        "what is booked was ordered",
        with_rows(opening(4), replace(A, balance=3), replace(B, balance=1)),
    ),
    (
        "a retry was answered differently",
        "replays repeat the answer",
        replace(
            GOOD,
            a=order("a", 1, (10, bought(20, A)), (30, refused(40, requested=1, available=0))),
        ),
    ),
    (
        "a retry was answered as if it were the first",
        "replays repeat the answer",
        replace(GOOD, a=order("a", 1, (10, bought(20, A)), (30, bought(40, A)))),
    ),
    (
        "nobody knows",
        "every order is answered",
        replace(GOOD, b=order("b", 2, (50, None), (60, Answer(70, 503, "{}")))),
    ),
    (
        "the service broke",
        "answers are in the contract",
        replace(GOOD, b=order("b", 2, (50, Answer(55, 500, "{}")), (60, bought(70, B)))),
    ),
    ("a read broke", "answers are in the contract", replace(GOOD, read_status=500)),
    (
        "it was refused for a reason that does not apply",
        "answers are in the contract",
        replace(GOOD, c=order("c", 1, (80, Answer(90, 409, '{"code": "duplicate_sku"}')))),
    ),
    (
        "there was enough",
        "refusals were necessary",
        replace(GOOD, c=order("c", 1, (80, refused(90, requested=1, available=1)))),
    ),
    (
        "something else was refused",
        "refusals were necessary",
        replace(GOOD, c=order("c", 1, (80, refused(90, requested=2, available=0)))),
    ),
    (
        "it was refused before it was sold out",
        "refusals were necessary",
        replace(GOOD, c=order("c", 1, (42, refused(48, requested=1, available=0)))),
    ),
    (
        "it was refused for a stock that never was",
        "refusals were necessary",
        replace(GOOD, c=order("c", 2, (22, refused(95, requested=2, available=1)))),
    ),
    (
        "who came later was served before",
        "sales keep the order of time",
        replace(GOOD, a=order("a", 1, (75, bought(78, A)))),
    ),
    (
        "a read was stale",
        "reads are current",
        replace(GOOD, sightings=((25, 28, 1, 3),)),
    ),
    (
        "a read knew the future",
        "reads are current",
        replace(GOOD, sightings=((42, 45, 3, 0),)),
    ),
    (
        "a read showed what never was",
        "reads are current",
        replace(GOOD, sightings=((42, 45, 2, 1),)),
    ),
]


def test_exact_books_are_found_exact() -> None:
    """A run in which everything is right violates no rule."""
    assert GOOD.violated() == set()


@pytest.mark.parametrize(
    "rule, run", [case[1:] for case in COOKED], ids=[case[0] for case in COOKED]
)
def test_cooked_books_are_found_out(rule: str, run: Run) -> None:
    """Each way of cooking the books violates the rule that is there for it."""
    assert rule in run.violated()


def test_every_rule_has_found_something_out() -> None:
    """No rule is there that was never seen to fail."""
    assert {rule for _, rule, _ in COOKED} == set(RULES)


def test_what_was_under_way_at_once_may_have_happened_in_any_order() -> None:
    """Requests that overlap contradict nothing, whichever of them the ledger puts first."""
    run = replace(
        GOOD,
        a=order("a", 1, (10, bought(90, A))),
        b=order("b", 2, (10, bought(90, B))),
        c=order("c", 2, (10, refused(90, requested=2, available=0))),
        sightings=((10, 90, 1, 3), (10, 90, 2, 2), (10, 90, 3, 0)),
    )
    assert run.violated() == set()


@pytest.mark.parametrize(
    "status, code, outcome",
    [
        (201, "", Outcome.SOLD),
        (409, "insufficient_stock", Outcome.REFUSED),
        (409, "idempotency_in_progress", Outcome.BUSY),
        (409, "stale_stock", Outcome.UNEXPECTED),
        (422, "idempotency_key_reused", Outcome.UNEXPECTED),
        (429, "rate_limited", Outcome.BUSY),
        (500, "", Outcome.UNEXPECTED),
        (503, "outcome_unknown", Outcome.UNKNOWN),
    ],
)
def test_answers_are_understood(status: int, code: str, outcome: Outcome) -> None:
    """A client tells a definite answer from one that it has to ask for again."""
    assert Answer(1, status, json.dumps({"code": code})).outcome is outcome


def test_an_answer_without_json_is_understood_by_its_status() -> None:
    """A page of a proxy's is neither a refusal nor a reason to stop."""
    assert Answer(1, 409, "<html>").outcome is Outcome.UNEXPECTED
    assert Answer(1, 409, "[]").outcome is Outcome.UNEXPECTED


@pytest.fixture(name="journal")
def _journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path) as journal:
        yield journal


def test_a_journal_is_read_as_it_was_written(journal: Journal, tmp_path: Path) -> None:
    """Products, attempts of all processes, their answers, and reads come back."""
    wish = Order("k", PRODUCT, 2)
    journal.product(PRODUCT, 5)
    answered = journal.answered(journal.sending(wish), 201, '{"id": "m2"}', replayed=False)
    with Journal(tmp_path) as other:
        other.sending(wish)
        other.saw(0, 200, {PRODUCT: (1, 5)})

    history = read(tmp_path)

    (only,) = history.orders
    assert history.openings == {PRODUCT: 5}
    assert (only.order, only.answers, len(only.attempts)) == (wish, [answered], 2)
    assert [(s.product_id, s.version, s.stock) for s in history.sightings] == [(PRODUCT, 1, 5)]


def test_what_a_killed_process_left_is_read(journal: Journal, tmp_path: Path) -> None:
    """An attempt without an answer counts as unknown, a torn last line as not written."""
    journal.sending(Order("k", PRODUCT, 1))
    with next(tmp_path.glob("*.jsonl")).open("ab") as file:
        file.write(b'{"event":"answ')
    assert [history.outcome for history in read(tmp_path).orders] == [Outcome.UNKNOWN]


def write_one_key_for_two_orders(journal: Journal) -> None:
    journal.sending(Order("k", PRODUCT, 1))
    journal.sending(Order("k", PRODUCT, 2))


def write_an_answer_to_nothing(journal: Journal) -> None:
    journal.answered("never-sent", 201, "{}", replayed=False)


@pytest.mark.parametrize("write", [write_one_key_for_two_orders, write_an_answer_to_nothing])
def test_a_journal_that_contradicts_itself_is_refused(
    write: Callable[[Journal], None], journal: Journal, tmp_path: Path
) -> None:
    """The clients' own mistakes are not taken for the service's."""
    write(journal)
    with pytest.raises(JournalError):
        read(tmp_path)


def test_figures_count_orders_and_requests() -> None:
    """Orders count once however often they were sent; rates are by the clients' clock."""
    second = 10**9
    history = History(
        orders=[
            order("a", 1, (0, bought(second, A)), (second, bought(2 * second, A, replayed=True))),
            order("b", 2, (0, None), (second, bought(2 * second, B))),
            order("c", 1, (3 * second, refused(4 * second, requested=1, available=0))),
        ]
    )
    figures = measure(history)
    assert (figures.sold_orders, figures.sold_units, figures.refused_orders) == (2, 3, 1)
    assert (figures.attempts, figures.replays, figures.unknown_attempts) == (5, 1, 1)
    assert (figures.seconds, figures.sold_per_second) == (4.0, 1.0)
    assert figures.purchase_ms.p50 == 1000.0


def test_figures_of_nothing_are_zero() -> None:
    """A run in which nothing happened divides by nothing."""
    figures = measure(History())
    assert (figures.sold_per_second, figures.read_ms.p99) == (0.0, 0.0)


@pytest.mark.parametrize("share, value", [(0.01, 1.0), (0.5, 50.0), (0.99, 99.0), (1.0, 100.0)])
def test_a_percentile_is_a_value_that_was_measured(share: float, value: float) -> None:
    """It is the least value that so many of all do not exceed."""
    assert percentile([float(number) for number in range(1, 101)], share) == value
