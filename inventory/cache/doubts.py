"""Things that a write may have changed of which nobody knows whether it will ever be applied.

What was read before it came to be would stay in Redis for as long as a value lives, since nobody
publishes such a write. So these things are published again, several times and some seconds apart.
"""

import threading
from collections.abc import Callable, Iterable, Sequence

# How often each is published. The database gives a write up, or has applied it, well before that.
_ROUNDS = 3


class Doubts:
    """The names of such things, for all threads of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rounds: dict[str, int] = {}

    def add(self, names: Iterable[str]) -> None:
        """Take names whose next rounds are all still to come."""
        with self._lock:
            self._rounds |= dict.fromkeys(names, _ROUNDS)

    def settle(self, publish: Callable[[Sequence[str]], object], count: int) -> None:
        """Let `publish` have all names, `count` at most at a time; a round counts if it returns."""
        with self._lock:
            before = list(self._rounds.items())
        for start in range(0, len(before), count):
            some = dict(before[start : start + count])
            publish(list(some))
            with self._lock:
                for name, rounds in some.items():
                    # Whoever was added again meanwhile begins anew.
                    if self._rounds[name] == rounds:
                        self._rounds[name] -= 1
                self._rounds = {name: left for name, left in self._rounds.items() if left}
