"""Limits of rates that all processes keep together, mostly without asking Redis.

A request counts in each of its tallies, and only if all have room for it. A process tells Redis
when what it has counted comes to its part of `limits.RATE_ERROR` of a limit, so all together never
exceed it by more than that; and for every request once a tenth of the limit is left, so that the
end is exact. While Redis is away each process keeps the limits by what it knows.
"""

import math
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from inventory import limits
from inventory.cache.connection import Connection, Unreachable
from inventory.cache.gathering import Gathering
from inventory.cache.tallies import Tally, Told, tell


@dataclass(frozen=True, slots=True)
class Limit:
    """How many a minute of a kind one client may have."""

    kind: str
    per_minute: int


class Standing(NamedTuple):
    """How a client stands with the limit that is nearest to its end."""

    admitted: bool
    limit: int
    remaining: int
    # Until the whole limit is there again, if nothing more is sent.
    reset_seconds: int
    # Until there is room for one; 0 for who was admitted.
    retry_after_seconds: int


class _Request:
    """One that Redis is asked about; who asks for it leaves here what became of it."""

    __slots__ = ("admitted", "tallies")

    def __init__(self, tallies: Sequence[Tally]) -> None:
        self.tallies = tallies
        self.admitted = False


class Rates:
    """The limits of one process; every method is safe to call whatever state Redis is in."""

    def __init__(self, connection: Connection, clock: Callable[[], float] = time.time) -> None:
        self._connection = connection
        self._clock = clock
        self._lock = threading.Lock()
        # The least recently used first.
        self._tallies: OrderedDict[tuple[str, str], Tally] = OrderedDict()
        # Calls of Redis end soon by themselves.
        self._gathering: Gathering[_Request, None] = Gathering()
        self._name = secrets.token_hex(8)
        self._processes = limits.RATE_PROCESSES
        self._introduced_at = float("-inf")
        self._settled = False

    def spend(self, wanted: Iterable[tuple[Limit, str]]) -> Standing:
        """Count a request in each limit for whom it says, or in none if one has no room."""
        with self._lock:
            window, elapsed, weight = self._moment()
            tallies = [self._tally(limit, who, window) for limit, who in wanted]
            tightest, left = _tightest(tallies, weight)
            if not self._must_ask(tallies, weight, left):
                return self._decide(tallies, tightest, left, elapsed)
        request = _Request(tallies)
        try:
            self._gathering.ask("", (request,), self._ask)
        except (Unreachable, TimeoutError):
            return self._decide_alone(tallies)
        with self._lock:
            window, elapsed, weight = self._moment()
            for tally in tallies:
                tally.roll(window)
            tightest, left = _tightest(tallies, weight)
            return _standing(tightest, left, elapsed, admitted=request.admitted)

    def look(self, limit: Limit, who: str) -> Standing:
        """Return how somebody stands as far as this process knows; nothing is counted."""
        with self._lock:
            window, elapsed, weight = self._moment()
            known = self._tallies.get((limit.kind, who))
            if known is None:
                return Standing(True, limit.per_minute, limit.per_minute, 0, 0)
            known.roll(window)
            left = known.left(weight)
            return _standing(known, left, elapsed, admitted=left >= 1)

    @property
    def size(self) -> int:
        """How many tallies are held."""
        return len(self._tallies)

    def _moment(self) -> tuple[int, float, float]:
        """Return the window, the seconds since it began, and the weight of the one before."""
        window, elapsed = divmod(self._clock(), limits.RATE_WINDOW_SECONDS)
        return int(window), elapsed, 1 - elapsed / limits.RATE_WINDOW_SECONDS

    def _tally(self, limit: Limit, who: str, window: int) -> Tally:
        key = (limit.kind, who)
        found = self._tallies.get(key)
        if found is None:
            self._make_room(window)
            found = self._tallies[key] = Tally(limit.kind, who, limit.per_minute, window)
            return found
        self._tallies.move_to_end(key)
        if found.window != window:
            found.roll(window)
        return found

    def _make_room(self, window: int) -> None:
        """Let go of what is too much, and of some that say nothing any more."""
        while len(self._tallies) >= limits.RATE_TALLIES_MAX:
            self._tallies.popitem(last=False)
        for _ in range(2):
            if self._tallies and next(iter(self._tallies.values())).window < window - 1:
                self._tallies.popitem(last=False)

    def _must_ask(self, tallies: Sequence[Tally], weight: float, left: float) -> bool:
        """Tell whether one of them is near its limit, or has counted its share by itself.

        Whoever has no room left is refused without a question, unless Redis was away and has not
        heard yet of what was let in meanwhile.
        """
        for tally in tallies:
            share = tally.limit * limits.RATE_ERROR / self._processes
            untold = tally.now + tally.before
            if left < 1:
                if untold >= max(share, 1):
                    return True
            elif untold + 1 > share or tally.left(weight) <= tally.limit * 2 * limits.RATE_ERROR:
                return True
        return False

    def _decide(
        self, tallies: Sequence[Tally], tightest: Tally, left: float, elapsed: float
    ) -> Standing:
        if left < 1:
            return _standing(tightest, left, elapsed, admitted=False)
        for tally in tallies:
            tally.now += 1
        return _standing(tightest, left - 1, elapsed, admitted=True)

    def _decide_alone(self, tallies: Sequence[Tally]) -> Standing:
        with self._lock:
            window, elapsed, weight = self._moment()
            for tally in tallies:
                tally.roll(window)
            return self._decide(tallies, *_tightest(tallies, weight), elapsed)

    def _ask(self, requests: Iterable[_Request]) -> None:
        """Tell Redis what the tallies of some requests have counted, and let it decide."""
        asked = list(requests)
        with self._lock:
            window, _, weight = self._moment()
            places: dict[Tally, int] = {}
            for request in asked:
                for tally in request.tallies:
                    tally.roll(window)
                    places.setdefault(tally, len(places) + 1)
            told = [Told(tally) for tally in places]
            age = abs(self._clock() - self._introduced_at)
            introduce = age > limits.RATE_INTRODUCTION_SECONDS
        wanted = [[places[tally] for tally in request.tallies] for request in asked]
        processes, *counts = self._connection.call(
            lambda client: tell(client, told, wanted, weight, self._name, introduce=introduce)
        )
        with self._lock:
            self._learn(processes, introduced=introduce)
            for place, one in enumerate(told):
                one.tally.hear(one, counts[2 * place], counts[2 * place + 1])
        for request, admitted in zip(asked, counts[2 * len(told) :], strict=True):
            request.admitted = admitted == 1

    def _learn(self, processes: int, *, introduced: bool) -> None:
        """Take in how many processes there are; none if Redis did not know this one.

        Those that begin together hear of each other when they introduce themselves again; until
        then many are assumed.
        """
        if introduced:
            self._introduced_at = self._clock()
            self._settled = processes > 0
        elif processes == 0:
            self._introduced_at = float("-inf")
            self._settled = False
        self._processes = processes if self._settled else max(processes, limits.RATE_PROCESSES)


def _tightest(tallies: Sequence[Tally], weight: float) -> tuple[Tally, float]:
    """Return the tally with the least room, and how much that is."""
    tightest, least = tallies[0], tallies[0].left(weight)
    for tally in tallies[1:]:
        left = tally.left(weight)
        if left < least:
            tightest, least = tally, left
    return tightest, least


def _standing(tally: Tally, left: float, elapsed: float, *, admitted: bool) -> Standing:
    wait = 0 if admitted else max(1, math.ceil(tally.seconds_to_room(elapsed)))
    remaining = max(0, int(left))
    return Standing(
        admitted, tally.limit, remaining, math.ceil(tally.seconds_to_rest(elapsed)), wait
    )
