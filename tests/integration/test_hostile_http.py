"""Malformed, ambiguous and smuggled requests, sent to gunicorn and to the nginx before it.

What was sold is counted in the database's own figures: each sale has its answer, and a request that
was hidden in another is never carried out.
"""

import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from inventory.local.servers import Server
from tests.api.support import PROBLEM_MEMBERS
from tests.hostile import verdicts
from tests.hostile.messages import BODY, CHUNKED, HIDDEN_UNITS, PATH, chunk, request
from tests.hostile.wire import Outcome, Reply, deliver
from tests.integration.edges import Front

STOCK = 10**6
# What is said of a message that was not understood, rather than of what it asks for.
NOT_UNDERSTOOD = {400, 408, 413, 414, 417, 431, 501}
PROBLEM = b"content-type: application/problem+json"
MARK = "forged"


def test_the_corpus() -> None:
    """There are hundreds of messages, each another one, and no verdict on one that is not there."""
    messages = dict(verdicts.messages())
    assert len(set(messages.values())) >= 300
    assert len(messages) == sum(map(len, verdicts.GROUPS.values()))
    told = (*verdicts.SERVED, *verdicts.NGINX_REFUSES, *verdicts.NGINX_MENDS)
    assert len(set(told)) == len(told)
    assert set(told) <= messages.keys()


class Shop:
    """A product, and the two ways to it."""

    def __init__(self, backend: Server, front: Front) -> None:
        self.backend = Front(backend.url)
        self.path = self.backend.create(stock=STOCK)
        assert len(self.path) == len(PATH)
        self.ports = {"gunicorn": backend.port, "nginx": int(front.url.rpartition(":")[2])}

    @property
    def stock(self) -> int:
        """What can be bought, as the database says."""
        available: int = self.backend.get(f"{self.path}/stock").json()["available"]
        return available

    def deliver(self, way: str, message: bytes) -> Outcome:
        """Send a message about the product."""
        return deliver(self.ports[way], message.replace(PATH, self.path.encode()))


@pytest.fixture(name="shop")
def _shop(backend: Server, front: Front) -> Shop:
    return Shop(backend, front)


@pytest.mark.parametrize("way", ["gunicorn", "nginx"])
@pytest.mark.parametrize("group", verdicts.GROUPS)
def test_messages(shop: Shop, group: str, way: str) -> None:
    """A message is refused or understood as the tables say, and sells what its answers say."""
    before = shop.stock
    for name, message in verdicts.GROUPS[group].items():
        outcome = shop.deliver(way, message)
        sold = [json.loads(reply.body)["quantity"] for reply in outcome.replies if _sold(reply)]
        assert before - (before := shop.stock) == sum(sold), (name, outcome)
        assert HIDDEN_UNITS not in sold, (name, outcome)
        understood = any(_understood(reply) for reply in outcome.replies)
        assert understood in _expected(name, way), (name, outcome)
        for reply in outcome.replies:
            _check(name, reply, without_body=message.startswith(b"HEAD"))
        # Who did not understand a message does not read on, and nginx answers for who does not.
        if way == "gunicorn" and not understood:
            assert not outcome.in_sync, (name, outcome)


def _sold(reply: Reply) -> bool:
    return reply.status == 201


def _understood(reply: Reply) -> bool:
    return reply.status >= 200 and reply.status not in NOT_UNDERSTOOD


def _expected(name: str, way: str) -> set[bool]:
    """Return whether a message may be understood. Older versions of nginx are less strict, or more.

    Those that it refuses although the service would not, it need not; what it mends, it need not.
    """
    served = verdicts.is_served(name)
    if way == "nginx" and (name in verdicts.NGINX_REFUSES or name in verdicts.NGINX_MENDS):
        return {True, False}
    return {served}


def _check(name: str, reply: Reply, *, without_body: bool) -> None:
    """Assert that an answer is one of ours: no failure, and every refusal a problem document."""
    assert reply.status < 500 or reply.status == 501, (name, reply)
    assert MARK.encode() not in reply.head, (name, reply)
    if reply.status >= 400 and reply.head:
        head = reply.head.lower()
        assert PROBLEM in head, (name, reply)
        assert b"x-content-type-options: nosniff" in head, (name, reply)
        # The id in a body is another one if gunicorn refused what nginx had let pass: it never read
        # the id that nginx had given the request.
        assert re.search(rb"x-request-id: [0-9a-f]{32}", head), (name, reply)
        if not without_body:
            problem = json.loads(reply.body)
            assert problem.keys() >= PROBLEM_MEMBERS, (name, reply)
            assert problem["status"] == reply.status


@pytest.mark.parametrize("size", [b"ffff", b"f" * 17])
def test_a_chunk_that_never_ends(shop: Shop, size: bytes) -> None:
    """Whoever promises more than comes is told so at last, like everybody whose body is late."""
    before = shop.stock
    outcome = shop.deliver("gunicorn", request(CHUNKED, body=chunk(BODY, size)))
    assert (outcome.statuses, outcome.in_sync) == ((408,), False)
    assert json.loads(outcome.replies[0].body)["code"] == "request_timeout"
    assert shop.stock == before


