"""What a worker writes to a connection: each response at once, however it is made."""

import json
import socket
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from inventory import limits
from inventory.unread import write_error
from inventory.worker import Arriving, OneWriteResponse, WholeBodies


class Wire:
    """A connection that remembers each write, and takes up to `room` bytes with the first."""

    def __init__(self, room: int) -> None:
        self.written: list[bytes] = []
        self._room = room

    def send(self, data: bytes) -> int:
        """Take as much as there is room for."""
        self.written.append(data[: self._room])
        return len(self.written[-1])

    def sendall(self, data: bytes) -> None:
        """Take what is written."""
        self.written.append(data)


def respond(
    method: str,
    status: str,
    headers: list[tuple[str, str]],
    *parts: bytes,
    room: int = 65536,
) -> list[bytes]:
    """Answer a request as gunicorn does; return the writes."""
    wire = Wire(room)
    asked = SimpleNamespace(method=method, version=(1, 1), should_close=lambda: False)
    response: Any = OneWriteResponse(asked, wire, SimpleNamespace(protocol="http"))
    response.start_response(status, headers)
    for part in parts:
        response.write(part)
    response.close()
    return wire.written


def test_headers_and_body_leave_together() -> None:
    """A whole response is one write."""
    (sent,) = respond("GET", "200 OK", [("Content-Length", "4")], b"body")
    head, _, body = sent.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 200 OK"
    assert {b"Connection: keep-alive", b"Content-Length: 4"} <= set(lines)
    assert any(line.startswith(b"Date: ") and line.endswith(b" GMT") for line in lines)
    assert body == b"body"


def test_what_the_socket_does_not_take_at_once_follows() -> None:
    """Nothing is lost where a socket has less room than the response needs."""
    first, rest = respond("GET", "200 OK", [("Content-Length", "400")], b"b" * 400, room=150)
    assert len(first) == 150
    assert (first + rest).endswith(b"\r\n\r\n" + b"b" * 400)


@pytest.mark.parametrize(
    "method,status,headers",
    [
        ("GET", "304 Not Modified", []),
        ("DELETE", "204 No Content", []),
        ("HEAD", "200 OK", [("Content-Length", "4")]),
        ("GET", "200 OK", [("Content-Length", "0")]),
    ],
)
def test_headers_without_a_body_leave_alone(
    method: str, status: str, headers: list[tuple[str, str]]
) -> None:
    """Where there is no body, the headers are written all the same, and once."""
    (sent,) = respond(method, status, headers)
    assert sent.endswith(b"\r\n\r\n")
    assert sent.startswith(f"HTTP/1.1 {status}".encode())


def test_a_body_of_unknown_length_is_chunked() -> None:
    """Each part is a chunk, the first of them behind the headers; an empty chunk ends it."""
    first, second, end = respond("GET", "200 OK", [], b"one", b"three")
    assert b"Transfer-Encoding: chunked" in first
    assert first.endswith(b"\r\n\r\n3\r\none\r\n")
    assert (second, end) == (b"5\r\nthree\r\n", b"0\r\n\r\n")


@pytest.mark.parametrize("status,reason,title,code", [
    (400, "Bad Request", "Bad Request", "bad_request"),
    (414, "URI Too Long", "URI Too Long", "uri_too_long"),
    (500, "Bad Request", "Internal Server Error", "internal_server_error"),
    (501, "Bad Request", "Not Implemented", "not_implemented"),
])  # fmt: skip
def test_what_is_no_http_is_a_problem(status: int, reason: str, title: str, code: str) -> None:
    """A refusal by gunicorn itself has the form of all others, and none of the client's words."""
    ours, clients = socket.socketpair()
    with ours, clients:
        write_error(ours, status, reason, "Invalid header: secret")
        head, _, body = clients.recv(65_536).partition(b"\r\n\r\n")
    problem = json.loads(body)
    assert head.startswith(f"HTTP/1.1 {status} {title}\r\n".encode())
    assert b"Content-Type: application/problem+json" in head
    assert f"X-Request-ID: {problem['request_id']}".encode() in head
    assert (problem["status"], problem["title"], problem["code"]) == (status, title, code)
    assert b"secret" not in head + body


class Dribble:
    """A body that comes in pieces, and then not at all."""

    failed = False

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = list(pieces)

    def read(self, _: int) -> bytes:
        """Return the next piece; wait for ever where there is none."""
        if not self._pieces:
            gevent.sleep(60)
        return self._pieces.pop(0)


def test_an_import_is_read_by_the_service() -> None:
    """The worker holds nothing of its body: whoever it belongs to reads it piece by piece."""
    body = Dribble(b"one", b"two", b"")
    seen: list[Any] = []
    whole = WholeBodies(lambda environ, _: seen.append(environ["wsgi.input"]))
    whole({"PATH_INFO": limits.IMPORT_PATH, "wsgi.input": body}, None)
    assert [seen[0].read(9) for _ in range(3)] == [b"one", b"two", b""]


def test_a_body_that_never_ends_is_lost() -> None:
    """Nobody knows where the next request would begin, so the connection is not used again."""
    body = Dribble()
    with pytest.raises(TimeoutError):
        Arriving(body, 0.01).read(9)
    assert body.failed
