"""A generator that costs next to nothing: one thread, raw sockets, one request at a time on each.

Every connection sends its next request as soon as the answer to the last one is complete (a closed
loop), so the rate is what the service makes of it. Knows as much of HTTP/1.1 as gunicorn answers:
a status line and a Content-Length.
"""

import selectors
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from loadtests.figures import percentile

ANSWER_SECONDS_MAX = 10.0
READ_BYTES = 65_536
END_OF_HEADERS = b"\r\n\r\n"
CONTENT_LENGTH = b"content-length:"


class HammerError(Exception):
    """The service does not answer as a service under load should."""


@dataclass(slots=True)
class Burst:
    """What came back in a while; latencies in milliseconds, ascending."""

    seconds: float
    statuses: Counter[int]
    latencies: list[float]
    own_cpu_seconds: float

    @property
    def answers(self) -> int:
        """Return how many requests were answered."""
        return len(self.latencies)

    @property
    def rate(self) -> float:
        """Return the answers a second."""
        return self.answers / self.seconds

    def latency(self, share: float) -> float:
        """Return the latency that `share` of the requests did not exceed."""
        return percentile(self.latencies, share)


@dataclass(slots=True)
class _Connection:
    socket: socket.socket
    sent_at: float = 0.0
    received: bytearray = field(default_factory=bytearray)

    def send(self, request: bytes) -> None:
        self.sent_at = time.perf_counter()
        self.received.clear()
        self.socket.sendall(request)

    def receive(self) -> int | None:
        """Take what has arrived; return the status once the answer is complete."""
        data = self.socket.recv(READ_BYTES)
        if not data:
            raise HammerError("The service closed a connection.")
        self.received += data
        end = self.received.find(END_OF_HEADERS)
        if end < 0:
            return None
        head = bytes(self.received[:end]).lower()
        _, found, length = head.partition(CONTENT_LENGTH)
        if not found:
            raise HammerError(f"An answer without Content-Length: {head.decode('latin-1')}")
        if len(self.received) < end + len(END_OF_HEADERS) + int(length.partition(b"\r")[0]):
            return None
        return int(head[9:12])


class _Hammer:
    def __init__(self, until: float, request: Callable[[], bytes]) -> None:
        self._until = until
        self._request = request
        self._selector = selectors.DefaultSelector()
        self.statuses: Counter[int] = Counter()
        self.latencies: list[float] = []

    def run(self, host: str, port: int, connections: int) -> None:
        with self._selector:
            try:
                for _ in range(connections):
                    self._connect(host, port)
                while self._selector.get_map():
                    self._await_answers()
            finally:
                for key in list(self._selector.get_map().values()):
                    key.data.socket.close()

    def _connect(self, host: str, port: int) -> None:
        connection = _Connection(socket.create_connection((host, port), ANSWER_SECONDS_MAX))
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(connection.socket, selectors.EVENT_READ, connection)
        connection.send(self._request())

    def _await_answers(self) -> None:
        ready = self._selector.select(ANSWER_SECONDS_MAX)
        if not ready:
            raise HammerError(f"No answer within {ANSWER_SECONDS_MAX:.0f} s.")
        for key, _ in ready:
            connection: _Connection = key.data
            status = connection.receive()
            if status is None:
                continue
            now = time.perf_counter()
            self.statuses[status] += 1
            self.latencies.append((now - connection.sent_at) * 1000)
            if now < self._until:
                connection.send(self._request())
            else:
                self._selector.unregister(connection.socket)
                connection.socket.close()


def hammer(
    host: str, port: int, connections: int, seconds: float, request: Callable[[], bytes]
) -> Burst:
    """Keep `connections` busy for `seconds` with what `request` returns, then await the rest.

    Every request that was sent was answered when this returns. Raises `HammerError` if one is not.
    """
    began, cpu_began = time.perf_counter(), time.process_time()
    work = _Hammer(began + seconds, request)
    work.run(host, port, connections)
    return Burst(
        time.perf_counter() - began,
        work.statuses,
        sorted(work.latencies),
        time.process_time() - cpu_began,
    )


def purchase_request(host: str, port: int, path: str, headers: dict[str, str]) -> bytes:
    """Return the bytes of a purchase of one unit."""
    body = b'{"quantity": 1}'
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {host}:{port}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + END_OF_HEADERS + body
