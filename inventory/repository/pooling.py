"""How the connections to MongoDB are used, as the driver tells it.

The driver's events of connections cost 3 us for each operation; those of its commands, which would
also tell times, ten times as much.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from pymongo.monitoring import (
    ConnectionCheckedInEvent,
    ConnectionCheckedOutEvent,
    ConnectionClosedEvent,
    ConnectionCreatedEvent,
    ConnectionPoolListener,
)

_Connection = tuple[Any, int]


class _Listener(ConnectionPoolListener):
    """Forgets what it is told, but for what a subclass makes of it."""

    def pool_created(self, event: object) -> None:
        """Forget it."""

    def pool_ready(self, event: object) -> None:
        """Forget it."""

    def pool_cleared(self, event: object) -> None:
        """Forget it."""

    def pool_closed(self, event: object) -> None:
        """Forget it."""

    def connection_created(self, event: ConnectionCreatedEvent) -> None:
        """Forget it."""

    def connection_ready(self, event: object) -> None:
        """Forget it."""

    def connection_closed(self, event: ConnectionClosedEvent) -> None:
        """Forget it."""

    def connection_check_out_started(self, event: object) -> None:
        """Forget it."""

    def connection_check_out_failed(self, event: object) -> None:
        """Forget it."""

    def connection_checked_out(self, event: ConnectionCheckedOutEvent) -> None:
        """Forget it."""

    def connection_checked_in(self, event: ConnectionCheckedInEvent) -> None:
        """Forget it."""


class PoolWatch(_Listener):
    """Knows which connections there are and which are in use.

    Sets instead of numbers: adding to one cannot go wrong, whichever thread does it.
    """

    def __init__(self) -> None:
        self._open: set[_Connection] = set()
        self._in_use: set[_Connection] = set()

    @property
    def in_use(self) -> int:
        """How many connections work for somebody."""
        return len(self._in_use)

    @property
    def idle(self) -> int:
        """How many connections wait for somebody."""
        return max(0, len(self._open) - len(self._in_use))

    def connection_created(self, event: ConnectionCreatedEvent) -> None:
        """Remember."""
        self._open.add((event.address, event.connection_id))

    def connection_closed(self, event: ConnectionClosedEvent) -> None:
        """Forget."""
        self._open.discard((event.address, event.connection_id))
        self._in_use.discard((event.address, event.connection_id))

    def connection_checked_out(self, event: ConnectionCheckedOutEvent) -> None:
        """Remember."""
        self._in_use.add((event.address, event.connection_id))

    def connection_checked_in(self, event: ConnectionCheckedInEvent) -> None:
        """Forget."""
        self._in_use.discard((event.address, event.connection_id))


class Attempt:
    """Database calls of one thread; `connected` once one of them had a connection to send it on."""

    __slots__ = ("connected",)

    def __init__(self) -> None:
        self.connected = False


_attempt: ContextVar[Attempt | None] = ContextVar("attempt", default=None)


@contextmanager
def attempting() -> Iterator[Attempt]:
    """Watch the database calls inside the block."""
    outer, attempt = _attempt.get(), Attempt()
    token = _attempt.set(attempt)
    try:
        yield attempt
    finally:
        _attempt.reset(token)
        if outer is not None and attempt.connected:
            outer.connected = True


class AttemptWatch(_Listener):
    """Tells whoever is `attempting` that there was a connection."""

    def connection_checked_out(self, _: ConnectionCheckedOutEvent) -> None:
        """Tell."""
        attempt = _attempt.get()
        if attempt is not None:
            attempt.connected = True
