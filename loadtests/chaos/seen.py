"""What clients saw of each fault: who failed, how slow it was, when it was over."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from loadtests.chaos.plan import Step
from loadtests.figures import percentile
from loadtests.journal import UNKNOWN_STATUSES, Attempt, History, Outcome
from loadtests.verdict import Violation

NANOSECONDS = 1e9
# An answer that took longer than this broke the promise about deadlines.
SLOWEST_SECONDS = 0.999


@dataclass(frozen=True, slots=True)
class Struck:
    """A step that was carried out: when it struck, was healed, and a purchase succeeded again.

    `elected` is when another primary could write, if one was elected meanwhile.
    """

    step: Step
    began: int
    healed: int
    recovered: int
    elected: int | None = None

    @property
    def recovery_seconds(self) -> float:
        """Return how long after it was healed a new purchase succeeded."""
        return (self.recovered - self.healed) / NANOSECONDS


@dataclass(frozen=True, slots=True)
class Seen:
    """What clients saw of one step: attempts under way when it struck, and those sent in it."""

    struck: Struck
    in_flight: int
    sent: int
    sold: int
    failed: int
    slowest_seconds: float
    # From the moment a new primary could write; how long that takes is decided by MongoDB.
    after_election_seconds: float | None = None

    @property
    def in_time(self) -> bool:
        """Tell whether it was back within the time stated for what struck.

        Nothing can be sold before there is a primary, so that time begins with the later one of
        healing and election; and no election may be followed by a longer wait either.
        """
        struck = self.struck
        begun = max(struck.healed, struck.elected or 0)
        waits = ((struck.recovered - begun) / NANOSECONDS, self.after_election_seconds or 0.0)
        return max(waits) <= max(one.recovery_seconds for one in struck.step.faults)

    @property
    def seconds(self) -> float:
        """Return how long it took, until a purchase succeeded again."""
        return (self.struck.recovered - self.struck.began) / NANOSECONDS


def seen_in(history: History, struck: Sequence[Struck]) -> tuple[list[Seen], float]:
    """Return what clients saw of each step, and how many sales a second there were between them."""
    attempts = sorted(
        (attempt for order in history.orders for attempt in order.attempts if attempt.answer),
        key=lambda attempt: attempt.sent_at,
    )
    times = [attempt.sent_at for attempt in attempts]
    # Whoever is answered after the next fault has struck has met that one, and is counted there.
    ends = [*(after.began for after in struck[1:]), math.inf]
    seen = [_seen(one, end, attempts, times) for one, end in zip(struck, ends, strict=True)]
    return seen, _calm_rate(attempts, times, struck)


def _calm_rate(
    attempts: Sequence[Attempt], times: Sequence[int], struck: Sequence[Struck]
) -> float:
    """Return the rate after steps that nobody noticed: after others much is asked once more."""
    calm = [
        (before.recovered, after.began)
        for before, after in pairwise(struck)
        if before.step.is_silent
    ]
    sold = sum(
        attempt.outcome is Outcome.SOLD
        for begin, end in calm
        for attempt in attempts[bisect_left(times, begin) : bisect_right(times, end)]
    )
    seconds = sum(end - begin for begin, end in calm) / NANOSECONDS
    return sold / seconds if seconds else 0.0


def _seen(struck: Struck, end: float, attempts: Sequence[Attempt], times: Sequence[int]) -> Seen:
    first, last = bisect_left(times, struck.began), bisect_right(times, struck.recovered)
    before = attempts[max(0, first - 1_000) : first]
    under_way = [a for a in before if a.answer and a.answer.at > struck.began]
    sent = attempts[first:last]
    failed = [
        a
        for a in (*under_way, *sent)
        if a.answer and a.answer.status in UNKNOWN_STATUSES and a.answer.at <= end
    ]
    waits = sorted(_seconds(attempt) for attempt in (*under_way, *sent))
    return Seen(
        struck,
        in_flight=len(under_way),
        sent=len(sent),
        sold=sum(attempt.outcome is Outcome.SOLD for attempt in sent),
        failed=len(failed),
        slowest_seconds=round(percentile(waits, SLOWEST_SECONDS), 2) if waits else 0.0,
        after_election_seconds=_after_election(struck, attempts),
    )


def _after_election(struck: Struck, attempts: Sequence[Attempt]) -> float | None:
    """Return after how long a new primary had sold something; None if none was elected."""
    elected = struck.elected
    if elected is None:
        return None
    sales = (a.answer.at for a in attempts if a.answer and a.outcome is Outcome.SOLD)
    first = min((at for at in sales if at >= elected), default=struck.recovered)
    return round((first - elected) / NANOSECONDS, 3)


def _seconds(attempt: Attempt) -> float:
    return ((attempt.answer.at if attempt.answer else 0) - attempt.sent_at) / NANOSECONDS


def broken_silence(seen: Sequence[Seen]) -> list[Violation]:
    """Return the steps of which clients should not have noticed anything, and did."""
    return [
        Violation(
            "nobody notices it",
            "any",
            f"{one.failed} of {one.sent} failed: step {one.struck.step.number}, "
            f"{one.struck.step.name}",
        )
        for one in seen
        if one.struck.step.is_silent and one.failed
    ]
