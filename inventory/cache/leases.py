"""Leases in Redis: of the processes that miss a value one loads it, and the others wait for it.

A lease runs out by itself, so nobody waits long for a process that died.
"""

import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from redis import Redis

from inventory import limits
from inventory.cache.connection import Connection, Unreachable
from inventory.cache.values import EPOCH, Versioned, is_epoch, parse

# KEYS: leases. ARGV: the token of each.
_RELEASE = """
for i = 1, #KEYS do
  if redis.call('GET', KEYS[i]) == ARGV[i] then redis.call('DEL', KEYS[i]) end
end
"""


@dataclass(frozen=True, slots=True)
class Lease:
    """The task to load the value of a key; without a token nobody was asked for it."""

    key: str
    token: bytes


class Leases:
    """The tasks to load values; every method is safe to call whatever state Redis is in."""

    def __init__(self, connection: Connection, trust: Callable[[], None]) -> None:
        """`trust` makes what Redis holds believable, or raises `Unreachable`."""
        self._connection = connection
        self._trust = trust

    def await_or_take(self, key: str) -> Versioned | Lease:
        """Return the value of `key`, or the task to load it, which nobody else has got by then.

        Waits for whoever is loading it, but no longer than `limits.LEASE_WAIT_SECONDS_MAX`.
        """
        until = time.monotonic() + limits.LEASE_WAIT_SECONDS_MAX
        while True:
            known, leases = self.take([key])
            if found := known.get(key) or leases.get(key):
                return found
            if time.monotonic() > until:
                return Lease(key, b"")
            time.sleep(limits.LEASE_POLL_SECONDS)

    def take(self, keys: Sequence[str]) -> tuple[dict[str, Versioned], dict[str, Lease]]:
        """Return what is known of `keys`, and the tasks to load others of them.

        The rest is being loaded by others.
        """
        token = secrets.token_hex(8).encode()
        milliseconds = int(limits.LEASE_SECONDS * 1000)

        def ask(client: Redis) -> list[Any]:
            with client.pipeline(transaction=False) as pipe:
                pipe.mget([EPOCH, *keys])
                for key in keys:
                    pipe.set(_lease(key), token, px=milliseconds, nx=True)
                return pipe.execute()

        try:
            self._trust()
            (epoch, *values), *leased = self._connection.call(ask)
        except Unreachable:
            return {}, {key: Lease(key, b"") for key in keys}
        known: dict[str, Versioned] = {}
        if is_epoch(epoch):
            parsed = ((key, parse(held, epoch)) for key, held in zip(keys, values, strict=True))
            known = {key: value for key, value in parsed if value is not None}
        leases = {k: Lease(k, token) for k, got in zip(keys, leased, strict=True) if got}
        self.release([lease for key, lease in leases.items() if key in known])
        return known, {key: lease for key, lease in leases.items() if key not in known}

    def release(self, leases: Iterable[Lease]) -> None:
        """Let others load these values again; a lease that ran out meanwhile is another's."""
        tokens = {_lease(lease.key): lease.token for lease in leases if lease.token}
        if tokens:
            with suppress(Unreachable):
                self._connection.call(
                    lambda client: client.eval(_RELEASE, len(tokens), *tokens, *tokens.values())
                )


def _lease(key: str) -> str:
    return f"{key}:lease"