@pytest.mark.parametrize("target", [
    "/metrics", "/metrics?a", "/metrics#a", "//metrics", "/./metrics", "/a/../metrics",
    "/%6detrics", "/%2e/metrics", "/a/%2e%2e/metrics", "/api/products/../../metrics",
    "/api//../metrics",
    "http://shop/metrics", "http://other//metrics", "/metrics/", "/metrics;a", "/metrics%20",
    "/metrics%09", "/metrics%23", "/metrics%3f", "/METRICS", "/metrics%2f", "/%2fmetrics",
    "/api/products/%2e%2e%2f%2e%2e%2fmetrics", "/metrics\\", "/.nginx/../metrics", "/metrics%c0%ae",
])  # fmt: skip
def test_the_metrics_are_not_for_strangers(shop: Shop, target: str) -> None:
    """However the address is written, nginx lets nobody see how much the shop sells."""
    for line in (b"X: y", b"X-Original-URL: /metrics", b"X-Rewrite-URL: /metrics"):
        asked = request(line, line=f"GET {target} HTTP/1.1".encode())
        outcome = shop.deliver("nginx", asked)
        assert outcome.statuses in ((404,), (400,)), outcome
        assert b"# HELP" not in outcome.replies[0].body


FORGERIES = (
    '{"event":"request","forged":true}', "\\n{forged}", "%0a{%22forged%22:1}",
    "%0d%0aX-forged:%20y", "%0d%0a%0d%0aHTTP/1.1%20200%20forged", "\u2028forged", "\u0085forged",
    "%e2%80%a8forged",
    "%1b[31mforged", "%00forged", "%22,%22forged%22:%22", "\\u000aforged", "\xa0forged",
    "%ffforged",
    "forged%20127.0.0.1%20-%20-", "<script>forged</script>", "${jndi:forged}", "%s%n%dforged",
)  # fmt: skip
FORGED_HEADERS = (
    "X-Request-ID", "User-Agent", "Referer", "X-Forwarded-For", "Forwarded", "Host",
    "Idempotency-Key", "Authorization", "If-None-Match", "Cookie", "Via",
)  # fmt: skip


def forgeries(path: str) -> Iterator[bytes]:
    """Yield requests that try to write lines of their own into logs and heads."""
    for text in FORGERIES:
        shown = text.replace(" ", "%20").encode()
        yield request(line=b"GET " + path.encode() + b"/" + shown + b" HTTP/1.1")
        yield request(line=b"GET " + path.encode() + b"?q=" + shown + b" HTTP/1.1")
        yield request(line=shown + b" " + path.encode() + b" HTTP/1.1")
        body = json.dumps({"quantity": 1, "reference": text, "customer_id": text}).encode()
        yield request(b"Content-Length: %d" % len(body), body=body)
        for name in FORGED_HEADERS:
            line = name.encode() + b": " + text.encode()
            yield request(line, line=b"GET " + path.encode() + b"/stock HTTP/1.1")


@pytest.mark.parametrize("way", ["gunicorn", "nginx"])
def test_nobody_writes_lines_of_their_own(
    shop: Shop, backend: Server, servers_directory: Path, way: str
) -> None:
    """What a client sends is never a line in a log nor a header of an answer."""
    assert backend.log is not None
    logs = (backend.log, servers_directory / "nginx" / "nginx.log")
    lengths = [log.stat().st_size for log in logs]
    sent = list(forgeries(shop.path))
    assert len(sent) >= 250
    for message in sent:
        for reply in shop.deliver(way, message).replies:
            _check(repr(message), reply, without_body=False)
    marker = f"/{uuid.uuid4()}"
    shop.backend.get(marker)
    for log, length in zip(logs, lengths, strict=True):
        written = log.read_bytes()[length:]
        # Not at what bytes alone call the end of a line: some readers know more of them.
        lines = written.decode().splitlines() if log is backend.log else written.splitlines()
        for line in lines:
            _is_ours(line if isinstance(line, str) else line.decode(errors="replace"))
    assert marker.encode() in logs[0].read_bytes()


def _is_ours(line: str) -> None:
    """Assert that a line of a log is an event with its own members, or a warning of a server."""
    if not line.startswith("{"):
        # A date, then who says so.
        assert re.match(r"\[?20\d\d[-/]\d\d[-/]\d\d ", line), line
        assert line.isprintable(), line
        return
    event = json.loads(line)
    assert MARK not in event, event
    assert event.get("event", "request") == "request"
    assert isinstance(event["status"], int)


def test_the_client_is_whom_nginx_says(shop: Shop, backend: Server) -> None:
    """Whatever a client claims about where it comes from, the log has its address."""
    claims = [b"X-Forwarded-For: 6.6.6.6", b"Forwarded: for=6.6.6.6", b"X-Real-IP: 6.6.6.6"]
    claims += [line + b"\r\nConnection: close, X-Forwarded-For" for line in claims]
    ids = [str(uuid.uuid4()) for _ in claims]
    for id, line in zip(ids, claims, strict=True):
        named = f"X-Request-ID: {id}".encode()
        shop.deliver("nginx", request(line, named, line=b"GET /PATH/stock HTTP/1.1"))
    assert backend.log is not None
    lines = [json.loads(line) for line in backend.log.read_text().splitlines() if line[:1] == "{"]
    remotes = {line["request_id"]: line["client"] for line in lines if "client" in line}
    assert [remotes[id] for id in ids] == ["127.0.0.1"] * len(ids)
