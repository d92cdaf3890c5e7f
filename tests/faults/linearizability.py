"""Judges a history of one product: is there one order of all operations that explains the answers?

Every change is answered with the version and the stock right after it, so the order of changes is
given, and nothing has to be searched for: what is left to judge is whether that order agrees with
real time, and whether each read and each refusal fits into it. Pure; knows no clock and no store.

A state is what the counters were between two changes. It cannot have begun before each change up
to it had started, nor lasted longer than until the first later one had ended. Who read or was
refused must have done so in a state that could be current between its own start and its end. The
earliest state that fits is the best for each refusal, so they need not be looked at together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What somebody asked for, and how a quantity of it changes what is available."""

    PURCHASE = "purchase"
    HOLD = "hold"
    COMMIT = "commit"
    RELEASE = "release"
    ADJUSTMENT = "adjustment"
    READ = "read"

    def change_by(self, quantity: int) -> int:
        """Return by how much the stock changes; an adjustment's quantity has a sign."""
        signs = {Kind.PURCHASE: -1, Kind.HOLD: -1, Kind.RELEASE: 1, Kind.ADJUSTMENT: 1}
        return signs.get(self, 0) * quantity


@dataclass(frozen=True, slots=True)
class Seen:
    """One operation as its client saw it: from when to when, what it asked for, what it was told.

    A refusal has no version; `remaining` is then the stock that it was told, if it was told any.
    """

    start: float
    end: float
    kind: Kind
    quantity: int = 0
    remaining: int | None = None
    version: int | None = None

    @property
    def delta(self) -> int:
        """By how much it wants to change the stock."""
        return self.kind.change_by(self.quantity)


@dataclass(frozen=True, slots=True)
class _State:
    """The stock after one version, and from when at the earliest to when at the latest."""

    version: int
    stock: int
    earliest: float
    latest: float

    def meets(self, seen: Seen) -> bool:
        return max(self.earliest, seen.start) <= min(self.latest, seen.end)


def problems_of(history: Iterable[Seen], opening: int, oversell_limit: int = 0) -> list[str]:
    """Return what is wrong with a history that began with a stock of `opening` at version 1.

    An empty list: it is linearizable.
    """
    events = list(history)
    backwards = [f"{one} ended before it began" for one in events if one.end < one.start]
    changes = sorted(
        (one for one in events if one.version is not None and one.kind is not Kind.READ),
        key=lambda one: one.version or 0,
    )
    reads = [one for one in events if one.kind is Kind.READ]
    refusals = [one for one in events if one.version is None and one.kind is not Kind.READ]
    if problems := backwards + _chain_problems(changes, opening, oversell_limit):
        return problems
    if problems := _order_problems(changes, reads):
        return problems
    states = _states(changes, reads, opening)
    return _read_problems(reads, states) + _refusal_problems(refusals, states, oversell_limit)


def _chain_problems(changes: Sequence[Seen], opening: int, oversell_limit: int) -> list[str]:
    problems, stock = [], opening
    for version, change in enumerate(changes, start=2):
        if change.version != version:
            problems.append(f"{change} has not version {version}")
            break
        stock += change.delta
        if change.remaining != stock:
            problems.append(f"{change} left {stock}")
            break
        if change.delta < 0 and stock < -oversell_limit:
            problems.append(f"{change} took more than there was")
    return problems


def _order_problems(changes: Sequence[Seen], reads: Sequence[Seen]) -> list[str]:
    """Find whoever ended before somebody began who comes before it."""
    ordered = sorted([*changes, *reads], key=_place)
    problems = []
    for later in ordered:
        before = [one for one in ordered if _place(one) < _place(later)]
        problems += [f"{later} ended before {one} began" for one in before if later.end < one.start]
    return problems


def _place(seen: Seen) -> tuple[int, bool]:
    """Where in the order it comes: a read right after the change whose version it saw."""
    return seen.version or 0, seen.kind is Kind.READ


def _states(changes: Sequence[Seen], reads: Sequence[Seen], opening: int) -> list[_State]:
    states = []
    for version in range(1, len(changes) + 2):
        # A read of an older version shows that this state had not begun, a later one that it had.
        begun = [one.start for one in changes[: version - 1]]
        begun += [one.start for one in reads if (one.version or 0) < version]
        ended = [one.end for one in changes[version - 1 :]]
        ended += [one.end for one in reads if (one.version or 0) > version]
        stock = opening if version == 1 else changes[version - 2].remaining
        assert stock is not None
        earliest = max(begun, default=float("-inf"))
        states.append(_State(version, stock, earliest, min(ended, default=float("inf"))))
    return states


def _read_problems(reads: Sequence[Seen], states: Sequence[_State]) -> list[str]:
    found = {state.version: state for state in states}
    return [
        f"{read} does not fit any state"
        for read in reads
        if (state := found.get(read.version or 0)) is None
        or state.stock != read.remaining
        or not state.meets(read)
    ]


def _refusal_problems(
    refusals: Sequence[Seen], states: Sequence[_State], oversell_limit: int
) -> list[str]:
    return [
        f"{refusal} was not short at any moment"
        for refusal in refusals
        if not any(
            state.stock + oversell_limit + refusal.delta < 0
            and refusal.remaining in (None, state.stock)
            and state.meets(refusal)
            for state in states
        )
    ]
