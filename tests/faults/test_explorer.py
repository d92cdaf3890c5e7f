"""The explorer: it misses no order, and the product withstands it; see also `test_defects`."""

import math
from random import Random

import pytest

from tests.faults.explorer import Choose, Event, Footprint, Search, replayed, sampled
from tests.faults.playing import Dying, run_schedule, sample
from tests.faults.scenarios import SCENARIOS, Scenario
from tests.faults.world import Clients

# `make explore` runs all of them; these are some, the same every time.
SCHEDULES = 20


def traces(*programs: list[Footprint]) -> int:
    """Return how many schedules are run of actors whose steps touch this."""

    def run(choose: Choose) -> list[Event]:
        left = {name: list(steps) for name, steps in zip("ABC", programs, strict=False)}
        events: list[Event] = []
        while ready := sorted(name for name, steps in left.items() if steps):
            chosen = choose(ready, events[-1] if events else None)
            if chosen is None:
                break
            events.append(Event(chosen, left[chosen].pop(0)))
        orders.add("".join(event.actor for event in events))
        return events

    orders: set[str] = set()
    search = Search(run)
    search.explore()
    assert len(orders) == search.runs
    return search.runs - search.cut


def writes(*names: str) -> Footprint:
    return Footprint(writes=frozenset(names))


def reads(*names: str) -> Footprint:
    return Footprint(reads=frozenset(names))


def adds(name: str, content: str) -> Footprint:
    return Footprint(adds=frozenset([(name, content)]))


def test_all_orders_of_steps_that_conflict_are_run() -> None:
    """Where every step touches the same document, no two orders are one."""
    write = writes("stock/1")
    assert traces([write] * 3, [write] * 3) == math.comb(6, 3)
    assert traces([write] * 2, [write] * 2, [write] * 2) == math.factorial(6) // 8


def test_orders_that_nobody_can_tell_apart_are_run_once() -> None:
    """Steps on different documents, reads, and additions of the same have no order."""
    assert traces([writes("stock/1")] * 3, [writes("stock/2")] * 3) == 1
    assert traces([reads("stock/1")] * 3, [reads("stock/1")] * 3) == 1
    assert traces([adds("movements/1", "x")], [adds("movements/1", "x")]) == 1


@pytest.mark.parametrize(
    "one,other",
    [
        (writes("stock/1"), reads("stock/1")),
        (reads("stock/*"), writes("stock/1")),
        (writes("stock/1"), writes("stock/*")),
        (adds("movements/1", "x"), adds("movements/1", "y")),
        (adds("movements/1", "x"), reads("movements/1")),
        (adds("movements/1", "x"), writes("movements/1")),
    ],
)
def test_what_conflicts_is_run_in_both_orders(one: Footprint, other: Footprint) -> None:
    """A step that changes what another one touches is run before it and after it."""
    assert traces([one], [other]) == 2
    # The steps before and after conflict with nothing, and add no order of their own.
    alone, apart = writes("products/1"), writes("products/2")
    assert traces([alone, one, alone], [apart, other, apart]) == 2


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=lambda one: one.name)
def test_no_order_of_steps_breaks_a_promise(clients: Clients, scenario: Scenario) -> None:
    """Whatever the order of steps and wherever somebody dies, books and answers are exact."""
    for number in range(SCHEDULES):
        played = sample(clients, scenario, number)
        assert played.violation is None, played


@pytest.mark.parametrize("dying", [None, ("A", 2), ("C", 3)])
def test_a_schedule_can_be_run_again(clients: Clients, dying: Dying | None) -> None:
    """The steps of a schedule touch the same documents each time, and end in the same answers."""
    scenario = SCENARIOS["swept-retry"]
    dice = sampled(Random("again"))  # noqa: S311 - no secret depends on it
    first = run_schedule(clients, scenario, dice, dying)
    again = run_schedule(clients, scenario, replayed(first.schedule), dying)
    assert (again.events, again.outcomes) == (first.events, first.outcomes)
