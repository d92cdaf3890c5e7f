"""Traces of a real service, as a real receiver of OTLP gets them; and the service without any."""

import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from pymongo import MongoClient

from inventory import serving
from inventory.local.servers import LOOPBACK, free_port
from inventory.serving import PROJECT, require_extras
from inventory.settings import Settings, SettingsError
from tests.integration.processes import Run, eventually, inventory, is_ready

DATABASE = "inventory_test_traces"


class Receiver(ThreadingHTTPServer):
    """What a collector is to those who send traces."""

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), _Taker)
        self.spans: list[Span] = []
        self.services: set[str] = set()


class _Taker(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        """Take some spans."""
        assert self.path == "/v1/traces"
        body = self.rfile.read(int(self.headers["Content-Length"]))
        for sent in ExportTraceServiceRequest.FromString(body).resource_spans:
            attributes = {one.key: one.value.string_value for one in sent.resource.attributes}
            self.server.services.add(attributes["service.name"])
            self.server.spans += [span for scope in sent.scope_spans for span in scope.spans]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass
class Traced:
    """A service whose traces are received, and its first key."""

    run: Run
    receiver: Receiver
    key: str
    sent: list[str] = field(default_factory=list)

    def call(
        self, method: str, path: str, body: Any = None, trace: str | None = None, flags: str = "01"
    ) -> tuple[Any, str]:
        """Make a request, in a trace of its own; return its answer and the trace."""
        trace = trace or uuid.uuid4().hex
        headers = {
            "Content-Type": "application/json",
            "X-API-Key": self.key,
            "traceparent": f"00-{trace}-00f067aa0ba902b7-{flags}",
        }
        connection = HTTPConnection(LOOPBACK, self.run.port, timeout=10)
        try:
            connection.request(method, path, json.dumps(body) if body else None, headers)
            response = connection.getresponse()
            content = response.read()
            assert response.status < 400, content
            return json.loads(content) if content[:1] == b"{" else content, trace
        finally:
            connection.close()

    def create(self, stock: int) -> str:
        """Create a product; return its path."""
        made, _ = self.call("POST", "/api/products", {"name": "A", "price": "1", "stock": stock})
        return f"/api/products/{made['id']}"

    def spans(self, wanted: Callable[[Span], object], count: int = 1) -> list[Span]:
        """Return the spans that are wanted, once so many have come."""
        found: list[Span] = []

        def came() -> bool:
            found[:] = [span for span in tuple(self.receiver.spans) if wanted(span)]
            return len(found) >= count

        eventually(came, lambda: f"only {found}")
        return found

    def of(self, trace: str, name: str) -> Span:
        """Return the span of a trace that has this name."""
        found = self.spans(lambda span: span.trace_id.hex() == trace and span.name == name)
        return found[0]

    def lines(self, trace: str) -> list[dict[str, Any]]:
        """Return the lines of the log that name a trace."""
        lines = [json.loads(one) for one in self.run.output.splitlines() if one[:1] == "{"]
        return [line for line in lines if line.get("trace_id") == trace]


def attributes(span: Span) -> dict[str, Any]:
    """Return what a span tells of itself."""
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Run a receiver."""
    with Receiver() as receiver:
        thread = threading.Thread(target=receiver.serve_forever, args=(0.01,))
        thread.start()
        yield receiver
        receiver.shutdown()
        thread.join()


@pytest.fixture(name="traced", scope="module")
def _traced(
    database_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Traced]:
    environ = {
        "MONGO_URL": database_settings.mongo_url,
        "REDIS_URL": database_settings.redis_url,
        "INVENTORY_MONGO_DATABASE": DATABASE,
        "INVENTORY_AUTH": "on",
        "INVENTORY_WORKERS": "2",
        "INVENTORY_TRACING": "on",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    log = tmp_path_factory.mktemp("traced") / "log"
    with receiving() as receiver:
        environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://{LOOPBACK}:{receiver.server_port}"
        with inventory("serve", log=log, port=free_port(), **environ) as run:
            eventually(lambda: is_ready(run), lambda: run.output)
            (said,) = [line for line in run.output.splitlines() if "inv_sk_" in line]
            yield Traced(run, receiver, said.split()[-1])
            assert run.stop() == 0
    with MongoClient[dict[str, object]](database_settings.mongo_url) as client:
        client.drop_database(DATABASE)


def test_a_request_goes_on_with_its_trace(traced: Traced) -> None:
    """Its span has the route's name and the sender's trace, its look into Redis is a part of it.

    The line in the log names both, and the id of the key instead of the key.
    """
    path = traced.create(stock=1)
    _, trace = traced.call("GET", path)
    request = traced.of(trace, "GET /api/products/{product_id}")
    assert request.kind == Span.SPAN_KIND_SERVER
    assert request.parent_span_id.hex() == "00f067aa0ba902b7"
    told = attributes(request)
    assert (told["http.response.status_code"], told["url.path"]) == (200, path)
    look = traced.of(trace, "MGET")
    assert look.parent_span_id == request.span_id
    assert attributes(look)["db.operation.batch.size"] == 3
    (line,) = traced.lines(trace)
    assert line["span_id"] == request.span_id.hex()
    assert line["cache"] in ("hit", "miss")
    assert len(line["key_id"]) == 24
    assert traced.receiver.services == {"inventory"}


def test_a_group_and_its_requests_name_each_other(traced: Traced) -> None:
    """Each purchase links to the group that carried it out, each group to its purchases.

    What the group asks of MongoDB is part of the group's trace, for it works for many.
    """
    path = traced.create(stock=100)

    def buy(_: int) -> str:
        return traced.call("POST", f"{path}/purchase", {"quantity": 1})[1]

    with ThreadPoolExecutor(8) as crowd:
        traces = set(crowd.map(buy, range(24)))
    name = "POST /api/products/{product_id}/purchase"
    requests = traced.spans(lambda s: s.trace_id.hex() in traces and s.name == name, len(traces))
    named = {link.span_id for request in requests for link in request.links}
    groups = traced.spans(lambda span: span.span_id in named, len(named))
    assert {(group.name, bytes(group.parent_span_id)) for group in groups} == {("stock.group", b"")}
    pairs = {(r.span_id, link.span_id) for r in requests for link in r.links}
    assert len(pairs) == len(requests) == 24
    assert {(link.span_id, group.span_id) for group in groups for link in group.links} == pairs
    for group in groups:
        assert attributes(group)["inventory.group.changes"] == len(group.links)
        update = traced.of(group.trace_id.hex(), "findAndModify stock")
        assert update.parent_span_id == group.span_id
        assert attributes(update)["db.namespace"] == DATABASE


def test_failures_are_told_by_their_kind(traced: Traced) -> None:
    """A request that MongoDB refuses something is whole; the command's span says what kind."""
    body = {"name": "A", "price": "1", "stock": 1, "sku": uuid.uuid4().hex}
    traced.call("POST", "/api/products", body)
    trace = uuid.uuid4().hex
    with pytest.raises(AssertionError, match="duplicate_sku"):
        traced.call("POST", "/api/products", body, trace)
    request = traced.of(trace, "POST /api/products")
    assert attributes(request)["http.response.status_code"] == 409
    assert request.status.code == Status.STATUS_CODE_UNSET


def test_what_is_not_sampled_is_not_sent(traced: Traced) -> None:
    """A sender who says that nobody will look gets lines in the log, and no span."""
    path = traced.create(stock=1)
    _, quiet = traced.call("GET", path, flags="00")
    _, loud = traced.call("GET", path)
    traced.of(loud, "GET /api/products/{product_id}")
    assert [line["path"] for line in traced.lines(quiet)] == [path]
    assert not [span for span in traced.receiver.spans if span.trace_id.hex() == quiet]


def test_no_span_holds_what_was_sent(traced: Traced) -> None:
    """Neither keys nor names, references or customers leave for the collector."""
    secret = uuid.uuid4().hex
    path = traced.create(stock=9)
    body = {"quantity": 1, "customer_id": secret, "reference": secret}
    traced.call("POST", f"{path}/purchase?note={secret}", body)
    _, last = traced.call("GET", f"/api/purchases?customer_id={secret}")
    traced.of(last, "GET /api/purchases")
    everything = str(traced.receiver.spans)
    assert "/purchase" in everything
    assert secret not in everything
    assert traced.key not in everything
    assert "healthz" not in everything


# As in the image without the extra; redis-py would load OpenTelemetry by itself where it finds it.
WITHOUT = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "opentelemetry":
            raise ModuleNotFoundError(name=name)
sys.meta_path.insert(0, Hidden())
from wsgi import app
from inventory.api.browsers import Browsers
from inventory.stock.engine import StockEngine
installed = app.extensions["inventory"]
engine = installed.purchasing._changes._engine
assert not [name for name in sys.modules if name.startswith(("opentelemetry", "inventory.tracing"))]
assert type(app.wsgi_app) is Browsers
assert type(engine) is StockEngine
watched = engine._stock._stock.database.client.options.pool_options._event_listeners
assert not watched.enabled_for_commands
assert "execute_command" not in vars(installed.reads.store.connection._client)
hooks = [*app.before_request_funcs[None], *app.after_request_funcs[None]]
assert not [hook for hook in hooks if "tracing" in hook.__module__]
"""


def test_without_traces_there_is_nothing_of_it(settings: Settings) -> None:
    """Off, it needs no module of OpenTelemetry and nothing is wrapped, so it costs nothing."""
    environ = {
        "MONGO_URL": settings.mongo_url,
        "REDIS_URL": settings.redis_url,
        "INVENTORY_MONGO_DATABASE": settings.mongo_database,
    }
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT],
        cwd=PROJECT,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


def test_on_without_what_it_needs_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switched on where it is not installed, it does not start and says what to install."""
    monkeypatch.setattr(serving, "find_spec", lambda _: None)
    require_extras(Settings())
    with pytest.raises(SettingsError, match=r"requirements-tracing\.txt"):
        require_extras(Settings(tracing=True))
