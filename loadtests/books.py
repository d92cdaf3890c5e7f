"""What the service itself says happened: counters, ledger and purchases, read through its API.

Knows the HTTP contract; draws no conclusions.
"""

import http.client
import json
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 10.0
PAGE_SIZE = 100
READERS = 4
OPENING = "opening"
PURCHASE = "purchase"


class ApiError(Exception):
    """The service did not give what was asked for; the message says what it answered instead."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the service, to the letter."""

    status: int
    body: str
    headers: Mapping[str, str]

    @property
    def replayed(self) -> bool:
        """Tell whether this is the answer to an earlier request with the same key."""
        return self.headers.get("idempotent-replayed") == "true"

    def json(self) -> Any:
        """Return the body's content."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Movement:
    """A row of the ledger."""

    id: str
    version: int
    kind: str
    delta: int
    balance: int
    reference: str | None


@dataclass(frozen=True, slots=True)
class Sale:
    """A purchase as the service describes it; a field that it leaves out is None."""

    id: str | None
    quantity: int | None
    remaining_stock: int | None
    stock_version: int | None
    reference: str | None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Sale":
        """Read the description of a purchase of one product."""
        return cls(
            id=document.get("id"),
            quantity=document.get("quantity"),
            remaining_stock=document.get("remaining_stock"),
            stock_version=document.get("stock_version"),
            reference=document.get("reference"),
        )


@dataclass(frozen=True, slots=True)
class ProductBooks:
    """All that is on record about one product; movements from the oldest to the newest."""

    product_id: str
    available: int
    version: int
    movements: tuple[Movement, ...]
    sales: Mapping[str, Sale] = field(default_factory=dict)


class Api:
    """A plain client of the service: one kept-alive connection a thread, nothing repeated."""

    def __init__(self, url: str, api_key: str | None = None) -> None:
        self._address = urlsplit(url)
        self._headers = {"X-API-Key": api_key} if api_key else {}
        self._local = threading.local()
        self._opened: list[http.client.HTTPConnection] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._opened:
            connection.close()

    def request(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send a request; raise `OSError` or `http.client.HTTPException` if nobody answers."""
        sent = {**self._headers, **(headers or {})}
        data = None
        if body is not None:
            data = json.dumps(body)
            sent["Content-Type"] = "application/json"
        connection = self._connection()
        try:
            connection.request(method, path, data, sent)
            response = connection.getresponse()
            text = response.read().decode()
        except (OSError, http.client.HTTPException):
            # The next request begins with a connection in a known state.
            connection.close()
            raise
        return Reply(
            response.status, text, {name.lower(): value for name, value in response.getheaders()}
        )

    def get(self, path: str, *, missing_is_none: bool = False) -> Any:
        """Return what `path` holds; raise `ApiError` if the service does not give it."""
        reply = self.request("GET", path)
        if reply.status == http.client.NOT_FOUND and missing_is_none:
            return None
        return _expect(reply, http.client.OK, path)

    def create(self, path: str, body: Any) -> Any:
        """Create what `body` describes; raise `ApiError` if the service does not."""
        return _expect(self.request("POST", path, body), http.client.CREATED, path)

    def _connection(self) -> http.client.HTTPConnection:
        if not hasattr(self._local, "connection"):
            kind = (
                http.client.HTTPSConnection
                if self._address.scheme == "https"
                else http.client.HTTPConnection
            )
            self._local.connection = kind(
                self._address.hostname or "", self._address.port, timeout=TIMEOUT_SECONDS
            )
            self._opened.append(self._local.connection)
        connection: http.client.HTTPConnection = self._local.connection
        return connection


def read_books(api: Api, product_ids: Iterable[str]) -> dict[str, ProductBooks]:
    """Return the books of some products; they must have come to rest."""
    with ThreadPoolExecutor(READERS) as readers:
        books = readers.map(lambda product_id: _product_books(api, product_id), product_ids)
        return {product.product_id: product for product in books}


def _product_books(api: Api, product_id: str) -> ProductBooks:
    movements = _movements(api, product_id)
    stock = api.get(f"/api/products/{product_id}/stock")
    sold = [movement.id for movement in movements if movement.kind == PURCHASE]
    sales = {id: api.get(f"/api/purchases/{id}", missing_is_none=True) for id in sold}
    return ProductBooks(
        product_id,
        available=stock["available"],
        version=stock["version"],
        movements=movements,
        sales={id: Sale.of(document) for id, document in sales.items() if document is not None},
    )


def _movements(api: Api, product_id: str) -> tuple[Movement, ...]:
    path = f"/api/products/{product_id}/movements?limit={PAGE_SIZE}"
    newest_first: list[Movement] = []
    cursor = ""
    while True:
        page = api.get(path + cursor)
        newest_first += [
            Movement(**{name: item[name] for name in Movement.__slots__}) for item in page["items"]
        ]
        if page["next_cursor"] is None:
            return tuple(reversed(newest_first))
        cursor = f"&cursor={page['next_cursor']}"


def _expect(reply: Reply, status: int, path: str) -> Any:
    if reply.status != status:
        raise ApiError(f"{path} answered {reply.status}: {reply.body[:300]}")
    return reply.json()
