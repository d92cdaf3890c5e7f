"""Rehearsals of a flash sale: begun, one at a time wherever the service runs, and looked at."""

import threading
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from datetime import timedelta

from inventory import limits
from inventory.domain.rehearsals import Plan, Rehearsal, RehearsalState
from inventory.errors import RehearsalRunning, StorageUnavailable, Unavailable
from inventory.repository.mongo import DatabaseClock, new_id
from inventory.repository.rehearsals import RehearsalRepository
from inventory.services.conducting import Conductor, Stage
from inventory.services.crowding import Crowd
from inventory.services.purchasing import Purchasing

# Whoever had the turn may give it up between two looks, but hardly again and again.
_LOOKS_MAX = 3


@dataclass(frozen=True, slots=True)
class _Running:
    """A rehearsal that this process carries out."""

    conductor: Conductor
    thread: threading.Thread

    def stop(self) -> None:
        """End it without a verdict, and wait until its product has left the shop."""
        self.conductor.stop()
        self.thread.join(2 * limits.REQUEST_SECONDS_MAX + limits.MONGO_TIMEOUT_SECONDS)


class Rehearsing:
    """Rehearsals: this process carries out those that it was asked for, and can tell of all."""

    def __init__(
        self,
        rehearsals: RehearsalRepository,
        purchasing: Purchasing,
        stage: Stage,
        clock: DatabaseClock,
    ) -> None:
        self._rehearsals = rehearsals
        self._purchasing = purchasing
        self._stage = stage
        self._clock = clock
        self._running: _Running | None = None

    def begin(self, plan: Plan, actor: str | None = None) -> Rehearsal:
        """Begin a rehearsal on behalf of `actor`, which goes on by itself.

        Raises `RehearsalRunning` while another one does, wherever that is.
        """
        rehearsal = self._take_turn(plan)
        try:
            self._stage.set(rehearsal, actor)
        except StorageUnavailable:
            # It is certain that there is no product. If it were not, whoever comes next would have
            # to look for one, and does so as long as the turn has not been given back.
            with suppress(Unavailable):
                self._rehearsals.forget(rehearsal.id)
            raise
        crowd = Crowd(self._purchasing, rehearsal, actor)
        conductor = Conductor(rehearsal, crowd, self._stage, self._rehearsals, self._clock)
        # The request has a limit of time that is not meant for what it begins.
        thread = threading.Thread(
            target=Context().run, args=(conductor.run,), name="rehearsal", daemon=True
        )
        self._running = _Running(conductor, thread)
        thread.start()
        return rehearsal

    def _take_turn(self, plan: Plan) -> Rehearsal:
        """Return a new rehearsal that has the turn, if need be after one whose worker has died."""
        for _ in range(_LOOKS_MAX):
            now = self._clock.now()
            rehearsal = Rehearsal(
                id=new_id(),
                product_id=new_id(),
                plan=plan,
                state=RehearsalState.RUNNING,
                started_at=now,
                held_until=now + timedelta(seconds=limits.REHEARSAL_LEASE_SECONDS),
            )
            if self._rehearsals.begin(rehearsal):
                return rehearsal
            if not self.tidy() and (running := self._rehearsals.running()) is not None:
                raise RehearsalRunning(running.id)
        raise StorageUnavailable

    def tidy(self) -> bool:
        """Clear away the rehearsal of a worker that has died; tell whether there was one."""
        lost = self._rehearsals.lost()
        if lost is None:
            return False
        # First what it left in the shop: without its turn nobody would look for that.
        self._stage.clear(lost.product_id)
        self._rehearsals.abandon(lost.id)
        return True

    def get(self, rehearsal_id: str) -> Rehearsal:
        """Return a rehearsal with the state that it has now; raise `RehearsalNotFound`."""
        return self._rehearsals.get(rehearsal_id).as_of(self._clock.now())

    def list_rehearsals(self, before: str | None, count: int) -> list[Rehearsal]:
        """Return rehearsals, the newest first."""
        now = self._clock.now()
        return [one.as_of(now) for one in self._rehearsals.list_newest(before, count)]

    def stop(self) -> None:
        """End what this process carries out, as it has to before the process ends."""
        if self._running is not None:
            self._running.stop()
