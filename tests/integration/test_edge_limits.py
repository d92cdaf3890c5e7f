"""What nginx refuses, whom it cuts off, and how it shares requests out among several services."""

import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from select import select
from typing import Any

import pytest
import requests

from inventory.local.servers import Server
from inventory.settings import Settings
from loadtests import edge
from tests.integration.edges import (
    ANSWER_SECONDS_MAX,
    Front,
    assert_problem,
    reached,
    receive,
    send,
    serving,
)
from tests.integration.processes import eventually, frozen

RUNNING_MAX = 256
TOO_MANY = 40
SALES_AT_ONCE = 8
# Which service a product belongs to is chance; all shall belong to one as good as never.
PRODUCTS = 24
STOCK = 100
SALES = 6


def test_large_requests_are_refused(front: Front, backend: Server) -> None:
    """A body, a header or an address over the limit is a problem, and never reaches the service."""
    path = front.create()
    large = front.call("POST", f"{path}/purchase", {"reference": "x" * 65_536})
    assert_problem(large, 413, "payload_too_large")
    assert_problem(front.get(path, X_Large="x" * 9_000), 400, "bad_request")
    assert_problem(front.get(f"{path}?q={'x' * 9_000}"), 414, "uri_too_long")
    assert (reached(backend, path), reached(backend, f"{path}/purchase", "POST")) == (0, 0)


def test_the_request_id_goes_through(front: Front, backend: Server) -> None:
    """A sane id is the same in the answer and in the service's log; another is replaced."""
    sane = f"edge-{uuid.uuid4()}"
    path = front.create()
    assert front.get(path, X_Request_ID=sane).headers["X-Request-ID"] == sane
    assert backend.log is not None
    lines = [json.loads(line) for line in backend.log.read_text().splitlines() if line[:1] == "{"]
    assert [line["path"] for line in lines if line.get("request_id") == sane] == [path]
    replaced = front.get(path, X_Request_ID="no id").headers["X-Request-ID"]
    assert len(replaced) == 32
    assert replaced.isalnum()


def test_a_slow_client_is_cut_off(front: Front) -> None:
    """Who does not finish the headers of a request loses the connection, without an answer."""
    assert front.raw("GET /api/products HTTP/1.1\r\nHost: localhost\r\n") == ""


def test_one_client_cannot_fill_the_service(front: Front, backend: Server) -> None:
    """Of the requests that one address has running at once, those over the limit are refused."""
    path = front.create()
    with ExitStack() as stack:
        connections = [
            stack.enter_context(front.connected()) for _ in range(RUNNING_MAX + TOO_MANY)
        ]
        with frozen(backend):
            for connection in connections:
                send(connection, f"{path}/stock")
            # While the service is frozen only refusals come, before the patience with it ends.
            eventually(
                lambda: len(select(connections, [], [], 0)[0]) >= TOO_MANY, "none is refused"
            )
        answers = [receive(connection) for connection in connections]
    refusals = [
        (headers["Retry-After"], body["code"]) for status, headers, body in answers if status == 429
    ]
    assert refusals == [("1", "too_many_requests")] * TOO_MANY


@pytest.mark.parametrize(
    "path, wanted",
    [
        ("{product}/purchase", {"quantity": 1}),
        ("/api/purchases", {"lines": [{"quantity": 1}]}),
        ("/api/reservations", {"ttl_seconds": 60, "lines": [{"quantity": 1}]}),
    ],
)
def test_a_crowd_is_told_at_once_to_come_again(
    few_sales: Front, backend: Server, path: str, wanted: dict[str, Any]
) -> None:
    """Sales beyond what the service has at once are refused, whoever asks; all else goes on."""
    product = few_sales.create(stock=100)
    id = product.rpartition("/")[2]
    body = {
        name: [{**line, "product_id": id} for line in given] if isinstance(given, list) else given
        for name, given in wanted.items()
    }
    with ExitStack() as stack:
        buyers = [
            stack.enter_context(few_sales.connected(f"127.0.1.{number + 1}"))
            for number in range(SALES_AT_ONCE + TOO_MANY)
        ]
        lister = stack.enter_context(few_sales.connected())
        with frozen(backend):
            for buyer in buyers:
                send(buyer, path.format(product=product), body)
            eventually(lambda: len(select(buyers, [], [], 0)[0]) >= TOO_MANY, "none is refused")
            send(lister, "/api/purchases")
        answers = [receive(buyer) for buyer in buyers]
        assert receive(lister)[0] == 200
    refusals = [
        (headers["Retry-After"], body["code"]) for status, headers, body in answers if status == 503
    ]
    assert refusals == [("1", "overloaded")] * TOO_MANY
    assert [status for status, _, _ in answers if status != 503] == [201] * SALES_AT_ONCE
    assert few_sales.get(f"{product}/stock").json()["available"] == 100 - SALES_AT_ONCE


