"""How fast it went and how often what happened, according to a journal. Pure."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from loadtests.journal import Attempt, History, Outcome, Read

NANOSECONDS = 1e9
NOT_MODIFIED = 304


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from sending to the answer, as the client measured them."""

    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, requests: Sequence[Attempt | Read]) -> "Latency":
        """Summarise the requests that were answered."""
        spans = sorted(chain.from_iterable(map(_milliseconds, requests)))
        return cls(*(round(percentile(spans, share), 1) for share in (0.5, 0.95, 0.99)))


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run amounts to. Attempts count requests, all else counts orders."""

    sold_orders: int
    sold_units: int
    refused_orders: int
    open_orders: int
    attempts: int
    replays: int
    busy_attempts: int
    unknown_attempts: int
    seconds: float
    sold_per_second: float
    attempts_per_second: float
    purchase_ms: Latency
    reads: int
    reads_not_modified: int
    reads_failed: int
    reads_per_second: float
    read_ms: Latency


def measure(history: History) -> Figures:
    """Return the figures of a run."""
    outcomes = Counter(order.outcome for order in history.orders)
    attempts = [attempt for order in history.orders for attempt in order.attempts]
    by_outcome = Counter(attempt.outcome for attempt in attempts)
    definite = [a for a in attempts if a.outcome in (Outcome.SOLD, Outcome.REFUSED)]
    sold = [order for order in history.orders if order.outcome is Outcome.SOLD]
    whole = _seconds([*attempts, *history.reads])
    until_last_sale = _seconds([Attempt(o.sent_at, o.answers[0]) for o in sold])
    return Figures(
        sold_orders=len(sold),
        sold_units=sum(order.order.quantity for order in sold),
        refused_orders=outcomes[Outcome.REFUSED],
        open_orders=outcomes[Outcome.UNKNOWN],
        attempts=len(attempts),
        replays=sum(a.answer is not None and a.answer.replayed for a in attempts),
        busy_attempts=by_outcome[Outcome.BUSY],
        unknown_attempts=by_outcome[Outcome.UNKNOWN],
        seconds=round(whole, 2),
        sold_per_second=_rate(len(sold), until_last_sale),
        attempts_per_second=_rate(len(attempts), whole),
        purchase_ms=Latency.of(definite),
        reads=len(history.reads),
        reads_not_modified=sum(read.status == NOT_MODIFIED for read in history.reads),
        reads_failed=sum(read.status not in (200, NOT_MODIFIED) for read in history.reads),
        reads_per_second=_rate(len(history.reads), whole),
        read_ms=Latency.of(history.reads),
    )


def percentile(ascending: Sequence[float], share: float) -> float:
    """Return the least value that `share` of all values do not exceed; 0 if there are none."""
    if not ascending:
        return 0.0
    return ascending[max(0, math.ceil(share * len(ascending)) - 1)]


def _answered_at(request: Attempt | Read) -> int | None:
    if isinstance(request, Read):
        return request.answered_at
    return None if request.answer is None else request.answer.at


def _milliseconds(request: Attempt | Read) -> Sequence[float]:
    at = _answered_at(request)
    return () if at is None else ((at - request.sent_at) / 1e6,)


def _seconds(requests: Sequence[Attempt | Read]) -> float:
    ends = [at for request in requests if (at := _answered_at(request)) is not None]
    if not ends:
        return 0.0
    return (max(ends) - min(request.sent_at for request in requests)) / NANOSECONDS


def _rate(count: int, seconds: float) -> float:
    return round(count / seconds, 1) if seconds else 0.0
