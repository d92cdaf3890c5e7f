"""The rules that books must keep: pure checks over a record and a stream of movements."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory import limits
from inventory.domain.integrity.documents import Documents, Held, SoldLine, judge
from inventory.domain.integrity.entries import contradiction
from inventory.domain.integrity.history import Placed, Summary
from inventory.domain.integrity.problems import Code, Findings
from inventory.domain.integrity.product import (
    ProductCheck,
    ProductRecord,
    SaleTerms,
    check,
    is_suspect,
)
from inventory.domain.movements import Entry, Kind, Movement, Reason
from inventory.domain.products import Terms
from inventory.domain.reservations import State
from inventory.domain.stock import Snapshot

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
TERMS = Terms.of(name="Air Runner", price=Decimal("2.50"), oversell_limit=5)
PRODUCT = "66f1c0ffee66f1c0ffee0001"
POSSIBLE = [
    (Kind.PURCHASE, -2, 0, None),
    (Kind.HOLD, -2, 2, None),
    (Kind.COMMIT, 0, -2, None),
    (Kind.RELEASE, 2, -2, None),
    (Kind.EXPIRY, 2, -2, None),
    (Kind.RETURN, 2, 0, "too small"),
    (Kind.STOCKTAKE, -1, 0, None),
    (Kind.OPENING, 0, 0, None),
    (Kind.ADJUSTMENT, 1, 0, Reason.FOUND),
    (Kind.ADJUSTMENT, -1, 0, Reason.CORRECTION),
]
IMPOSSIBLE = [
    (Kind.PURCHASE, 2, 0, None),
    (Kind.PURCHASE, 0, 0, None),
    (Kind.PURCHASE, -2, 2, None),
    (Kind.HOLD, -2, 0, None),
    (Kind.HOLD, 2, -2, None),
    (Kind.COMMIT, -2, -2, None),
    (Kind.COMMIT, 0, 2, None),
    (Kind.RELEASE, 2, 0, None),
    (Kind.EXPIRY, -2, 2, None),
    (Kind.RETURN, -2, 0, "too small"),
    (Kind.RETURN, 2, -2, "too small"),
    (Kind.STOCKTAKE, 0, 0, None),
    (Kind.OPENING, -1, 0, None),
    (Kind.ADJUSTMENT, -1, 0, Reason.FOUND),
    (Kind.ADJUSTMENT, 1, 0, Reason.LOST),
    (Kind.ADJUSTMENT, 1, 1, Reason.FOUND),
    (Kind.ADJUSTMENT, 1, 0, None),
    (Kind.ADJUSTMENT, 1, 0, "because"),
]


def entry(number: int, kind: Kind, delta: int, held: int = 0, reason: str | None = None) -> Entry:
    return Entry(f"{number:024x}", kind, delta, NOW, held_delta=held, reason=reason)


def books(entries: list[Entry], in_tail: int = 0) -> tuple[ProductRecord, list[Movement]]:
    """Return the record and the ledger of a product to which these things happened.

    The last `in_tail` entries wait in the tail, and are in the ledger as well.
    """
    counters = replace(Snapshot.opening(PRODUCT, TERMS, 0, NOW), version=0, trimmed_at=NOW)
    for one in entries:
        counters, _ = counters.append(one)
    rows = counters.movements()
    kept = counters.tail[len(entries) - in_tail :]
    counters = replace(counters, tail=kept)
    record = ProductRecord(
        PRODUCT, SaleTerms.of(counters), False, counters, counters.headroom, counters.held
    )
    return record, rows


HISTORY = [
    entry(1, Kind.OPENING, 9),
    entry(2, Kind.PURCHASE, -2),
    entry(3, Kind.HOLD, -3, 3),
    entry(4, Kind.COMMIT, 0, -1),
    entry(5, Kind.RELEASE, 1, -1),
    entry(6, Kind.ADJUSTMENT, 4, 0, Reason.RECEIVED),
]


def codes(record: ProductRecord, rows: list[Movement]) -> set[str]:
    return {problem.code for problem in check(record, iter(rows))}


@pytest.mark.parametrize("kind, delta, held, reason", POSSIBLE)
def test_entries_that_can_be(kind: Kind, delta: int, held: int, reason: str | None) -> None:
    """What a kind is for does not contradict it."""
    assert contradiction(entry(1, kind, delta, held, reason)) is None


@pytest.mark.parametrize("kind, delta, held, reason", IMPOSSIBLE)
def test_entries_that_cannot_be(kind: Kind, delta: int, held: int, reason: str | None) -> None:
    """What a kind never does is told."""
    assert contradiction(entry(1, kind, delta, held, reason)) is not None


@given(
    takes=st.lists(st.integers(1, 4), max_size=12),
    in_tail=st.integers(0, 13),
    archived=st.sets(st.integers(0, 12)),
)
def test_right_books_are_right_wherever_entries_wait(
    takes: list[int], in_tail: int, archived: set[int]
) -> None:
    """Whatever part of a tail the ledger has already, nothing is wrong."""
    entries = [entry(0, Kind.OPENING, sum(takes))]
    entries += [entry(number, Kind.PURCHASE, -take) for number, take in enumerate(takes, 1)]
    in_tail = min(in_tail, len(takes))
    record, rows = books(entries, in_tail)
    settled = len(rows) - in_tail
    known = [row for place, row in enumerate(rows) if place < settled or place in archived]
    assert check(record, iter(known)) == []


@given(place=st.integers(0, 5), by=st.integers(-3, 3).filter(bool), in_tail=st.integers(0, 4))
def test_a_wrong_balance_is_one_problem(place: int, by: int, in_tail: int) -> None:
    """One balance that is wrong breaks the chain in at most two places, and nothing else."""
    record, rows = books(HISTORY, in_tail)
    rows[place] = replace(rows[place], balance=rows[place].balance + by)
    assert codes(record, rows) == {Code.BALANCE_CHAIN_BROKEN}


@given(by=st.integers(-9, 9).filter(bool), in_tail=st.integers(0, 4))
def test_a_wrong_version_moves_nothing_else(by: int, in_tail: int) -> None:
    """Counters with another version are told by it alone, also where a tail hangs on them."""
    record, rows = books(HISTORY, in_tail)
    assert record.counters is not None
    counters = replace(record.counters, version=record.counters.version + by)
    assert codes(replace(record, counters=counters), rows) == {Code.VERSION_DIFFERS}


@given(lost=st.integers(1, 4))
def test_a_lost_row_is_a_gap(lost: int) -> None:
    """A row that is missing in the middle is told as that, and not by what follows from it."""
    record, rows = books(HISTORY)
    assert codes(record, rows[:lost] + rows[lost + 1 :]) == {Code.VERSION_GAP}


def test_what_only_the_tail_knows_is_no_gap() -> None:
    """A row that the ledger has not yet, or not any more, is in the tail."""
    record, rows = books(HISTORY, in_tail=4)
    assert codes(record, rows[:3] + rows[4:]) == set()


def test_held_below_zero() -> None:
    """More that is set free than was ever set aside is told where it happened first."""
    record, rows = books([*HISTORY, entry(7, Kind.RELEASE, 2, -2)])
    assert codes(record, rows) == {Code.HELD_NEGATIVE}


@pytest.mark.parametrize(
    "version, quantity, found",
    [
        (1, 14, set()),
        (1, 15, {Code.OVERSOLD}),
        (2, 15, set()),
        (2, 10 + limits.OVERSELL_LIMIT_MAX, {Code.OVERSOLD}),
    ],
)
def test_oversold(version: int, quantity: int, found: set[str]) -> None:
    """Stock below the limit is told where no lowered limit explains it, else below any limit."""
    record, rows = books([HISTORY[0], entry(2, Kind.PURCHASE, -quantity)])
    assert record.counters is not None
    counters = replace(record.counters, terms_version=version)
    assert codes(replace(record, counters=counters), rows) == found


def test_very_many_problems_are_one() -> None:
    """A ledger full of the same mistake is told once, with a number, and from a stream."""
    record, _ = books(HISTORY)

    def rows() -> Iterator[Movement]:
        for version in range(1, 10_000):
            yield Movement(PRODUCT, version, 1, 0, entry(version, Kind.PURCHASE, -1))

    told = {problem.code: problem for problem in check(record, rows())}
    broken = told[Code.BALANCE_CHAIN_BROKEN]
    assert (broken.facts["version"], broken.facts["count"]) == (1, 9_999)
    assert "9998 more" in broken.detail


def test_time_may_stand_still_but_not_go_back() -> None:
    """Rows of the same moment are in order; one that is older than the row before is not."""
    record, rows = books(HISTORY)
    rows[3] = replace(rows[3], entry=replace(rows[3].entry, at=NOW - timedelta(seconds=1)))
    assert codes(record, rows) == {Code.TIME_GOES_BACK}


SOUND = Summary(PRODUCT, 6, 9, 1, 0, restocked=0, is_sound=True)


@pytest.mark.parametrize(
    "summary, suspect",
    [
        (SOUND, False),
        (None, True),
        (replace(SOUND, is_sound=False), True),
        (replace(SOUND, version=5), True),
        (replace(SOUND, balance=8), True),
        (replace(SOUND, held_balance=0), True),
        (replace(SOUND, balance_min=-6), True),
    ],
)
def test_suspects(summary: Summary | None, suspect: bool) -> None:
    """A product whose ledger comes to anything but its counters deserves a close look."""
    record, _ = books(HISTORY)
    assert is_suspect(record, summary) == suspect


def test_who_has_a_tail_is_looked_at() -> None:
    """A summary of the ledger says nothing about a tail."""
    record, _ = books(HISTORY, in_tail=1)
    assert is_suspect(record, SOUND)


RETURNED = entry(7, Kind.RETURN, 2, 0, "too small")


@pytest.mark.parametrize("in_tail", [0, 1])
def test_units_on_sale_again_are_those_of_returns(in_tail: int) -> None:
    """What returns have put on sale again is what movements put there, be they archived or not."""
    record, rows = books([*HISTORY, RETURNED], in_tail)
    for restocked, found in ((2, []), (1, [Code.RESTOCKED_DIFFERS])):
        checked = ProductCheck(record)
        assert list(checked.follow(rows))
        checked.match_returns(restocked)
        assert [problem.code for problem in checked.conclude()] == found


def test_what_is_lost_is_told_once() -> None:
    """Where movements or returns are missing, nothing is concluded from what they come to."""
    record, rows = books([*HISTORY, RETURNED])
    for left in (rows[:-1], [*rows[:3], *rows[4:]]):
        checked = ProductCheck(record)
        assert list(checked.follow(left))
        checked.match_returns(5)
        assert not checked.findings.has(Code.RESTOCKED_DIFFERS)


HELD = replace(entry(3, Kind.HOLD, -3, 3), reservation_id="r")
SOLD = entry(2, Kind.PURCHASE, -2)
LINE = SoldLine(SOLD.operation_id, PRODUCT, 2, 7, 2, 0)
BOUGHT = Documents(
    frozenset({SOLD.operation_id}), {(SOLD.operation_id, PRODUCT): LINE}, reservations={}
)


def judged(one: Entry, documents: Documents, *, archived: bool = True) -> set[str]:
    findings = Findings(PRODUCT)
    movement = Movement(PRODUCT, 2, 7, 0, one)
    judge(Placed(movement, archived), documents, findings)
    return {problem.code for problem in findings.problems()}


def test_purchases_may_follow_what_is_not_archived() -> None:
    """A sale in the tail needs no purchase yet; one in the ledger does."""
    assert judged(SOLD, BOUGHT) == set()
    assert judged(SOLD, Documents(), archived=False) == set()
    assert judged(SOLD, Documents()) == {Code.PURCHASE_MISSING}


@pytest.mark.parametrize(
    "line, returned, code",
    [
        (replace(LINE, quantity=3), 0, Code.PURCHASE_DIFFERS),
        (replace(LINE, remaining_stock=8), 0, Code.PURCHASE_DIFFERS),
        (replace(LINE, stock_version=3), 0, Code.PURCHASE_DIFFERS),
        (replace(LINE, returned=1), 0, Code.RETURNED_DIFFERS),
        (LINE, 1, Code.RETURNED_DIFFERS),
        (replace(LINE, returned=3), 3, Code.RETURNED_EXCEEDS_PURCHASED),
    ],
)
def test_purchases_agree_with_movements(line: SoldLine, returned: int, code: str) -> None:
    """Every number of a purchase's line is one that its movement or its returns come to."""
    place = (SOLD.operation_id, PRODUCT)
    assert judged(SOLD, replace(BOUGHT, lines={place: line}, returned={place: returned})) == {code}


@pytest.mark.parametrize(
    "held, found",
    [
        (None, {Code.RESERVATION_MISSING}),
        (Held(State.HELD, None), set()),
        (Held(State.COMMITTED, SOLD.operation_id), set()),
        (Held(State.COMMITTED, "lost"), {Code.RESERVATION_WITHOUT_PURCHASE}),
    ],
)
def test_reservations_are_there(held: Held | None, found: set[str]) -> None:
    """A movement's reservation exists, and so does the purchase that it became."""
    reservations = {} if held is None else {"r": held}
    assert judged(HELD, replace(BOUGHT, reservations=reservations)) == found
