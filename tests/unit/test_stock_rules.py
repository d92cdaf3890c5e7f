"""The rules that decide who gets what: pure functions over counters."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory import limits
from inventory.domain.movements import Entry, Kind, Reason
from inventory.domain.products import Availability
from inventory.domain.purchases import Purchase
from inventory.domain.stock import Demand, Operation, Snapshot
from inventory.errors import (
    InsufficientStock,
    InventoryError,
    ProductNotFound,
    PurchaseLimitExceeded,
    StaleStock,
    StockLimitExceeded,
    StorageUnavailable,
)

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
LATER = NOW + timedelta(seconds=2)
COUNTERS = Snapshot(
    product_id="p",
    available=10,
    held=0,
    version=7,
    price=Decimal("2.50"),
    currency="EUR",
    oversell_limit=0,
    low_stock_threshold=3,
    order_max=limits.QUANTITY_MAX,
    terms_version=1,
    closed=False,
    as_of=NOW,
)


def operation(
    delta: int,
    name: str = "a",
    *,
    kind: Kind = Kind.PURCHASE,
    fence: datetime | None = None,
    expected: int | None = None,
) -> Operation:
    return Operation("p", Entry(name, kind, delta, NOW), fence, expected)


def refusal(counters: Snapshot, *operations: Operation, now: datetime = NOW) -> InventoryError:
    """Return why the last of `operations` is refused."""
    plan = counters.plan(operations, now)
    refused, problem = plan.refused[-1]
    assert refused is operations[-1]
    return problem


def test_first_come_first_served() -> None:
    """Whoever does not fit is passed over, and the next who fits is served."""
    big, small, rest = operation(-8, "a"), operation(-3, "b"), operation(-2, "c")
    plan = COUNTERS.plan([big, small, rest], NOW)
    assert plan.granted == [big, rest]
    assert [(op, type(problem)) for op, problem in plan.refused] == [(small, InsufficientStock)]
    shortage = {
        "product_id": "p",
        "requested": 3,
        "available": 2,
        "held": 0,
        "next_release_at": None,
    }
    assert plan.refused[0][1].details == shortage | {"lines": [shortage]}


@pytest.mark.parametrize(
    "counters, asked, problem",
    [
        (replace(COUNTERS, closed=True), operation(-1), ProductNotFound),
        (COUNTERS, operation(-11), InsufficientStock),
        (replace(COUNTERS, order_max=2), operation(-3), PurchaseLimitExceeded),
        (COUNTERS, operation(-1, expected=9), StaleStock),
        (COUNTERS, operation(-1, fence=NOW), StorageUnavailable),
        (replace(COUNTERS, voids=frozenset("a")), operation(-1), StorageUnavailable),
        (
            replace(COUNTERS, available=limits.STOCK_MAX),
            operation(1, kind=Kind.ADJUSTMENT),
            StockLimitExceeded,
        ),
    ],
)
def test_each_refusal_has_its_reason(
    counters: Snapshot, asked: Operation, problem: type[InventoryError]
) -> None:
    """What is refused says exactly why."""
    assert type(refusal(counters, asked)) is problem


def test_oversell_limit_extends_what_can_be_sold() -> None:
    """Stock may fall to minus the oversell limit and not one unit further."""
    counters = replace(COUNTERS, oversell_limit=2)
    assert counters.plan([operation(-12)], NOW).granted
    assert isinstance(refusal(counters, operation(-13)), InsufficientStock)


def test_stock_may_rise_while_it_is_below_the_limit() -> None:
    """Units that arrive are taken even where the present stock would allow no sale."""
    counters = replace(COUNTERS, available=-5)
    assert counters.plan([operation(3, kind=Kind.ADJUSTMENT)], NOW).granted


def test_expected_stock_counts_the_operations_before() -> None:
    """An expectation is compared with the stock right before, not with that of the group."""
    before, expecting = operation(-4, "a"), operation(-1, "b", expected=6)
    assert COUNTERS.plan([before, expecting], NOW).granted == [before, expecting]


def test_entries_find_their_places_from_the_tails_end() -> None:
    """Versions and balances are counted back from the newest entry."""
    counters = replace(
        COUNTERS,
        held=2,
        tail=(
            Entry("a", Kind.OPENING, 12, NOW),
            Entry("b", Kind.PURCHASE, -3, NOW, held_delta=2),
            Entry("c", Kind.PURCHASE, -1, NOW, price=Decimal("9.00"), currency="USD"),
        ),
    )
    rows = [
        (row.version, row.balance, row.held_balance, row.entry.operation_id)
        for row in counters.movements()
    ]
    assert rows == [(5, 14, 0, "a"), (6, 11, 2, "b"), (7, 10, 2, "c")]
    assert [row.entry.price for row in counters.movements(["b", "c"])] == [
        Decimal("2.50"),
        Decimal("9.00"),
    ]


operations = st.lists(
    st.builds(
        operation,
        st.integers(-12, 12).filter(bool),
        kind=st.just(Kind.ADJUSTMENT),
        expected=st.one_of(st.none(), st.none(), st.integers(-10, 20)),
    )
    | st.builds(operation, st.integers(-12, -1)),
    max_size=8,
)


@given(operations, st.integers(-10, 20), st.integers(0, 10), st.integers(1, 12))
def test_guard_and_plan_agree(
    asked: list[Operation], available: int, oversell_limit: int, order_max: int
) -> None:
    """A group passes the guard if and only if the plan refuses nobody in it.

    If the guard let more pass, stock could fall too low on the way; if it let less pass, the engine
    would go round in circles.
    """
    counters = replace(
        COUNTERS, available=available, oversell_limit=oversell_limit, order_max=order_max
    )
    demand = Demand.of(asked)
    passes = (
        demand is not None
        and (demand.headroom_min is None or counters.headroom >= demand.headroom_min)
        and (demand.available_max is None or available <= demand.available_max)
        and (demand.exact_available is None or available == demand.exact_available)
        and demand.order_quantity <= order_max
    )
    assert passes == (not counters.plan(asked, NOW).refused)


@given(operations, st.integers(-10, 20), st.integers(0, 10))
def test_no_grant_takes_stock_below_the_limit(
    asked: list[Operation], available: int, oversell_limit: int
) -> None:
    """After every single granted sale the stock is at least minus the oversell limit."""
    counters = replace(COUNTERS, available=available, oversell_limit=oversell_limit)
    balance = available
    for granted in counters.plan(asked, NOW).granted:
        balance += granted.entry.delta
        assert granted.entry.delta > 0 or balance >= -oversell_limit


def test_the_earliest_fence_binds_the_group() -> None:
    """A group is written before the first of its fences, or not at all."""
    demand = Demand.of([operation(-1, fence=LATER), operation(-1, fence=NOW), operation(-1)])
    assert demand is not None
    assert demand.fence == NOW


@pytest.mark.parametrize(
    "available, headroom, expected",
    [
        (4, 4, Availability.IN_STOCK),
        (3, 3, Availability.LOW_STOCK),
        (1, 1, Availability.LOW_STOCK),
        (0, 5, Availability.BACKORDER),
        (-4, 1, Availability.BACKORDER),
        (0, 0, Availability.OUT_OF_STOCK),
        (-5, 0, Availability.OUT_OF_STOCK),
    ],
)
def test_availability(available: int, headroom: int, expected: Availability) -> None:
    """What a shopper is told follows from the stock, the threshold and the headroom."""
    assert Availability.of(available, 3, headroom) is expected


@pytest.mark.parametrize("reason", Reason)
def test_reasons_have_a_direction(reason: Reason) -> None:
    """No reason allows a change by nothing; all but a correction allow one sign only."""
    assert not reason.allows(0)
    assert (reason.allows(1) and reason.allows(-1)) == (reason is Reason.CORRECTION)
    assert reason.allows(1) or reason.allows(-1)


@pytest.mark.parametrize("remaining, backordered", [(2, 0), (0, 0), (-1, 1), (-9, 3)])
def test_backordered_units(remaining: int, backordered: int) -> None:
    """Backordered are the units of this purchase that were not there, and no others."""
    counters = replace(COUNTERS, available=remaining, tail=(Entry("a", Kind.PURCHASE, -3, NOW),))
    purchase = Purchase.of(counters.movements()[0])
    assert purchase.lines[0].backordered == backordered
    assert purchase.total == Decimal("7.50")
