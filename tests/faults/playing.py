"""Plays one schedule of a scenario from an empty database to a verdict."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any
from unittest.mock import patch

from inventory import limits
from inventory.domain.claims import RequestKey
from inventory.domain.movements import Reason
from inventory.errors import InventoryError
from inventory.repository import stock as stock_repository
from inventory.services.changing import Replayed
from tests.faults import invariants
from tests.faults.acts import sweep
from tests.faults.calls import direct
from tests.faults.explorer import Choose, Event, sampled
from tests.faults.invariants import Answer, Violated, require
from tests.faults.scenarios import Cast, Scenario
from tests.faults.stage import Actor, next_run, numbered_ids, play
from tests.faults.world import LAST, PATIENT, Clients, Part, World
from tests.integration.conftest import Process

DIRECTOR = "S"
TRIES_MAX = 5
RESTOCKED = 50
STEPS_BEFORE_DEATH_MAX = 8
Dying = tuple[str, int]


@dataclass
class Played:
    """What came of one schedule."""

    events: list[Event]
    crashed: bool = False
    complete: bool = False
    violation: str | None = None
    outcomes: dict[str, str] = field(default_factory=dict)

    @property
    def schedule(self) -> str:
        """The names of the actors, in the order of their steps."""
        return "".join(event.actor for event in self.events)


@contextmanager
def patience(scenario: Scenario) -> Iterator[None]:
    """Let time pass without anybody giving up."""
    trim_entries = 1 if scenario.trimming else limits.TAIL_TRIM_ENTRIES
    bounds: dict[str, Any] = {"TAIL_TRIM_ENTRIES": trim_entries, **PATIENT}
    void_keep_ms = 0 if scenario.forgetting else int(limits.VOID_KEEP_SECONDS * 1000)
    with (
        patch.multiple(limits, **bounds),
        patch.object(stock_repository, "_VOID_KEEP_MS", void_keep_ms),
    ):
        yield


def sample(clients: Clients, scenario: Scenario, number: int) -> Played:
    """Play a schedule that dice throw, every other one with a crash somewhere."""
    random = Random(f"{scenario.name} {number}")  # noqa: S311 - no secret depends on it
    dying = None
    if number % 2:
        dying = (random.choice(scenario.actors), random.randrange(STEPS_BEFORE_DEATH_MAX))
    return run_schedule(clients, scenario, sampled(random), dying)


def run_schedule(
    clients: Clients, scenario: Scenario, choose: Choose, dying: Dying | None = None
) -> Played:
    """Play one schedule; with `dying`, an actor dies after so many of its steps."""
    clients.empty()
    run = next_run()
    with patience(scenario), numbered_ids(DIRECTOR, run):
        world = World(clients, run)
        cast = scenario.cast(world)
        world.look()
        actors = [
            _actor(world, number, run, name, part)
            for number, (name, part) in enumerate(cast.items(), start=1)
        ]
        gave_up = False

        def ask(ready: Sequence[str], last: Event | None) -> str | None:
            nonlocal gave_up
            chosen = choose(ready, last)
            gave_up = chosen is None
            return chosen

        events = play(actors, ask, dying, world.watch)
        played = Played(events, any(actor.died for actor in actors), not gave_up)
        if not gave_up:
            played.violation = _verdict(world, actors, cast)
        played.outcomes = {actor.name: _outcome(actor) for actor in actors}
    return played


def _outcome(actor: Actor) -> str:
    if actor.died:
        return "died"
    return type(actor.failure or actor.answer).__name__


def _actor(world: World, number: int, run: int, name: str, part: Part) -> Actor:
    process = world.clients.process(number, part.ahead)
    actor = Actor(name, run, partial(part.act, process, world.key(part.key)))
    direct(process, actor)
    return actor


def _verdict(world: World, actors: Sequence[Actor], cast: Cast) -> str | None:
    for actor in actors:
        if actor.mistake is not None:
            return f"{actor.name} broke: {actor.mistake!r}"
    try:
        invariants.check_states(world)
        for actor in actors:
            invariants.check_refusal(world, actor, cast[actor.name])
        _recover(world, actors, cast)
    except Violated as violation:
        return str(violation)
    return None


def _recover(world: World, actors: Sequence[Actor], cast: Cast) -> None:
    """Retry every key until its answer is definite, sweep, and judge the books and the answers.

    Before that new stock arrives, so that a refusal which was not kept does not happen to repeat.
    """
    heir = world.clients.process(0, LAST)
    for product_id in world.products:
        heir.adjusting.adjust_stock(product_id, RESTOCKED, Reason.RECEIVED)
    answers: dict[str, Answer] = {}
    for key in dict.fromkeys(part.key for part in cast.values() if part.key):
        mine = [actor for actor in actors if cast[actor.name].key == key]
        answers[key] = _retry(world, heir, key, cast[mine[-1].name], mine)
    sweep(heir, None)
    invariants.check_books(world)
    invariants.check_purchases(world)
    for key, answer in answers.items():
        invariants.check_effects(world, key, answer)


def _retry(world: World, heir: Process, key: str, part: Part, mine: Sequence[Actor]) -> Answer:
    request = world.key(key)
    answer, replayed = _until_definite(heir, part, request)
    for actor in mine:
        if actor.answered and invariants.is_definite(actor.failure):
            result = actor.answer[0] if isinstance(actor.answer, tuple) else None
            first = invariants.told(result, actor.failure)
            invariants.require_same(first, answer, f"{actor.name} under {key}")
            require(replayed, f"{key} was answered, and its retry was not replayed")
    again, replayed = _until_definite(heir, part, request)
    invariants.require_same(answer, again, f"the second retry of {key}")
    require(replayed, f"the second retry of {key} was not replayed")
    return answer


def _until_definite(
    process: Process, part: Part, request: RequestKey | None
) -> tuple[Answer, bool]:
    for _ in range(TRIES_MAX):
        try:
            result, replayed = part.act(process, request)
        except InventoryError as problem:
            if invariants.is_definite(problem):
                return invariants.told(None, problem), isinstance(problem, Replayed)
        else:
            return invariants.told(result, None), replayed
    raise Violated(f"no definite answer in {TRIES_MAX} tries")
