"""Processes that keep limits of rates together, by a clock of the test's."""

from collections import Counter

from inventory import limits
from inventory.cache import connection
from inventory.cache.connection import Connection
from inventory.cache.rates import Limit, Rates, Standing
from inventory.settings import Settings

WINDOW = limits.RATE_WINDOW_SECONDS
ANN = "192.0.2.7"


class Clock:
    """The time of all processes: that of a window's beginning until the test says otherwise."""

    def __init__(self) -> None:
        self.now = WINDOW * 29_000_000.0

    def __call__(self) -> float:
        return self.now


class Process:
    """The limits of one process, and what happened to its calls of Redis."""

    def __init__(self, redis_url: str, clock: Clock) -> None:
        self.counts: Counter[str] = Counter()
        client = connection.connect(Settings(redis_url=redis_url))
        self._way = Connection(client, self._count)
        self.rates = Rates(self._way, clock)

    def _count(self, event: str, times: int) -> None:
        self.counts[event] += times

    def spend(self, limit: int, who: str = ANN) -> Standing:
        """Send one request that counts in one limit."""
        return self.rates.spend([(Limit("key", limit), who)])

    def spend_all(self, limit: int, who: str = ANN) -> int:
        """Send requests until one is refused; return how many were not."""
        admitted = 0
        while self.spend(limit, who).admitted:
            admitted += 1
        return admitted

    def close(self) -> None:
        """Close the connections."""
        self._way.close()
