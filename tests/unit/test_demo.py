"""The loader of the sample catalogue against a server that answers as it is told."""

import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from inventory import demo
from inventory.api.schemas.products import NewProductSchema
from inventory.calling import CallFailed
from inventory.domain.products import Terms

Answer = tuple[int, str]


class Script(HTTPServer):
    """A server with a list of answers; the last one is repeated."""

    answers: list[Answer]

    @property
    def url(self) -> str:
        """Return where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


class Actor(BaseHTTPRequestHandler):
    """Gives the next answer to every POST."""

    server: Script

    def do_POST(self) -> None:
        """Answer."""
        self.rfile.read(int(self.headers["Content-Length"]))
        status, body = self.server.answers[0]
        if len(self.server.answers) > 1:
            del self.server.answers[0]
        self.send_response(status)
        self.send_header("Retry-After", "7")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(name="script")
def _script() -> Iterator[Script]:
    with Script(("127.0.0.1", 0), Actor) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_the_catalogue_is_valid_and_varied() -> None:
    """Every sample product passes the schema, skus are unique, and no stock level is forgotten."""
    catalogue = json.loads(demo.CATALOGUE.read_text(encoding="utf-8"), parse_float=Decimal)
    products = [NewProductSchema().load(product) for product in catalogue]
    stocks = [product.pop("stock") for product in products]
    terms = [Terms.of(**product) for product in products]
    assert len({each.sku for each in terms}) == len(terms) >= 50
    assert min(stocks) == 0
    assert any(
        0 < stock <= each.low_stock_threshold for stock, each in zip(stocks, terms, strict=True)
    )
    assert any(each.oversell_limit for each in terms)
    assert any(each.max_per_order for each in terms)


def test_what_is_there_is_left_alone(script: Script) -> None:
    """A sku that is taken counts as loaded."""
    script.answers = [(201, "{}"), (409, '{"code": "duplicate_sku"}')]
    outcomes = list(demo.load(script.url))
    assert outcomes == [demo.CREATED] + [demo.PRESENT] * (len(demo.read_catalogue()) - 1)


def test_a_busy_service_is_asked_again(script: Script) -> None:
    """After 503 the same product is sent again, as late as the service wishes."""
    script.answers = [(503, "{}"), (429, "[]"), (201, "{}")]
    pauses: list[float] = []
    assert len(list(demo.load(script.url, pauses.append))) == len(demo.read_catalogue())
    assert pauses == [7.0, 7.0]


@pytest.mark.parametrize(
    "status,body,said",
    [
        (422, '{"errors": {"name": ["Missing."]}}', "422 {'name': ['Missing.']}"),
        (500, "<html>", "500 Internal Server Error"),
        (503, '{"detail": "Too many requests."}', "503 Too many requests."),
    ],
)
def test_a_refusal_is_told(script: Script, status: int, body: str, said: str) -> None:
    """A product that is refused, or not taken after several tries, is named with the reason."""
    script.answers = [(status, body)]
    with pytest.raises(CallFailed) as caught:
        list(demo.load(script.url, lambda _: None))
    assert str(caught.value) == f"The service refused SNK-AERO-RED-42: {said}"


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://localhost", "http://"])
def test_an_address_must_be_one(url: str) -> None:
    """What is no HTTP address is told apart from a service that does not answer."""
    with pytest.raises(CallFailed, match="is not a URL such as"):
        list(demo.load(url))
