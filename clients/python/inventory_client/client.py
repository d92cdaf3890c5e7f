"""The client that programs hold: one pool of connections, and every operation on it."""

from types import TracebackType
from typing import Final, Self

from inventory_client.operations import Operations
from inventory_client.retrying import Caller, Patience
from inventory_client.transport import Connections

_AGENT: Final = "inventory-client-python"


class InventoryClient(Operations):
    """A client of the service at `url`, with an API key where the service wants one.

    Safe to be used from many threads at once; so many connections are kept open for the next calls.
    After a fork each process needs a client of its own.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        patience: Patience | None = None,
        connections_kept: int = 32,
    ) -> None:
        transport = Connections(url, key, _AGENT, connections_kept)
        super().__init__(Caller(transport, patience or Patience()))

    def close(self) -> None:
        """Close all connections."""
        self._caller.transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
