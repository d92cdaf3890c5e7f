"""How the connections to MongoDB are used, as the driver tells it.

The driver's events of connections cost 3 us for each operation; those of its commands, which would
also tell times, ten times as much.
"""

from typing import Any

from pymongo.monitoring import (
    ConnectionCheckedInEvent,
    ConnectionCheckedOutEvent,
    ConnectionClosedEvent,
    ConnectionCreatedEvent,
    ConnectionPoolListener,
)

_Connection = tuple[Any, int]


class PoolWatch(ConnectionPoolListener):
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

    # The others tell all that is to be known.
    def pool_created(self, event: object) -> None:
        """Forget it."""

    def pool_ready(self, event: object) -> None:
        """Forget it."""

    def pool_cleared(self, event: object) -> None:
        """Forget it."""

    def pool_closed(self, event: object) -> None:
        """Forget it."""

    def connection_ready(self, event: object) -> None:
        """Forget it."""

    def connection_check_out_started(self, event: object) -> None:
        """Forget it."""

    def connection_check_out_failed(self, event: object) -> None:
        """Forget it."""
