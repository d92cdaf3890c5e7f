"""The line that each request has in the log of a real service, behind nginx."""

import json
from typing import Any

import requests

from inventory.local.servers import Server
from tests.integration.edges import Front
from tests.integration.processes import eventually

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
MEMBERS = {"method", "route", "path", "status", "duration_ms", "bytes", "client", "request_id"}


def line_of(backend: Server, response: requests.Response) -> dict[str, Any]:
    """Return the line of an answered request, by its id."""
    id = response.headers["X-Request-ID"]
    found: list[dict[str, Any]] = []

    def written() -> bool:
        assert backend.log is not None
        lines = [json.loads(one) for one in backend.log.read_text().splitlines() if one[:1] == "{"]
        found[:] = [line for line in lines if line.get("request_id") == id]
        return bool(found)

    eventually(written, f"no line of {id}")
    (line,) = found
    assert line.keys() >= MEMBERS | {"event", "level", "timestamp"}
    return line


def make(front: Front, **fields: Any) -> str:
    """Create a product; return its path."""
    body = {"name": "Air Runner", "price": "1.00", "stock": 5} | fields
    return f"/api/products/{front.call('POST', '/api/products', body).json()['id']}"


def test_a_read_says_where_it_came_from(backend: Server, front: Front) -> None:
    """Route, path, length and the state of the cache are told, and the query is not."""
    path = make(front)
    for headers in ({"Cache_Control": "no-cache"}, {}):
        # A key lets nginx ask the service whatever it has itself.
        read = front.call("GET", f"{path}?customer=ann", X_API_Key="none", **headers)
        line = line_of(backend, read)
        assert (line["method"], line["path"]) == ("GET", path)
        assert line["route"] == "/api/products/{product_id}"
        assert (line["status"], line["bytes"]) == (200, len(read.content))
        assert (line["client"], line["cache"]) == ("127.0.0.1", read.headers["X-Cache"])
        assert (line["cache"] == "bypass") == bool(headers)
        assert line["duration_ms"] > 0
        assert "ann" not in str(line)


def test_a_replay_says_so(backend: Server, front: Front) -> None:
    """The line of a retry tells that it was answered before, that of the first does not."""
    path = make(front)
    bodies = [
        line_of(backend, front.call("POST", f"{path}/purchase", body, Idempotency_Key=path[-9:]))
        for body in [{"quantity": 1, "customer_id": "ann@shop.example"}] * 2
    ]
    assert [line.get("replayed") for line in bodies] == [None, True]
    assert "ann" not in str(bodies)


def test_what_flask_never_saw_has_a_line(backend: Server, front: Front) -> None:
    """A request that is refused before it is looked at is told as all others are."""
    refused = front.call("POST", "/api/products", {}, Origin="https://elsewhere.example")
    assert refused.status_code == 403
    line = line_of(backend, refused)
    assert (line["status"], line["route"], line["path"]) == (403, None, "/api/products")
    lost = line_of(backend, front.call("GET", "/no/such/page"))
    assert (lost["status"], lost["route"], lost["path"]) == (404, None, "/no/such/page")


def test_a_trace_goes_through_nginx_into_the_log(backend: Server, front: Front) -> None:
    """A traceparent that a proxy sends is told though nothing is traced here, and only there."""
    path = make(front) + "/stock"
    assert line_of(backend, front.call("GET", path, traceparent=PARENT))["trace_id"] == TRACE
    for headers in ({}, {"traceparent": "00-nonsense"}):
        assert "trace_id" not in line_of(backend, front.call("GET", path, **headers))
