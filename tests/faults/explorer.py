"""Enumerates schedules: in which order the steps of several actors run. Knows nothing of stock.

Two neighbouring steps of different actors that touch no document in common, or that both only read
those, can change places without anybody noticing. Schedules that differ in nothing else are one
and the same *trace*, and one of each is run. This is depth-first search with source sets and sleep
sets (Abdulla, Aronsson, Jonsson, Sagonas: "Optimal dynamic partial order reduction", 2014): after
a run, each pair of steps that conflict, and that nothing else keeps in order, is tried the other
way round; an actor whose next step was already tried from the same state sleeps until a step that
conflicts with it has run.

It is sound because its premises hold here: a step is one call of the database (or one transaction)
and what its actor does alone until the next; which documents a call touches is known from its
arguments; no actor ever waits for another; and the same schedule makes the same steps.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class Footprint:
    """The documents that a step reads and writes, each as `collection/document`.

    `collection/*` stands for all of a collection. `adds` are those that it writes only where they
    are missing, with what it would write: two who add the very same need no order.
    """

    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    adds: frozenset[tuple[str, str]] = frozenset()

    def __or__(self, other: "Footprint") -> "Footprint":
        return Footprint(
            self.reads | other.reads, self.writes | other.writes, self.adds | other.adds
        )

    def __bool__(self) -> bool:
        return bool(self.reads or self.writes or self.adds)

    def only_read(self) -> "Footprint":
        """Return what it is where nothing was changed after all."""
        return Footprint(reads=self.reads | self.changes)

    @property
    def changes(self) -> frozenset[str]:
        """All documents that may be different afterwards."""
        return self.writes | {name for name, _ in self.adds}

    def conflicts(self, other: "Footprint") -> bool:
        """Tell whether it matters which of the two comes first."""
        return (
            _meet(self.writes, other.changes | other.reads)
            or _meet(self.changes | self.reads, other.writes)
            or _meet(self.changes, other.reads)
            or _meet(self.reads, other.changes)
            or _differ(self.adds, other.adds)
        )


def _differ(some: frozenset[tuple[str, str]], others: frozenset[tuple[str, str]]) -> bool:
    contents = dict(some)
    return any(name in contents and contents[name] != content for name, content in others)


def _meet(some: frozenset[str], others: frozenset[str]) -> bool:
    if some & others:
        return True
    return _covers(some, others) or _covers(others, some)


def _covers(some: frozenset[str], others: frozenset[str]) -> bool:
    collections = {name.partition("/")[0] for name in some if name.endswith(EVERYTHING)}
    return bool(collections) and any(name.partition("/")[0] in collections for name in others)


@dataclass(frozen=True, slots=True)
class Event:
    """One step that was taken."""

    actor: str
    footprint: Footprint


# Asked before each step: who may take it, and what was the last one? None gives the run up.
Choose = Callable[[Sequence[str], Event | None], str | None]
# Carries out one schedule from the beginning; returns its events.
Run = Callable[[Choose], list[Event]]


@dataclass(slots=True)
class _State:
    """A place in the search: who is to be tried from here, was tried, or need not be."""

    sleeping: dict[str, Footprint]
    chosen: str
    to_try: set[str] = field(default_factory=set)
    tried: dict[str, Footprint] = field(default_factory=dict)


class Search:
    """Depth-first over all traces; `runs` counts schedules, `cut` those of them given up early."""

    def __init__(self, run: Run, runs_max: int | None = None) -> None:
        self._run = run
        self._runs_max = runs_max
        self._path: list[_State] = []
        self._depth = 0
        self.runs = 0
        self.cut = 0

    def explore(self) -> None:
        """Run one schedule of every trace, or as many as there may be."""
        more = True
        while more and (self._runs_max is None or self.runs < self._runs_max):
            self._depth = 0
            events = self._run(self._choose)
            self.runs += 1
            self._reverse_races(events)
            more = self._step_back(events)

    def _choose(self, ready: Sequence[str], last: Event | None) -> str | None:
        if self._depth == len(self._path):
            sleeping = self._sleeping_after(last)
            awake = [actor for actor in ready if actor not in sleeping]
            if not awake:
                self.cut += 1
                return None
            # Who has just run goes on, so that neighbours in the search differ little.
            chosen = last.actor if last and last.actor in awake else awake[0]
            self._path.append(_State(sleeping, chosen, {chosen}))
        state = self._path[self._depth]
        self._depth += 1
        return state.chosen

    def _sleeping_after(self, last: Event | None) -> dict[str, Footprint]:
        if last is None:
            return {}
        before = self._path[self._depth - 1]
        return {
            actor: footprint
            for actor, footprint in (before.sleeping | before.tried).items()
            if actor != last.actor and not footprint.conflicts(last.footprint)
        }

    def _reverse_races(self, events: Sequence[Event]) -> None:
        for i, first_actors in races(events):
            state = self._path[i]
            if not first_actors & (state.to_try | state.sleeping.keys()):
                state.to_try.add(min(first_actors))

    def _step_back(self, events: Sequence[Event]) -> bool:
        """Go to the last state from which something is left to try; tell whether there is one."""
        while self._path:
            state = self._path[-1]
            state.tried[state.chosen] = events[len(self._path) - 1].footprint
            left = state.to_try - state.tried.keys() - state.sleeping.keys()
            if left:
                state.chosen = min(left)
                return True
            self._path.pop()
        return False


def races(events: Sequence[Event]) -> Iterator[tuple[int, set[str]]]:
    """Yield what is to be tried of each pair that conflicts and that nothing else keeps in order.

    The place of the first of the pair, and the actors of whom one has to go there instead, so that
    the second can come before the first.
    """
    earlier = _happens_before(events)
    for j, event in enumerate(events):
        for i in range(j):
            if events[i].actor == event.actor or not events[i].footprint.conflicts(event.footprint):
                continue
            if any(i in earlier[k] and k in earlier[j] for k in range(i + 1, j)):
                continue
            others = [k for k in range(i + 1, j) if i not in earlier[k]] + [j]
            firsts = {
                events[k].actor for k in others if not any(o in earlier[k] for o in others if o < k)
            }
            yield i, firsts


def _happens_before(events: Sequence[Event]) -> list[set[int]]:
    earlier: list[set[int]] = []
    for j, event in enumerate(events):
        found: set[int] = set()
        for i in range(j):
            same = events[i].actor == event.actor
            if same or events[i].footprint.conflicts(event.footprint):
                found |= earlier[i] | {i}
        earlier.append(found)
    return earlier


def sampled(random: Random) -> Choose:
    """Return a choice that throws dice; the same dice throw the same again.

    Whoever has just run goes on the more often, the luckier the first throw was: some schedules
    change actors at every step, others let them run far.
    """
    stay = random.random()

    def choose(ready: Sequence[str], last: Event | None) -> str:
        if last is not None and last.actor in ready and random.random() < stay:
            return last.actor
        return random.choice(ready)

    return choose


def replayed(schedule: Sequence[str]) -> Choose:
    """Return the choice that takes the steps of `schedule`, and after it whoever comes first."""
    steps = iter(schedule)

    def choose(ready: Sequence[str], _: Event | None) -> str:
        wanted = next(steps, ready[0])
        assert wanted in ready, f"{wanted} has nothing to do here"
        return wanted

    return choose
