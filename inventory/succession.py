"""Lets old workers serve on until their successors can: what a reload tells all processes.

gunicorn ends the old workers of a reload at once, while the new ones still import the service. For
seconds nobody would accept connections, and requests would run out of time in the queue. Ages are
gunicorn's: every worker that a master starts is one older than the one before.
"""

import mmap
import struct

WORKERS_MAX = 256
_HEAD = struct.Struct("=qq")


class Succession:
    """Memory that a master and all workers that it forks share."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _HEAD.size + WORKERS_MAX)

    def announce(self, first_age: int, workers: int) -> None:
        """Say that so many workers from `first_age` on are about to replace all before them."""
        self._memory[_HEAD.size :] = bytes(WORKERS_MAX)
        _HEAD.pack_into(self._memory, 0, first_age, min(workers, WORKERS_MAX))

    def ready(self, age: int) -> None:
        """Say that the worker of this age serves from now on."""
        first_age, workers = self._announced()
        if first_age and 0 <= age - first_age < workers:
            self._memory[_HEAD.size + age - first_age] = 1

    def is_missing(self, age: int) -> bool:
        """Tell whether the worker of this age has successors who do not serve yet."""
        first_age, workers = self._announced()
        serving = sum(self._memory[_HEAD.size : _HEAD.size + workers])
        return age < first_age and serving < workers

    def _announced(self) -> tuple[int, int]:
        first_age, workers = _HEAD.unpack_from(self._memory, 0)
        return first_age, workers


# Made where it is first imported: in the master, before any fork.
succession = Succession()
