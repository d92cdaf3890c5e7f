"""The open loop: requests are sent at fixed times, however long the answers to others take.

One thread, raw sockets. A request takes the connection that has been free the longest; where none
is free it opens a new one, up to a maximum, and beyond that waits for the next to become free.
Latency counts from the time at which it was to be sent, so no wait is hidden; the timer's grain of
a millisecond is in it as well. Knows as much of HTTP/1.1 as gunicorn answers.
"""

import random
import select
import socket
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, repeat

from loadtests.figures import percentile

CONNECTIONS_MAX = 2_000
ANSWER_SECONDS_MAX = 10.0
READ_BYTES = 65_536
END_OF_HEADERS = b"\r\n\r\n"
CONTENT_LENGTH = b"content-length:"
REFUSALS = (429, 503)
# The system chooses one.
ANY_ADDRESS = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """What came back; latencies in milliseconds by status, ascending.

    `goodput` are the 2xx a second that came while requests were still being sent. `unheard` are
    requests of which nobody knows whether they were carried out.
    """

    scheduled: int
    latencies: Mapping[int, Sequence[float]]
    goodput: float
    unheard: int
    without_retry_after: int
    connections: int
    own_cpu_seconds: float

    @property
    def succeeded(self) -> int:
        """Return how many answers were 2xx."""
        return sum(len(found) for status, found in self.latencies.items() if status // 100 == 2)

    @property
    def refused(self) -> Sequence[float]:
        """Return the latencies of the refusals, ascending."""
        return sorted(ms for status in REFUSALS for ms in self.latencies.get(status, ()))

    def latency(self, share: float) -> float:
        """Return the latency that `share` of the 2xx did not exceed."""
        good = (found for status, found in self.latencies.items() if status // 100 == 2)
        return percentile(sorted(ms for found in good for ms in found), share)


def schedule(rate: float, seconds: float, seed: int) -> list[float]:
    """Return when to send, in seconds from the beginning: `rate` a second, each a little off.

    Every interval of 1/rate has one request, at a random point of it that follows from `seed`.
    """
    chance = random.Random(seed)  # nosec B311 # jitter, not a secret
    return [(number + chance.random()) / rate for number in range(round(rate * seconds))]


def run(
    host: str,
    port: int,
    request: bytes | Iterator[bytes],
    times: Sequence[float],
    connections_max: int = CONNECTIONS_MAX,
    addresses: Sequence[str] = (ANY_ADDRESS,),
) -> Answers:
    """Send `request`, or the next one, at each of `times`, by turns from each of `addresses`.

    Waits for the answers, `ANSWER_SECONDS_MAX` at most.
    """
    cpu_began = time.process_time()
    requests = repeat(request) if isinstance(request, bytes) else request
    work = _OpenLoop(host, port, requests, times, connections_max, addresses)
    try:
        work.run()
    finally:
        work.close()
    return Answers(
        scheduled=len(times),
        latencies={status: sorted(found) for status, found in work.latencies.items()},
        goodput=work.good_in_time / times[-1],
        unheard=work.unheard + len(times) - work.settled,
        without_retry_after=work.without_retry_after,
        connections=work.opened,
        own_cpu_seconds=time.process_time() - cpu_began,
    )


class _Connection:
    __slots__ = ("busy", "due", "received", "socket")

    def __init__(self, due: float) -> None:
        self.socket = socket.socket()
        self.due = due
        self.busy = True
        self.received = b""


class _OpenLoop:
    def __init__(
        self,
        host: str,
        port: int,
        requests: Iterator[bytes],
        times: Sequence[float],
        connections_max: int,
        addresses: Sequence[str],
    ) -> None:
        self._address = (host, port)
        self._requests = requests
        self._times = times
        self._connections_max = connections_max
        self._addresses = cycle(addresses)
        self._poll = select.epoll()
        self._connections: dict[int, _Connection] = {}
        self._free: deque[_Connection] = deque()
        self._waiting: deque[float] = deque()
        self._began = time.perf_counter()
        self.latencies: defaultdict[int, list[float]] = defaultdict(list)
        self.settled = self.good_in_time = self.opened = 0
        self.unheard = self.without_retry_after = 0

    def run(self) -> None:
        times, sent = self._times, 0
        last = times[-1] + ANSWER_SECONDS_MAX
        while self.settled < len(times):
            now = time.perf_counter() - self._began
            while sent < len(times) and times[sent] <= now:
                self._begin(times[sent])
                sent += 1
            if now > last:
                return
            until = times[sent] if sent < len(times) else last
            for descriptor, event in self._poll.poll(max(0.0, until - now)):
                # Another one of the same batch may have found it closed.
                if (connection := self._connections.get(descriptor)) is not None:
                    self._go_on(connection, event)

    def close(self) -> None:
        for connection in self._connections.values():
            connection.socket.close()
        self._poll.close()

    def _begin(self, due: float) -> None:
        if self._free:
            self._send(self._free.popleft(), due)
        elif len(self._connections) < self._connections_max:
            self._connect(due)
        else:
            self._waiting.append(due)

    def _connect(self, due: float) -> None:
        connection = _Connection(due)
        connection.socket.setblocking(False)
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.socket.bind((next(self._addresses), 0))
        connection.socket.connect_ex(self._address)
        descriptor = connection.socket.fileno()
        self._connections[descriptor] = connection
        self._poll.register(descriptor, select.EPOLLOUT)
        self.opened += 1

    def _send(self, connection: _Connection, due: float) -> None:
        connection.due, connection.busy, connection.received = due, True, b""
        try:
            # So few bytes fit into the buffer of a connection on which nothing is under way.
            connection.socket.sendall(next(self._requests))
        except OSError:
            self._drop(connection)

    def _go_on(self, connection: _Connection, event: int) -> None:
        if event & select.EPOLLOUT and not event & (select.EPOLLERR | select.EPOLLHUP):
            self._poll.modify(connection.socket.fileno(), select.EPOLLIN)
            self._send(connection, connection.due)
            return
        try:
            data = connection.socket.recv(READ_BYTES)
        except BlockingIOError:
            # The event was that of a connection that had this descriptor before.
            return
        except OSError:
            data = b""
        if not data:
            self._drop(connection)
            return
        connection.received += data
        self._read(connection)

    def _read(self, connection: _Connection) -> None:
        """Look whether the answer is complete; if so, count it and let the next one go."""
        head, found, body = connection.received.partition(END_OF_HEADERS)
        if not found:
            return
        head = head.lower()
        length = head.partition(CONTENT_LENGTH)[2].partition(b"\r")[0]
        if len(body) < int(length):
            return
        self._count(connection, int(head[9:12]), head, body)
        connection.busy = False
        if b"connection: close" in head:
            self._drop(connection)
        elif self._waiting:
            self._send(connection, self._waiting.popleft())
        else:
            self._free.append(connection)

    def _count(self, connection: _Connection, status: int, head: bytes, body: bytes) -> None:
        now = time.perf_counter() - self._began
        self.settled += 1
        self.latencies[status].append((now - connection.due) * 1000)
        if status // 100 == 2:
            self.good_in_time += now <= self._times[-1]
        elif status in REFUSALS:
            self.without_retry_after += b"retry-after:" not in head
            self.unheard += b"outcome_unknown" in body

    def _drop(self, connection: _Connection) -> None:
        """Let go of a connection that is closed; what was under way on it stays unheard of."""
        del self._connections[connection.socket.fileno()]
        connection.socket.close()
        if connection.busy:
            self.settled += 1
            self.unheard += 1
        elif connection in self._free:
            self._free.remove(connection)
        if self._waiting:
            self._begin(self._waiting.popleft())


def purchase_request(host: str, port: int, product_id: str) -> bytes:
    """Return the bytes of a purchase of one unit."""
    return request_to(host, port, f"/api/products/{product_id}/purchase", b'{"quantity": 1}')


def request_to(
    host: str, port: int, path: str, body: bytes | None = None, key: str | None = None
) -> bytes:
    """Return the bytes of a request: a POST of JSON with an idempotency key, or without; a GET."""
    lines = [f"{'GET' if body is None else 'POST'} {path} HTTP/1.1", f"Host: {host}:{port}"]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    if key is not None:
        lines.append(f"Idempotency-Key: {key}")
    return "\r\n".join(lines).encode() + END_OF_HEADERS + (body or b"")
