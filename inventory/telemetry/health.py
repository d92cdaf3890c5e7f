"""Whether the service can do its work: MongoDB is needed, Redis is not."""

from collections.abc import Callable


class Health:
    """Asks the stores.

    `check_database` raises unless MongoDB is prepared, `ping_database` unless it serves. The former
    takes longer and is asked until it has passed once.
    """

    def __init__(
        self,
        check_database: Callable[[], None],
        ping_database: Callable[[], None],
        redis_answers: Callable[[], bool] | None,
    ) -> None:
        self._check_database = check_database
        self._ping_database = ping_database
        self._redis_answers = redis_answers

    def check(self) -> str:
        """Return how Redis is, `ok`, `degraded` or `off`; raise `Unavailable` without MongoDB."""
        self._check_database()
        self._check_database = self._ping_database
        if self._redis_answers is None:
            return "off"
        return "ok" if self._redis_answers() else "degraded"
