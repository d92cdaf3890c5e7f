"""Actors that take turns: each is a thread that runs only while it is its turn.

An actor pauses before every call of the database; whoever directs the play decides who goes on
from there, or dies there. Ids are made of the actor and a number, so that the same schedule makes
the same ids but for the number of the run.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from unittest.mock import patch

from inventory.errors import InventoryError
from inventory.services import catalogue, changing
from inventory.stock import engine, posting
from tests.faults.explorer import Choose, Event, Footprint

TURN_SECONDS_MAX = 60.0
_RUNS = count(int(time.time()) << 32)
_current = threading.local()


class Died(BaseException):
    """Stands for kill -9: nothing after it runs in that actor."""


class Actor:
    """One process that does one thing; `answer` or `failure` is what its client heard."""

    def __init__(self, name: str, run: int, work: Callable[[], object]) -> None:
        self.name = name
        self.answer: object = None
        self.failure: InventoryError | None = None
        self.mistake: BaseException | None = None
        self.answered = self.died = self.over = False
        self._begin_ids(run)
        self._work = work
        self._footprint = Footprint()
        self._inside = 0
        self._turn, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, name=f"actor-{name}", daemon=True)
        self.steps = 0

    def _begin_ids(self, run: int) -> None:
        self._ids = (f"{run:016x}{ord(self.name):02x}{number:06x}" for number in count(1))

    def new_id(self) -> str:
        """Return the next id of this actor."""
        return next(self._ids)

    def _run(self) -> None:
        _current.actor = self
        try:
            self.answer = self._work()
            # A process can die after its last call and before it has answered.
            self.pause()
            self.answered = True
        except InventoryError as problem:
            self._fail(problem)
        except Died:
            self.died = True
        except BaseException as mistake:  # noqa: BLE001 - it is told by whoever directs the play
            self.mistake = mistake
        self.over = True
        self._back.release()

    def _fail(self, problem: InventoryError) -> None:
        try:
            self.pause()
        except Died:
            self.died = True
        else:
            self.failure = problem
            self.answered = True

    def start(self) -> None:
        """Let it come to its first pause."""
        self._thread.start()
        self._wait()
        self._footprint = Footprint()

    def take_step(self) -> Footprint:
        """Let it go on to its next pause, or to its end; return what it touched."""
        self._footprint = Footprint()
        self.steps += 1
        self._turn.release()
        self._wait()
        return self._footprint

    def die(self) -> None:
        """Let it die where it pauses."""
        self.died = True
        self._turn.release()
        self._wait()

    def _wait(self) -> None:
        assert self._back.acquire(timeout=TURN_SECONDS_MAX), f"{self.name} does not come back"
        if self.over:
            self._thread.join(TURN_SECONDS_MAX)

    def pause(self) -> None:
        """Wait for the next turn, in the actor's own thread; raise `Died` if there is none."""
        if not self.died:
            self._back.release()
            self._turn.acquire()
        if self.died:
            raise Died

    def touch(self, footprint: Footprint) -> None:
        """Pause before a call that touches something, unless it is part of a transaction."""
        if not self._inside and footprint:
            self.pause()
        self._footprint |= footprint.only_read()

    def changed(self, footprint: Footprint) -> None:
        """Remember that a call has changed what it may change."""
        self._footprint |= footprint

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Take everything inside as one step: others would wait for its locks anyway."""
        self.pause()
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1


class Director(Actor):
    """The thread of the test itself, which is never paused: it sets the stage and clears it."""

    def touch(self, footprint: Footprint) -> None:
        """Go on."""


def new_id() -> str:
    """Return the next id of the actor whose thread this is."""
    actor: Actor = _current.actor
    return actor.new_id()


@contextmanager
def numbered_ids(name: str, run: int) -> Iterator[None]:
    """Let every id that is made inside be one of the actor whose thread makes it."""

    _current.actor = Director(name, run, lambda: None)
    with ExitStack() as stack:
        for module in (engine, posting, changing, catalogue):
            stack.enter_context(patch.object(module, "new_id", new_id))
        yield


def next_run() -> int:
    """Return a number that no run of any schedule has had."""
    return next(_RUNS)


def play(
    actors: list[Actor],
    choose: Choose,
    dying: tuple[str, int] | None,
    after_step: Callable[[Event], None],
) -> list[Event]:
    """Let `choose` direct actors to their ends; return the steps that they took.

    `dying` names an actor and how many steps it takes before it dies. Where `choose` gives up, all
    die.
    """
    events: list[Event] = []
    for actor in actors:
        actor.start()
    while ready := {actor.name: actor for actor in actors if not actor.over}:
        chosen = choose(sorted(ready), events[-1] if events else None)
        if chosen is None:
            for actor in ready.values():
                actor.die()
            break
        actor = ready[chosen]
        if dying == (actor.name, actor.steps):
            actor.die()
            event = Event(actor.name, Footprint())
        else:
            event = Event(actor.name, actor.take_step())
        events.append(event)
        after_step(event)
    return events
