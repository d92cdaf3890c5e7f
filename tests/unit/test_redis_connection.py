"""The one way to Redis: whatever its client raises, callers hear one thing and go on."""

import pytest
from redis import Redis
from redis.exceptions import InvalidResponse

from inventory import limits
from inventory.cache.connection import Connection, Unreachable


@pytest.mark.parametrize(
    "error",
    [
        InvalidResponse("rubbish"),
        OSError(24, "Too many open files"),
        ValueError("Invalid file object: None"),
        TypeError("not what it looks like"),
    ],
    ids=repr,
)
def test_nothing_that_goes_wrong_reaches_a_sale(error: Exception) -> None:
    """The failure is counted, and after some of them nobody asks for a while."""
    counted: list[str] = []
    connection = Connection(Redis(), lambda event, _: counted.append(event))

    def fail(_: Redis) -> None:
        raise error

    for _ in range(limits.BREAKER_FAILURES + 1):
        with pytest.raises(Unreachable):
            connection.call(fail)
    failed = ["redis_failed"] * limits.BREAKER_FAILURES
    assert counted == [*failed, "breaker_opened", "redis_skipped"]
