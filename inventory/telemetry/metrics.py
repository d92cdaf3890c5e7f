"""What the service counts, for Prometheus. Knows its client library, and nothing of stock.

Every worker counts for itself. Where `PROMETHEUS_MULTIPROC_DIR` names a directory, as gunicorn's
configuration sees to, they keep their numbers in files there, and whichever worker is asked adds up
those of all.
"""

import os
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector

MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4
# Read by the library when it is imported.
_DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

_OPERATIONS = (0, 1, 2, 4, 8, 16, 32, 64)
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)


class Metrics:
    """The numbers of one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._size = self._histogram(
            "inventory_group_operations",
            "Changes of stock that were decided together.",
            _OPERATIONS,
        )
        self._granted = self._histogram(
            "inventory_group_granted_operations",
            "Changes of one group that were carried out.",
            _OPERATIONS,
        )
        self._wait = self._histogram(
            "inventory_queue_wait_seconds",
            "Time from the arrival of a change to the beginning of its group.",
            _SECONDS,
        )
        self._work = self._histogram(
            "inventory_group_seconds",
            "Time that a group took, from its first write to its answers.",
            _SECONDS,
        )
        self._refused = Counter(
            "inventory_requests_refused",
            "Requests that were refused because the process worked on too many.",
            registry=self._registry,
        )
        self._limited = Counter(
            "inventory_requests_limited",
            "Requests that were refused because their client had sent too many.",
            registry=self._registry,
        )
        self._cache = Counter(
            "inventory_cache_events",
            "Cached values that were known (hit) or not (miss), of the latter those taken from "
            "another reader (joined) or another process (taken), reads past the cache (bypass), "
            "and calls of Redis that failed (redis_failed) or were not tried (redis_skipped).",
            ["event"],
            registry=self._registry,
        )
        self._cache_events: dict[str, Counter] = {}

    def _histogram(self, name: str, counted: str, buckets: Sequence[float]) -> Histogram:
        return Histogram(name, counted, buckets=buckets, registry=self._registry)

    def request_refused(self) -> None:
        """Count a request that was refused because too many were at work."""
        self._refused.inc()

    def request_limited(self) -> None:
        """Count a request that was refused because of its client's rate."""
        self._limited.inc()

    def cache_event(self, event: str, times: int) -> None:
        """Count something that happened to cached reads, or to Redis."""
        counter = self._cache_events.get(event)
        if counter is None:
            counter = self._cache_events[event] = self._cache.labels(event)
        counter.inc(times)

    def group_decided(self, waits_seconds: Sequence[float], granted: int, seconds: float) -> None:
        """Count one group: how long each of its changes waited, and what became of them."""
        self._size.observe(len(waits_seconds))
        self._granted.observe(granted)
        self._work.observe(seconds)
        for wait in waits_seconds:
            self._wait.observe(wait)

    def exposition(self) -> bytes:
        """Return the numbers of all workers as Prometheus reads them."""
        if not os.environ.get(_DIRECTORY_VARIABLE):
            return generate_latest(self._registry)
        everybody = CollectorRegistry()
        MultiProcessCollector(everybody)  # type: ignore[no-untyped-call]  # has no types
        return generate_latest(everybody)