def test_a_purchase_without_an_answer_can_be_repeated(front: Front, backend: Server) -> None:
    """A service that hangs is a 503 after three seconds; a retry with the key sells once."""
    path, key = front.create(stock=5), str(uuid.uuid4())
    with frozen(backend):
        late = front.buy(path, Idempotency_Key=key)
    assert_problem(late, 503, "upstream_timeout")
    assert late.headers["Retry-After"] == "1"
    eventually(lambda: front.buy(path, Idempotency_Key=key).status_code == 201, "it is never sold")
    assert front.get(f"{path}/stock").json()["available"] == 4
    assert len(front.get(f"{path}/movements?kind=purchase").json()["items"]) == 1


@pytest.fixture(name="few_sales")
def _few_sales(backend: Server, tmp_path: Path) -> Iterator[Front]:
    """nginx that lets few sales at once through to the service."""
    switches = {"EDGE_SALES_AT_ONCE": str(SALES_AT_ONCE)}
    with edge.started(tmp_path / "few", [backend], switches) as server:
        yield Front(server.url)


@pytest.fixture(name="backends")
def _backends(edge_settings: Settings, tmp_path: Path) -> Iterator[list[Server]]:
    """Two services on the same stores."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(serving(edge_settings, tmp_path / f"{number}.log"))
            for number in range(2)
        ]


@pytest.fixture(name="switched")
def _switched(backends: list[Server], tmp_path: Path) -> Iterator[Front]:
    """nginx that sends the sales of a product to one of two services."""
    switches = {"EDGE_PURCHASES_BY_PRODUCT": "on"}
    with edge.started(tmp_path / "switched", backends, switches) as server:
        yield Front(server.url)


def test_sales_go_where_the_switch_says(
    backends: list[Server], switched: Front, tmp_path: Path
) -> None:
    """With the switch all sales of a product reach one service, without it they are spread.

    Whether they are sold depends on neither: where a service is gone another one sells.
    """
    paths = [switched.create(STOCK) for _ in range(PRODUCTS)]
    for _ in range(SALES):
        assert [switched.buy(path).status_code for path in paths] == [201] * PRODUCTS
    shares = [_shares(backends, path) for path in paths]
    assert {tuple(sorted(share)) for share in shares} == {(0, SALES)}
    assert len(set(shares)) == 2, "one service sells everything"

    with edge.started(tmp_path / "plain", backends) as server:
        plain = Front(server.url)
        path = plain.create()
        assert [plain.buy(path).status_code for _ in range(SALES)] == [201] * SALES
        assert min(_shares(backends, path)) > 0
        assert sum(_shares(backends, path)) == SALES

    backends[0].kill()
    for path in paths:
        key = str(uuid.uuid4())
        # 503 at first, where it was sent over a connection whose other end had just died.
        eventually(lambda: switched.buy(path, Idempotency_Key=key).status_code == 201, path)  # noqa: B023
        assert switched.get(f"{path}/stock").json()["available"] == STOCK - SALES - 1
    backends[1].kill()
    refused = switched.buy(path)
    assert_problem(refused, 503, "upstream_unavailable")
    assert refused.headers["Retry-After"] == "1"


def _shares(backends: list[Server], path: str) -> tuple[int, ...]:
    return tuple(reached(backend, f"{path}/purchase", "POST") for backend in backends)


def test_imports_may_be_large(front: Front, backend: Server) -> None:
    """Where many products are taken at once a body may have 16 MiB, there and nowhere else."""
    path, head = "/api/products/bulk", {"Content-Type": "text/csv"}
    rows = b"sku,name,price,stock\n" + b"".join(b"L-%d,Cap,5,1\n" % n for n in range(6_000))
    assert len(rows) > 65_536
    tried = requests.post(
        f"{front.url}{path}?dry_run=true", data=rows, headers=head, timeout=ANSWER_SECONDS_MAX
    )
    assert (tried.status_code, tried.json()["created"]) == (200, 6_000)
    refused = requests.post(
        f"{front.url}{path}", data=b"x" * (16 * 2**20 + 1), headers=head, timeout=ANSWER_SECONDS_MAX
    )
    assert_problem(refused, 413, "payload_too_large")
    assert reached(backend, path, "POST") == 1
