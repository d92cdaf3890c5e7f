"""What the service counts, for Prometheus. Knows its client library, and nothing of stock.

Every worker counts for itself. Where `PROMETHEUS_MULTIPROC_DIR` names a directory, as gunicorn's
configuration sees to, they keep their numbers in files there, and whichever worker is asked adds up
those of all.
"""

from collections.abc import Callable, Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from inventory.telemetry import files
from inventory.telemetry.described import BY_NAME
from inventory.telemetry.exposition import Asked, Read, Values, exposition, found_out
from inventory.telemetry.totals import Counted, added_up

MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4
# The route of what was refused or went astray before one was met: no path of a client's own
# choosing may become a label.
NO_ROUTE = "none"
_METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"})
_OTHER_METHOD = "other"


class Metrics:
    """The numbers of one process."""

    def __init__(self) -> None:
        self._directory = files.directory()
        self._registry = CollectorRegistry()
        self._asked: list[Asked] = []
        self._sampled: list[tuple[Gauge, Callable[[], Values]]] = []
        # Looked up at each event; the library's own way takes as long as the counting.
        self._requests: dict[tuple[str, str, int], Counter] = {}
        self._durations: dict[str, Histogram] = {}
        self._counters: dict[tuple[str, str], Counter] = {}
        if self._directory is None:
            self._prepare()
        else:
            # Nobody may read a file that is just being made.
            with files.changing(self._directory):
                self._prepare()

    def _prepare(self) -> None:
        self._request = self._counter("inventory_requests_total")
        self._duration = self._histogram("inventory_request_seconds")
        self._bought = self._histogram("inventory_purchase_seconds")
        self._refusals = self._counter("inventory_refusals_total")
        self._limited = self._counter("inventory_requests_limited_total")
        self._purchases = self._counter("inventory_purchases_total")
        self._units = self._counter("inventory_units_sold_total")
        self._size = self._histogram("inventory_group_operations")
        self._granted = self._histogram("inventory_group_granted_operations")
        self._wait = self._histogram("inventory_queue_wait_seconds")
        self._work = self._histogram("inventory_group_seconds")
        self._transactions = self._counter("inventory_transactions_total")
        self._retries = self._counter("inventory_transaction_retries_total")
        self._recovery = self._counter("inventory_recovery_actions_total")
        self._cache = self._counter("inventory_cache_events_total")
        self._counter("inventory_worker_starts_total").inc()
        self.sampled("inventory_workers", lambda: 1.0)

    def _counter(self, name: str) -> Counter:
        told = BY_NAME[name]
        counter = Counter(name, told.help, told.labels, registry=self._registry)
        for label in told.expected:
            counter.labels(label)
        return counter

    def _histogram(self, name: str) -> Histogram:
        told = BY_NAME[name]
        return Histogram(
            name, told.help, told.labels, buckets=told.buckets, registry=self._registry
        )

    def sampled(self, name: str, read: Callable[[], Values]) -> None:
        """Let a gauge be what `read` says of this process, added up over all of them.

        It says one number, or one for each tuple of labels. `sample` has to be called now and then.
        """
        told = BY_NAME[name]
        gauge = Gauge(
            name, told.help, told.labels, registry=self._registry, multiprocess_mode="livesum"
        )
        self._sampled.append((gauge, read))
        self._sample(gauge, read)

    def on_scrape(self, names: Sequence[str], read: Read) -> None:
        """Let `read` find out the numbers of these names whenever somebody asks for all.

        It answers a number for a name, or one for each tuple of labels, and may leave names out.
        Counters may be told that way as well, if they never fall. It must end soon by itself. What
        it raises costs its own numbers only.
        """
        self._asked.append(Asked(tuple(BY_NAME[name].name for name in names), read))

    def sample(self) -> None:
        """Let the sampled gauges be what they are at this moment."""
        for gauge, read in self._sampled:
            self._sample(gauge, read)

    def _sample(self, gauge: Gauge, read: Callable[[], Values]) -> None:
        value = read()
        if isinstance(value, float | int):
            gauge.set(value)
            return
        for labels, number in value.items():
            gauge.labels(*labels).set(number)

    @property
    def shares(self) -> bool:
        """Whether other processes tell what this one counts."""
        return self._directory is not None

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request that met a route, by its template, and how long it took."""
        counter = self._requests.get((route, method, status))
        if counter is None:
            counter = self._of_requests(route, method, status)
        counter.inc()
        duration = self._durations.get(route)
        if duration is None:
            duration = self._durations[route] = self._duration.labels(route)
        duration.observe(seconds)

    def purchase_decided(self, seconds: float) -> None:
        """Count how long a purchase took that was made, or refused for a reason of the shop's."""
        self._bought.observe(seconds)

    def _of_requests(self, route: str, method: str, status: int) -> Counter:
        told = method if method in _METHODS else _OTHER_METHOD
        counter = self._request.labels(route, told, status)
        # Methods that do not exist are as many as clients like.
        if told is method:
            self._requests[route, method, status] = counter
        return counter

    def foresee_refusals(self, codes: Iterable[str]) -> None:
        """Tell of these codes from the start: the first refusal would look like no rise else."""
        for code in codes:
            self._one_of(self._refusals, "code", code)

    def refused(self, code: str) -> None:
        """Count an answer that is a problem."""
        self._one_of(self._refusals, "code", code).inc()

    def turned_away(self, method: str, status: int, code: str) -> None:
        """Count a request that was refused before anybody looked for its route."""
        self._of_requests(NO_ROUTE, method, status).inc()
        self.refused(code)

    def request_limited(self) -> None:
        """Count a request that was refused because of its client's rate."""
        self._limited.inc()

    def cache_event(self, event: str, times: int) -> None:
        """Count something that happened to cached reads, or to Redis."""
        self._one_of(self._cache, "event", event).inc(times)

    def recovered(self, action: str, times: int) -> None:
        """Count what was tidied up after others."""
        self._one_of(self._recovery, "action", action).inc(times)

    def _one_of(self, counters: Counter, kind: str, label: str) -> Counter:
        counter = self._counters.get((kind, label))
        if counter is None:
            counter = self._counters[kind, label] = counters.labels(label)
        return counter

    def sold(self, purchases: int, units: int) -> None:
        """Count purchases that have become certain, and the units that they took."""
        self._purchases.inc(purchases)
        self._units.inc(units)

    def transaction_ended(self, tries: int) -> None:
        """Count a transaction, and how often it was begun anew."""
        self._transactions.inc()
        if tries > 1:
            self._retries.inc(tries - 1)

    def group_decided(self, waits_seconds: Sequence[float], granted: int, seconds: float) -> None:
        """Count one group: how long each of its changes waited, and what became of them."""
        self._size.observe(len(waits_seconds))
        self._granted.observe(granted)
        self._work.observe(seconds)
        for wait in waits_seconds:
            self._wait.observe(wait)

    def totals(self) -> Counted:
        """Return the few numbers that an overview shows, of all workers."""
        return added_up(self._registry, self._directory)

    def exposition(self) -> bytes:
        """Return the numbers of all workers as Prometheus reads them."""
        self.sample()
        return exposition(self._registry, self._directory, found_out(self._asked))
