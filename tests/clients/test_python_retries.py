"""What the client for Python sends again, when, and for how long: its rules, without a network."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest

from inventory_client import (
    InventoryError,
    NoAnswer,
    Patience,
    RateLimited,
    StorageUnavailable,
    Unavailable,
    Unreachable,
)
from inventory_client.errors import CODES
from inventory_client.retrying import Caller, Clock
from inventory_client.transport import Answer, Request

DONE = Answer(200, {}, b"{}")
READ = Request(method="GET", path="/")
KEYED = Request(method="POST", path="/", key="once")
UNKEYED = Request(method="PATCH", path="/")
# With each of these it is certain that nothing happened.
UNCHANGED = ("storage_unavailable", "overloaded", "database_not_ready", "rate_limited")
STATUS = {"rate_limited": 429, "request_timeout": 408, "idempotency_in_progress": 409}


def problem(code: str, retry_after: str = "", status: int = 0) -> Answer:
    """Return the answer that a problem is."""
    body = f'{{"code": "{code}", "detail": "No."}}'.encode()
    headers = {"retry-after": retry_after} if retry_after else {}
    return Answer(status or STATUS.get(code, 503), headers, body)


@dataclass
class Script:
    """Takes the places of network and clock: answers come one after the other, and cost no time."""

    answers: Iterable[Answer | InventoryError]
    seconds_an_attempt: float = 0.0
    now: float = 1000.0
    waits: list[float] = field(default_factory=list)
    sent: list[tuple[Request, float]] = field(default_factory=list)

    def send(self, request: Request, seconds: float) -> Answer:
        """Give the next answer, after the time that an attempt takes."""
        self.sent.append((request, seconds))
        self.now += min(self.seconds_an_attempt, seconds)
        answer = next(self._all)
        if isinstance(answer, InventoryError):
            raise answer
        return answer

    def close(self) -> None:
        """There is nothing to close."""

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.waits.append(seconds)
        self.now += seconds

    def call(self, request: Request, **patience: float) -> Answer:
        """Make a call."""
        self._all = iter(self.answers)
        clock = Clock(lambda: self.now, self.sleep)
        dice = random.Random(0)  # noqa: S311 - the same each time
        return Caller(self, Patience(**patience), clock, dice).call(request)


def for_ever(answer: Answer | type[InventoryError]) -> Iterable[Answer | InventoryError]:
    """Yield the same answer again and again."""
    while True:
        yield answer if isinstance(answer, Answer) else answer("lost")


@pytest.mark.parametrize("code", ["outcome_unknown", "idempotency_in_progress", *UNCHANGED])
def test_the_key_stays_the_same(code: str) -> None:
    """Whatever goes wrong on the way, all attempts of a call carry one key."""
    script = Script([problem(code), NoAnswer("lost"), Unreachable("away"), DONE])
    assert script.call(KEYED) is DONE
    assert [request.headers["Idempotency-Key"] for request, _ in script.sent] == ["once"] * 4


@pytest.mark.parametrize("code", [*UNCHANGED, "request_timeout"])
def test_a_change_without_a_key_is_repeated_where_nothing_happened(code: str) -> None:
    """It is certain that these had no effect, and that a request never left the machine."""
    script = Script([problem(code), Unreachable("away"), DONE])
    assert script.call(UNKEYED) is DONE


@pytest.mark.parametrize(
    "answer",
    [problem("outcome_unknown"), problem("internal_server_error"), problem("", status=502)],
    ids=["outcome_unknown", "internal_server_error", "502"],
)
def test_a_change_without_a_key_is_not_repeated_otherwise(answer: Answer) -> None:
    """What may have happened must not happen twice; whoever called is told so."""
    script = Script([answer])
    with pytest.raises(Unavailable) as raised:
        script.call(UNKEYED)
    assert raised.value.may_have_happened
    assert len(script.sent) == 1

    script = Script([NoAnswer("lost")])
    with pytest.raises(NoAnswer):
        script.call(UNKEYED)
    assert len(script.sent) == 1


@pytest.mark.parametrize(
    "code", sorted(code for code, kind in CODES.items() if not issubclass(kind, Unavailable))
)
def test_a_definite_answer_is_not_asked_for_twice(code: str) -> None:
    """No client error is sent again, and it says nothing about an effect."""
    script = Script([problem(code, retry_after="1", status=400), DONE])
    with pytest.raises(InventoryError) as raised:
        script.call(KEYED)
    assert len(script.sent) == 1
    assert not raised.value.may_have_happened


def test_an_answer_about_access_settles_nothing() -> None:
    """If the first attempt had no answer and the key was revoked then, it may have happened."""
    script = Script([NoAnswer("lost"), problem("invalid_api_key", status=401)])
    with pytest.raises(InventoryError) as raised:
        script.call(KEYED)
    assert raised.value.may_have_happened

    script = Script([NoAnswer("lost"), problem("stale_stock", status=409)])
    with pytest.raises(InventoryError) as raised:
        script.call(KEYED)
    assert not raised.value.may_have_happened


def test_retry_after_is_waited_for() -> None:
    """At least as long as the service says, and a little longer, each client its own time."""
    script = Script([problem("overloaded", "1"), problem("rate_limited", "2"), DONE])
    script.call(KEYED, backoff_seconds=0.1)
    first, second = script.waits
    assert 1 < first < 1.1
    assert 2 < second < 2.1
    assert first - 1 != second - 2


def test_without_it_waits_grow_and_are_random() -> None:
    """Up to twice as long each time until the bound, so that clients do not come all at once."""
    script = Script([*[NoAnswer("lost")] * 200, DONE])
    script.call(KEYED, backoff_seconds=0.01, backoff_seconds_max=0.04, deadline_seconds=100)
    bounds = [0.01, 0.02, *[0.04] * 198]
    assert all(0 <= wait <= bound for wait, bound in zip(script.waits, bounds, strict=True))
    assert max(script.waits) > 0.035
    assert len(set(script.waits)) == 200


def test_a_long_retry_after_is_not_waited_for() -> None:
    """Whoever has to wait for a minute is told so at once, and when to come again."""
    script = Script([problem("rate_limited", "60"), DONE])
    with pytest.raises(RateLimited) as raised:
        script.call(KEYED, deadline_seconds=1000)
    assert raised.value.retry_after_seconds == 60
    assert raised.value.idempotency_key == "once"
    assert not raised.value.may_have_happened
    assert script.waits == []


@pytest.mark.parametrize("request_", [READ, KEYED], ids=["read", "keyed"])
def test_the_deadline_ends_a_call(request_: Request) -> None:
    """No attempt begins after it, and none may last longer than there is time."""
    script = Script(for_ever(NoAnswer), seconds_an_attempt=3.0)
    with pytest.raises(NoAnswer) as raised:
        script.call(request_, deadline_seconds=10.0, attempt_seconds=3.0)
    assert script.now <= 1010.0
    assert 3 <= len(script.sent) <= 4
    assert all(0 < seconds <= 3.0 for _, seconds in script.sent)
    assert raised.value.may_have_happened == (request_ is KEYED)


def test_a_pause_beyond_the_deadline_is_not_begun() -> None:
    """It would end with nothing; the last answer is told instead."""
    script = Script(for_ever(problem("storage_unavailable", "1")))
    with pytest.raises(StorageUnavailable) as raised:
        script.call(KEYED, deadline_seconds=2.5)
    assert len(script.sent) == 3
    assert script.now < 1002.5
    assert not raised.value.may_have_happened


@pytest.mark.parametrize("said", ["Wed, 21 Oct 2026 07:28:00 GMT", "-1", "1.5", "9" * 30, "²"])
def test_a_retry_after_that_is_no_number_of_seconds_is_passed_over(said: str) -> None:
    """The client waits as if there were none."""
    script = Script([problem("overloaded", said), DONE])
    script.call(READ, backoff_seconds=0.5)
    assert script.waits[0] <= 0.5
