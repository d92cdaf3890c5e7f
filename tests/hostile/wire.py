"""Sends bytes as they are, and reads what comes back until the connection is closed."""

import json
import socket
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from inventory.local.servers import LOOPBACK

SECONDS_MAX = 30.0
_SYNC = "/api/in-sync/"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of those that came over a connection."""

    status: int
    head: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message: the answers to it, and whether the next request was understood.

    A connection that was closed instead is not in sync, which is just as safe.
    """

    replies: tuple[Reply, ...]
    in_sync: bool

    @property
    def statuses(self) -> tuple[int, ...]:
        """The status of each answer."""
        return tuple(reply.status for reply in self.replies)


def deliver(port: int, data: bytes) -> Outcome:
    """Send bytes and, right behind them, a request that tells whether the two sides agree."""
    target = f"{_SYNC}{uuid.uuid4()}"
    probe = f"GET {target} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n".encode()
    replies = tuple(_replies(_exchange(port, data + probe), data.startswith(b"HEAD")))
    answers_probe = bool(replies) and _instance(replies[-1]) == target
    return Outcome(replies[:-1] if answers_probe else replies, answers_probe)


def _exchange(port: int, data: bytes) -> bytes:
    received = b""
    with socket.create_connection((LOOPBACK, port), timeout=SECONDS_MAX) as connection:
        # Who has heard enough closes before all is sent; what was answered by then may be lost.
        with suppress(ConnectionError):
            connection.sendall(data)
        with suppress(ConnectionError):
            while part := connection.recv(65_536):
                received += part
    return received


def _replies(stream: bytes, without_body: bool) -> Iterator[Reply]:
    while stream:
        head, _, stream = stream.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1."):
            # What HTTP was before it had versions: an answer without a head.
            yield Reply(json.loads(head)["status"], b"", head)
            return
        status = int(head.split(b" ", 2)[1])
        names = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        length = int(names.get(b"content-length", b"0"))
        if without_body or status in (204, 304) or status < 200:
            length = 0
        without_body = False
        assert len(stream) >= length, head
        yield Reply(status, head, stream[:length])
        stream = stream[length:]


def _instance(reply: Reply) -> object:
    try:
        return json.loads(reply.body)["instance"]
    except (ValueError, KeyError, TypeError):
        return None
