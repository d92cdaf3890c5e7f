"""One message on its way: where it may go, how long it may take, what counts as taken."""

import gzip
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from inventory import limits
from inventory.domain.targets import Address, Networks
from inventory.local.servers import LOOPBACK
from inventory.webhooks.connecting import Connections, Resolve, look_up
from inventory.webhooks.sending import Answer, Sender
from tests.integration.processes import eventually
from tests.integration.webhook_lines import Line, Serve, answering, dribbling, whole_request
from tests.integration.webhook_receivers import Receiver

HERE = ip_address(LOOPBACK)
NETWORKS = (ip_network("127.0.0.0/8"),)
# Whoever has it can pretend to be hooks.example, which nobody is.
CERTIFICATE = Path(__file__).with_name("hooks.example.pem")

MakeSender = Callable[..., Sender]


@pytest.fixture(name="line")
def _line() -> Iterator[Callable[..., Line]]:
    started: list[Line] = []

    def start(serve: Serve, tls: ssl.SSLContext | None = None) -> Line:
        started.append(Line(serve, tls))
        return started[-1]

    yield start
    for line in started:
        line.stop()


@pytest.fixture(name="sender")
def _sender() -> Iterator[MakeSender]:
    """Make senders that may go to this machine, unless told otherwise."""
    with ExitStack() as stack:

        def make(
            seconds: float = 3.0,
            networks: Networks = NETWORKS,
            resolve: Resolve = look_up,
            tls: ssl.SSLContext | None = None,
        ) -> Sender:
            made = Sender(Connections(networks, resolve, tls), seconds)
            stack.callback(made.close)
            return made

        yield make


def send(url: str, sender: Sender, body: str = "{}") -> Answer:
    """Send a message and return what is answered."""
    answer = sender.send(url, body, lambda: {"webhook-id": "1"}, lambda: True)
    assert answer is not None
    return answer


def resolving(*addresses: str) -> Callable[[str, int], Sequence[Address]]:
    """Return a resolver that knows these addresses for every name."""
    return lambda name, port: [ip_address(address) for address in addresses]


OK = b"HTTP/1.1 204 No Content\r\n\r\n"


