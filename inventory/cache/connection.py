"""One guarded way to Redis: short waits, no retries, a breaker, and every failure counted."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from inventory import limits
from inventory.settings import Settings, SettingsError

T = TypeVar("T")
# Takes the name of something that happened, and how often.
Count = Callable[[str, int], None]
_log = structlog.get_logger(__name__)
_BAD_ADDRESS = "REDIS_URL: this is no address; say off, or one like redis://:password@host:6379/0"


class Unreachable(Exception):
    """Redis did not answer, or nobody asks it at the moment."""


def connect(settings: Settings) -> "Redis | None":
    """Build the client of this process; None where the operator switched Redis off.

    The driver's own defaults, ten retries and five seconds, would turn a lost cache into an outage.
    Raises `SettingsError` for an address that is none.
    """
    if settings.redis_url == "off":
        return None
    try:
        return Redis.from_url(
            settings.redis_url,
            protocol=2,
            socket_timeout=limits.REDIS_TIMEOUT_SECONDS,
            socket_connect_timeout=limits.REDIS_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
            retry_on_error=[],
            max_connections=settings.redis_pool_size,
            health_check_interval=0,
            client_name="inventory",
        )
    except ValueError as error:
        raise SettingsError([_BAD_ADDRESS]) from error


class Connection:
    """Calls Redis, unless it failed so often just now that asking again is not worth the wait.

    After `limits.BREAKER_FAILURES` failures in a row nobody asks for `limits.BREAKER_OPEN_SECONDS`;
    then one caller tries. `count` hears of every failure and every call that was not tried.
    """

    def __init__(self, client: "Redis | None", count: Count = lambda *_: None) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._failures = 0
        self._open_until = 0.0
        self.count = count

    def call(self, command: Callable[["Redis"], T], *, urgent: bool = False) -> T:
        """Return what `command` makes of the client; raise `Unreachable` whatever goes wrong.

        What is `urgent` is asked even while the breaker is open.
        """
        if self._client is None:
            raise Unreachable
        if not urgent and not self._admitted():
            self.count("redis_skipped", 1)
            raise Unreachable
        try:
            result = command(self._client)
        except Exception as error:
            # Not only errors of Redis: its client trips over its own closed socket, or over an
            # answer that means nothing.
            self._failed(error)
            raise Unreachable from error
        self._failures = 0
        return result

    @property
    def exists(self) -> bool:
        """Whether there is a Redis at all."""
        return self._client is not None

    @property
    def is_open(self) -> bool:
        """Whether Redis is given up for the moment, or only just being tried again."""
        return self._failures >= limits.BREAKER_FAILURES

    @property
    def pool(self) -> tuple[int, int]:
        """How many connections are in use, and how many are idle."""
        if self._client is None:
            return 0, 0
        (idle, _), (in_use, _) = self._client.connection_pool.get_connection_count()
        return in_use, idle

    def available(self) -> bool:
        """Tell whether Redis answers at this moment."""
        try:
            return bool(self.call(lambda client: client.ping()))
        except Unreachable:
            return False

    def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            self._client.close()

    def _admitted(self) -> bool:
        if self._failures < limits.BREAKER_FAILURES:
            return True
        with self._lock:
            now = time.monotonic()
            if now < self._open_until:
                return False
            # This caller is the probe; the others go on without until it comes back.
            self._open_until = now + limits.BREAKER_OPEN_SECONDS
            return True

    def _failed(self, error: Exception) -> None:
        self.count("redis_failed", 1)
        with self._lock:
            self._failures += 1
            if self._failures == limits.BREAKER_FAILURES:
                self._open_until = time.monotonic() + limits.BREAKER_OPEN_SECONDS
                self.count("breaker_opened", 1)
                _log.warning("redis_given_up", problem=type(error).__name__)
