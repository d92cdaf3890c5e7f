"""What is sent again, when, and for how long. Knows neither urllib3 nor any operation.

An attempt is repeated only if it has no second effect: it only reads, it carries an idempotency
key, or it is certain that the one before changed nothing.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from inventory_client.errors import InventoryError, Unavailable, UnexpectedAnswer, problem_of
from inventory_client.transport import Answer, Request, Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a call may take, in all and in each of its attempts.

    Between two attempts a call waits as long as `Retry-After` says and some `backoff_seconds` more;
    without it a random time of up to `backoff_seconds`, twice that after the next attempt, and so
    on to `backoff_seconds_max`. If it is told to wait longer than `wait_seconds_max`, or longer
    than there is time, it ends at once.
    """

    deadline_seconds: float = 30.0
    # The service answers within 2.1 s, and the proxy before it within 3 s.
    attempt_seconds: float = 5.0
    wait_seconds_max: float = 5.0
    # The same for files, which have thousands of products.
    file_deadline_seconds: float = 600.0
    file_attempt_seconds: float = 60.0
    backoff_seconds: float = 0.1
    backoff_seconds_max: float = 2.0

    def wait_seconds(self, attempt: int, error: Unavailable, dice: random.Random) -> float:
        """Return how long to wait after the attempt with this number, from 0, has failed."""
        if error.retry_after_seconds is not None:
            return error.retry_after_seconds + dice.uniform(0, self.backoff_seconds)
        most = min(self.backoff_seconds * 2 ** min(attempt, 16), self.backoff_seconds_max)
        return dice.uniform(0, most)


@dataclass(frozen=True, slots=True)
class Clock:
    """Where time comes from; tests bring one of their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(slots=True)
class Caller:
    """Makes calls: attempt after attempt, until one is answered for good or time is up."""

    transport: Transport
    patience: Patience
    clock: Clock = field(default_factory=Clock)
    # Nobody has to be unable to guess it.
    dice: random.Random = field(default_factory=random.Random)

    def call(self, request: Request) -> Answer:
        """Return the answer of success; raise what else it came to."""
        patience = self.patience
        seconds = patience.file_deadline_seconds if request.is_slow else patience.deadline_seconds
        until = self.clock.now() + seconds
        if request.key is not None:
            headers = {**request.headers, "Idempotency-Key": request.key}
            request = replace(request, headers=headers)
        unsure, attempt = False, 0
        while True:
            try:
                return self._attempt(request, until)
            except InventoryError as failed:
                error = failed
            unsure = _unsure(request, error, unsure)
            error.idempotency_key, error.may_have_happened = request.key, unsure
            wait_seconds = self._wait_seconds(request, error, attempt)
            if wait_seconds is None or self.clock.now() + wait_seconds >= until:
                raise error
            self.clock.sleep(wait_seconds)
            attempt += 1

    def _attempt(self, request: Request, until: float) -> Answer:
        patience = self.patience
        most = patience.file_attempt_seconds if request.is_slow else patience.attempt_seconds
        seconds = min(most, until - self.clock.now())
        answer = self.transport.send(request, seconds)
        if 200 <= answer.status < 300:
            return answer
        if answer.status < 400:
            raise UnexpectedAnswer(f"Answered with status {answer.status}.")
        problem = problem_of(answer.status, answer.body)
        if isinstance(problem, Unavailable):
            problem.retry_after_seconds = _retry_after_seconds(answer)
        raise problem

    def _wait_seconds(self, request: Request, error: InventoryError, attempt: int) -> float | None:
        """Return how long to wait before the next attempt, None if there shall be none."""
        if not isinstance(error, Unavailable) or not (request.repeatable or error.unchanged):
            return None
        seconds = self.patience.wait_seconds(attempt, error, self.dice)
        return seconds if seconds <= self.patience.wait_seconds_max else None


def _unsure(request: Request, error: InventoryError, before: bool) -> bool:
    """Tell whether some attempt so far may have had an effect that nobody has told of."""
    if request.method == "GET":
        return False
    if isinstance(error, Unavailable):
        return before or not error.unchanged
    return isinstance(error, UnexpectedAnswer) or (before and not error.settles)


def _retry_after_seconds(answer: Answer) -> float | None:
    """Return what `Retry-After` says, if it says seconds; a date would need a clock in common."""
    said = answer.headers.get("retry-after", "")
    return float(said) if said.isascii() and said.isdigit() and len(said) < 10 else None
