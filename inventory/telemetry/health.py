"""Whether the service can do its work: MongoDB is needed, Redis is not."""

from collections.abc import Callable


class Health:
    """Asks the stores; `check_database` raises unless MongoDB serves and is prepared."""

    def __init__(
        self, check_database: Callable[[], None], redis_answers: Callable[[], bool] | None
    ) -> None:
        self._check_database = check_database
        self._redis_answers = redis_answers
        self.seen_ready = False

    def require(self) -> None:
        """Return if MongoDB was ever found prepared, now at the latest; raise `Unavailable` else.

        Until then nobody knows what kind of database this is, and nothing may be written to it.
        """
        if not self.seen_ready:
            self.check_database()

    def check_database(self) -> None:
        """Raise `Unavailable` unless MongoDB is prepared at this moment."""
        self._check_database()
        self.seen_ready = True

    def check(self) -> str:
        """Return how Redis is, `ok`, `degraded` or `off`; raise `Unavailable` without MongoDB."""
        self.check_database()
        if self._redis_answers is None:
            return "off"
        return "ok" if self._redis_answers() else "degraded"