@pytest.mark.parametrize(
    "reply,status,excerpt",
    [
        (OK, 204, ""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine", 200, "fine"),
        (b"HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\na\x00\x1b[31m\xffb", 500, "a??[31m?b"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + b"x" * 9_000, 200, "x" * 500),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", 200, "x"),
    ],
)
def test_answers(
    line: Callable[..., Line], reply: bytes, status: int, excerpt: str, sender: MakeSender
) -> None:
    """The status counts, and the beginning of the body is kept as harmless text."""
    answer = send(f"http://{LOOPBACK}:{line(answering(reply)).port}/", sender())
    assert (answer.status, answer.failure) == (status, None)
    assert answer.excerpt.replace("\ufffd", "?") == excerpt


def test_a_packed_body_is_left_packed(line: Callable[..., Line], sender: MakeSender) -> None:
    """Nothing is unpacked, so nothing can be larger than it came."""
    packed = gzip.compress(b"0" * 10**6)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    answer = send(f"http://{LOOPBACK}:{line(answering(head.encode() + packed)).port}/", sender())
    assert len(answer.excerpt) <= limits.WEBHOOK_EXCERPT_CHARACTERS_MAX
    assert "000000" not in answer.excerpt


def test_no_redirect_is_followed(line: Callable[..., Line], sender: MakeSender) -> None:
    """Wherever an answer points to, nothing is sent there, and the message was not taken."""
    other = line(answering(OK))
    where = f"http://{LOOPBACK}:{other.port}/"
    reply = f"HTTP/1.1 307 Moved\r\nLocation: {where}\r\nContent-Length: 0\r\n\r\n"
    assert (
        send(f"http://{LOOPBACK}:{line(answering(reply.encode())).port}/", sender()).status == 307
    )
    assert other.connections == 0


@pytest.mark.parametrize(
    "serve",
    [
        dribbling(b"", b""),
        dribbling(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
        dribbling(b"HTTP/1.1 2", b"0"),
        dribbling(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["silence", "headers", "status", "continue"],
)
def test_whoever_answers_slowly_is_cut_off(
    line: Callable[..., Line], serve: Serve, sender: MakeSender
) -> None:
    """An attempt ends in its time, however the other side keeps it busy."""
    answer = send(f"http://{LOOPBACK}:{line(serve).port}/", sender(0.3))
    assert answer.status is None
    assert answer.failure in ("timed_out", "invalid_answer")
    assert answer.duration_ms < 5_000


def test_a_body_without_end_is_not_waited_for(
    line: Callable[..., Line], sender: MakeSender
) -> None:
    """What was answered in time counts, even if the body never ends."""
    serve = dribbling(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b"x")
    answer = send(f"http://{LOOPBACK}:{line(serve).port}/", sender(1.5))
    assert (answer.status, answer.duration_ms < 5_000) == (200, True)


@pytest.mark.parametrize(
    "reply,failure",
    [
        (b"", "connection_failed"),
        (b"rubbish\r\n\r\n", "invalid_answer"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", "invalid_answer"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000, "invalid_answer"),
    ],
    ids=["nothing", "rubbish", "many", "long"],
)
def test_what_is_no_answer(
    line: Callable[..., Line], reply: bytes, failure: str, sender: MakeSender
) -> None:
    """Who answers with what is no HTTP has not taken the message."""

    def serve(connection: socket.socket) -> None:
        whole_request(connection)
        connection.sendall(reply)

    answer = send(f"http://{LOOPBACK}:{line(serve).port}/", sender())
    assert (answer.status, answer.failure) == (None, failure)


def test_who_is_not_there(sender: MakeSender) -> None:
    """A closed port and a name without an address are failures of their own."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
    assert send(f"http://{LOOPBACK}:{port}/", sender()).failure == "connection_failed"
    unknown = sender(resolve=lambda *_: look_up("a..invalid", 80))
    assert send("http://nowhere.example/", unknown).failure == "name_not_found"
    nothing = sender(resolve=resolving())
    assert send("http://nowhere.example/", nothing).failure == "name_not_found"


@pytest.mark.parametrize(
    "addresses",
    [
        ("10.0.0.1",), ("1.1.1.1", "10.0.0.1"), ("169.254.169.254",), ("::1",),
        ("::ffff:10.0.0.1",), ("64:ff9b::a9fe:a9fe",), ("fe80::1",), ("0.0.0.1",), ("224.0.0.1",),
        ("168.63.129.16",), ("2002:a00:1::",),
    ],
    ids=str,
)  # fmt: skip
def test_names_that_lead_inside(addresses: tuple[str, ...], sender: MakeSender) -> None:
    """A name of which one address is not public is not connected to at all."""
    answer = send("https://shop.example/", sender(0.2, (), resolving(*addresses)))
    assert (answer.status, answer.failure) == (None, "address_not_allowed")
    assert "public address" in answer.excerpt


def test_a_name_that_changes_its_mind(line: Callable[..., Line], sender: MakeSender) -> None:
    """A name is asked once an attempt, and what was checked is what is connected to."""
    inside = line(answering(OK))
    asked: list[str] = []

    def rebinding(name: str, port: int) -> Sequence[Address]:
        asked.append(name)
        # Public for whoever checks, inside for whoever would ask again to connect.
        return [ip_address("192.0.2.9" if len(asked) > 1 else "127.0.0.2")]

    rebound = sender(5.0, (ip_network("127.0.0.2/32"),), rebinding)
    answer = send(f"http://shop.example:{inside.port}/", rebound)
    assert asked == ["shop.example"]
    assert answer.failure == "connection_failed", "nobody listens at the address that was checked"
    assert send(f"http://shop.example:{inside.port}/", rebound).failure == "address_not_allowed"
    assert inside.connections == 0


def test_the_environment_is_not_asked(
    line: Callable[..., Line], monkeypatch: pytest.MonkeyPatch, sender: MakeSender
) -> None:
    """No proxy that the environment names gets to see anything."""
    proxy, endpoint = line(answering(OK)), line(answering(OK))
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://{LOOPBACK}:{proxy.port}")
    assert send(f"http://{LOOPBACK}:{endpoint.port}/", sender()).status == 204
    assert (proxy.connections, endpoint.connections) == (0, 1)


def test_what_is_asked_for(line: Callable[..., Line], sender: MakeSender) -> None:
    """The request names its host as the URL does, and nothing about the sender's machine."""
    received: list[bytes] = []
    port = line(answering(OK, received)).port
    named = sender(resolve=resolving(LOOPBACK))
    assert send(f"http://Shop.Example:{port}/a?b=%20", named, '{"ä":1}').status == 204
    head, _, body = b"".join(received).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /a?b=%20 HTTP/1.1"
    assert set(lines[1:]) == {
        f"Host: shop.example:{port}",
        "Accept-Encoding: identity",
        "Content-Length: 8",
        "webhook-id: 1",
    }
    assert body == '{"ä":1}'.encode()


def test_connections_are_used_again(line: Callable[..., Line], sender: MakeSender) -> None:
    """A connection is good for more than one message, as long as its address is still the one."""
    endpoint = line(answering(OK))
    names = [[LOOPBACK], [LOOPBACK], ["127.0.0.3"]]
    moving = sender(resolve=lambda *_: [ip_address(a) for a in names.pop(0)])
    url = f"http://shop.example:{endpoint.port}/"
    assert [send(url, moving).status for _ in range(2)] == [204, 204]
    assert endpoint.connections == 1
    assert send(url, moving).failure == "connection_failed"


def test_a_closed_connection_is_not_used_again(
    line: Callable[..., Line], sender: MakeSender
) -> None:
    """Who ends a connection after an answer gets the next message on a new one."""

    def once(connection: socket.socket) -> None:
        whole_request(connection)
        connection.sendall(OK)

    def closed() -> bool:
        kept = [one for some in same._connections._idle.values() for one in some]
        return not any(one.is_open() for one in kept)

    endpoint = line(once)
    same = sender()
    for count in (1, 2, 3):
        assert send(f"http://{LOOPBACK}:{endpoint.port}/", same).status == 204
        assert endpoint.connections == count
        # The end of a connection takes its time to arrive, like everything else.
        eventually(closed, "it is closed")


@pytest.mark.parametrize(
    "status,said,seconds",
    [
        (429, "120", 120), (503, "7", 7), (500, "7", None), (503, "soon", None), (503, "-1", None),
        (503, "Fri, 01 Jan 2100 00:00:00 GMT", 10**8), (429, "9" * 400, 10**8),
    ],
)  # fmt: skip
def test_asking_for_time(
    line: Callable[..., Line], status: int, said: str, seconds: int | None, sender: MakeSender
) -> None:
    """429 and 503 may say when to come again, in seconds or as a date."""
    reply = f"HTTP/1.1 {status} No\r\nRetry-After: {said}\r\nContent-Length: 0\r\n\r\n".encode()
    answer = send(f"http://{LOOPBACK}:{line(answering(reply)).port}/", sender())
    if seconds == 10**8:
        assert answer.retry_after_seconds is not None
        assert answer.retry_after_seconds > seconds
    else:
        assert answer.retry_after_seconds == seconds


@pytest.fixture(name="tls")
def _tls() -> ssl.SSLContext:
    """What a server needs to be hooks.example."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def test_tls_is_spoken_to_the_name(
    line: Callable[..., Line], tls: ssl.SSLContext, sender: MakeSender
) -> None:
    """At the checked address the name of the URL is asked for, and has to be proved."""
    endpoint = line(answering(OK), tls)
    believing = ssl.create_default_context(cafile=CERTIFICATE)
    named = sender(2.0, NETWORKS, resolving(LOOPBACK), believing)
    url = f"https://hooks.example:{endpoint.port}/"
    assert [send(url, named).status for _ in range(2)] == [204, 204]
    assert (endpoint.names, endpoint.connections) == (["hooks.example"], 1)
    assert send(url.replace("hooks", "other"), named).failure == "tls_failed"
    assert send(f"https://{LOOPBACK}:{endpoint.port}/", named).failure == "tls_failed"
    unknown = sender(2.0, NETWORKS, resolving(LOOPBACK))
    assert send(url, unknown).failure == "tls_failed", "nobody else vouches for it"


def test_a_handshake_without_end_is_cut_off(line: Callable[..., Line], sender: MakeSender) -> None:
    """The time of an attempt holds for the handshake as well."""
    endpoint = line(dribbling(b"\x16\x03\x03\x3f\xff", b"\x02"))
    answer = send(f"https://{LOOPBACK}:{endpoint.port}/", sender(0.3))
    assert (answer.failure, answer.duration_ms < 5_000) == ("timed_out", True)


def test_what_may_not_be_sent_any_more(line: Callable[..., Line], sender: MakeSender) -> None:
    """Whether it may still be sent is asked last, after the name was looked up."""
    endpoint = line(answering(OK))
    asked: list[str] = []

    def resolve(name: str, port: int) -> Sequence[Address]:
        asked.append("name")
        return [HERE]

    def may() -> bool:
        asked.append("may")
        return False

    late = sender(resolve=resolve)
    url = f"http://shop.example:{endpoint.port}/"
    assert late.send(url, "{}", dict, may) is None
    assert (asked, endpoint.connections) == (["name", "may"], 0)


def test_receivers_speak_http(sender: MakeSender) -> None:
    """The receiver of the other tests takes what is sent, over one connection after another."""
    receiver = Receiver()
    try:
        answer = send(receiver.url, sender(), '{"a": 1}')
        assert (answer.status, receiver.taken[0].body) == (204, {"a": 1})
    finally:
        receiver.stop()
