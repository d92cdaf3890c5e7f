"""Connects to addresses that were looked at, and to no others, for no longer than is allowed.

A name is looked up once for each attempt. Every address that it has must be allowed, and one of
these very addresses is connected to, so nobody can say one thing to whoever checks and another to
whoever connects. Nothing of the environment is asked: no proxy, no file with passwords.
"""

import http.client
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from threading import Lock, Timer

from inventory import limits
from inventory.domain import targets
from inventory.domain.targets import Address, Networks, Target

Resolve = Callable[[str, int], Sequence[Address]]


class NameNotFound(OSError):
    """No address is known for a name."""


def look_up(name: str, port: int) -> list[Address]:
    """Return all addresses of a name; raise `NameNotFound`."""
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NameNotFound(name) from error
    return list(dict.fromkeys(ip_address(place[4][0]) for place in found))


class Connection(http.client.HTTPConnection):
    """One connection to one of some allowed addresses, which another thread can cut off."""

    def __init__(
        self, target: Target, addresses: Sequence[Address], tls: ssl.SSLContext | None
    ) -> None:
        super().__init__(target.host, target.port)
        self._addresses = addresses
        self._tls = tls
        self._wire: socket.socket | None = None
        self.address: Address | None = None
        self.was_cut = False
        self.used_at = 0.0

    def connect(self) -> None:
        """Connect to the first of the addresses that can be reached, never to another one."""
        wire = self._reach()
        self._wire = wire
        if self.was_cut:
            raise TimeoutError
        # The wire itself stays in our hands: to wrap a socket is to take it from whoever has it.
        self.sock = wire.dup()
        self.sock.settimeout(limits.WEBHOOK_SEND_SECONDS)
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self.host)

    def _reach(self) -> socket.socket:
        last: OSError = NameNotFound(self.host)
        for address in self._addresses[: limits.WEBHOOK_ADDRESSES_MAX]:
            if self.was_cut:
                break
            place = (str(address), self.port)
            try:
                wire = socket.create_connection(place, limits.WEBHOOK_CONNECT_SECONDS)
            except OSError as error:
                last = error
            else:
                wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.address = address
                return wire
        raise last

    def cut(self) -> None:
        """Make whatever waits for this connection fail at once."""
        self.was_cut = True
        if (wire := self._wire) is not None:
            with suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)

    def is_open(self) -> bool:
        """Tell whether the other side has neither ended it nor said what nobody asked for."""
        if self.sock is None or self._wire is None or self.was_cut:
            return False
        looking = select.poll()
        looking.register(self._wire, select.POLLIN)
        return not looking.poll(0)

    def close(self) -> None:
        """End it."""
        super().close()
        if (wire := self._wire) is not None:
            wire.close()
            self._wire = None


class Connections:
    """Makes connections, and keeps for a few seconds those that are good for another message."""

    def __init__(
        self,
        networks: Networks,
        resolve: Resolve = look_up,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._networks = networks
        self._resolve = resolve
        self._tls = tls or ssl.create_default_context()
        self._idle: dict[tuple[str, str], list[Connection]] = {}
        self._lock = Lock()

    def find(self, url: str) -> tuple[Target, Sequence[Address]]:
        """Return where a URL leads now; raise `TargetRefused` or `NameNotFound`."""
        target = targets.parse(url, self._networks)
        if target.address is not None:
            return target, [target.address]
        addresses = self._resolve(target.host, target.port)
        if not addresses:
            raise NameNotFound(target.host)
        targets.check(addresses, target.scheme, self._networks)
        return target, addresses

    @contextmanager
    def connected(
        self, target: Target, addresses: Sequence[Address], seconds: float
    ) -> Iterator[Connection]:
        """Yield a connection to one of the addresses that lasts for `seconds` and no longer."""
        connection = self._reused(target, addresses) or Connection(
            target, addresses, self._tls if target.scheme == "https" else None
        )
        timer = Timer(seconds, connection.cut)
        timer.daemon = True
        timer.start()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        finally:
            timer.cancel()
        self._keep(target, connection)

    def _reused(self, target: Target, addresses: Sequence[Address]) -> Connection | None:
        """Return an open connection to what was just checked, if there is one."""
        with self._lock:
            idle = self._idle.pop((target.scheme, target.place), [])
        found: Connection | None = None
        fresh = time.monotonic() - limits.WEBHOOK_IDLE_SECONDS
        for connection in idle:
            good = connection.used_at > fresh and connection.address in addresses
            if good and connection.is_open():
                if found is None:
                    found = connection
                else:
                    self._put(target, connection)
            else:
                connection.close()
        return found

    def _keep(self, target: Target, connection: Connection) -> None:
        connection.used_at = time.monotonic()
        if connection.is_open():
            self._put(target, connection)
        else:
            connection.close()

    def _put(self, target: Target, connection: Connection) -> None:
        with self._lock:
            kept = self._idle.setdefault((target.scheme, target.place), [])
            kept.append(connection)
            surplus = kept.pop(0) if len(kept) > limits.WEBHOOK_LANES else None
        if surplus is not None:
            surplus.close()

    def close(self) -> None:
        """Close what is kept."""
        with self._lock:
            idle, self._idle = self._idle, {}
        for kept in idle.values():
            for connection in kept:
                connection.close()
