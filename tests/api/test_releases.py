"""Two releases side by side: what an earlier one has stored is read, what a later one has is not.

Documents and values stand here as the release of 24 November 2026 wrote them (commit 19f85cd).
"""

import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import Decimal128, Int64, ObjectId
from flask.testing import FlaskClient
from redis import Redis

from inventory.settings import Settings
from tests.api.conftest import Create
from tests.api.support import Books

PRODUCT, PURCHASE, OPENING = (ObjectId(f"6b05f9605233cf3ec556cbe{n}") for n in (3, 4, 5))
WAITING, HOLD = ObjectId("6b05f962a9d5a8bf24742e06"), ObjectId("6b05f963a9d5a8bf24742e2e")
PATH = f"/api/products/{PRODUCT}"
EPOCH = b"e968223feb3342be"
AT = datetime(2026, 11, 24, 20, 53, 52, 768_000, tzinfo=UTC)


def earlier_documents() -> dict[str, list[dict[str, Any]]]:
    """Return a product with one sale in its ledger, one still in its tail, and an open hold."""
    price = Decimal128("5.00")
    row = {"product_id": PRODUCT, "location": "default"}
    soon = datetime.now(UTC) + timedelta(hours=1)
    return {
        "products": [
            {
                **{"_id": PRODUCT, "name": "Cap", "name_key": "cap", "words": ["cap"]},
                **{"description": "", "price": price, "currency": "USD", "tags": []},
                **{"attributes": {}, "low_stock_threshold": 0, "oversell_limit": 0},
                **{"max_per_order": None, "max_per_customer": None, "version": Int64(1)},
                **{"created_at": AT, "updated_at": AT},
            }
        ],
        "stock": [
            {
                **{"_id": PRODUCT, "available": Int64(5), "held": Int64(3), "headroom": Int64(5)},
                **{"version": Int64(4), "closed": False, "trimmed_at": AT, "turns": Int64(1)},
                "tail": [{"op": WAITING, "kind": "purchase", "delta": Int64(-1), "at": AT}],
                "tail_since": AT,
                **{"terms_version": Int64(1), "price": price, "currency": "USD"},
                **{"oversell_limit": 0, "low_stock_threshold": 0, "order_max": 1_000_000},
                "customer_limit": None,
            }
        ],
        "movements": [
            {
                **{"_id": OPENING, "version": Int64(1), "balance": Int64(10), **row},
                **{"held_balance": Int64(0), "kind": "opening", "delta": Int64(10), "at": AT},
            },
            {
                **{"_id": PURCHASE, "version": Int64(2), "balance": Int64(9), **row},
                **{"held_balance": Int64(0), "kind": "purchase", "delta": Int64(-1), "at": AT},
                **{"price": price, "currency": "USD", "purchase_id": PURCHASE},
            },
            {
                **{"_id": ObjectId(), "version": Int64(3), "balance": Int64(6), **row},
                **{"held_balance": Int64(3), "kind": "hold", "delta": Int64(-3), "at": AT},
                **{"held_delta": Int64(3), "reservation_id": HOLD},
            },
        ],
        "purchases": [
            {
                "_id": PURCHASE,
                "lines": [
                    {
                        **{"product_id": PRODUCT, "quantity": 1, "unit_price": price},
                        **{"remaining_stock": 9, "stock_version": 2, "backordered": 0},
                        "returned": 0,
                    }
                ],
                **{"currency": "USD", "total": price, "reference": None, "created_at": AT},
                **{"reservation_id": None, "reacquired": False},
            }
        ],
        "reservations": [
            {
                **{"_id": HOLD, "state": "held", "customer_id": None, "reference": None},
                "lines": [{"product_id": PRODUCT, "quantity": 3, "backordered": 0}],
                **{"created_at": AT, "expires_at": soon, "ended_at": None, "purchase_id": None},
            }
        ],
    }


@pytest.fixture(name="redis")
def _redis(settings: Settings) -> Iterator[Redis]:
    with Redis.from_url(settings.redis_url) as redis:
        redis.set("inventory:v1:epoch", EPOCH)
        yield redis


def sealed(version: int, body: bytes) -> bytes:
    """Return a value as that release stored it."""
    return b"%b:%d:%08x%b" % (EPOCH, version, zlib.crc32(body), body)


def test_what_an_earlier_release_stored_is_sold_on(client: FlaskClient, books: Books) -> None:
    """Counters, tail, ledger and holds of an earlier release are read, moved and found right."""
    for name, documents in earlier_documents().items():
        books.database[name].insert_many(documents)
    read = client.get(PATH).get_json()
    assert (read["stock"], read["held"], read["price"]) == (5, 3, "5.00")
    assert client.get(f"/api/purchases/{PURCHASE}").get_json()["total"] == "5.00"
    # The sale that nobody had carried over.
    assert client.get(f"/api/purchases/{WAITING}").get_json()["lines"][0]["quantity"] == 1
    bought = client.post(f"{PATH}/purchase", json={"quantity": 2})
    assert (bought.status_code, bought.get_json()["remaining_stock"]) == (201, 3)
    committed = client.post(f"/api/reservations/{HOLD}/commit", json={})
    assert committed.status_code == 201
    back = {"lines": [{"product_id": str(PRODUCT), "quantity": 1}], "reason": "too small"}
    assert client.post(f"/api/purchases/{PURCHASE}/returns", json=back).status_code == 201
    verdict = client.get(f"{PATH}/integrity").get_json()
    assert (verdict["ok"], verdict["problems"]) == (True, [])
    assert books.counters(str(PRODUCT)) == (4, 7)


def test_cached_values_of_an_earlier_release_count(
    client: FlaskClient, create: Create, redis: Redis
) -> None:
    """A value that an earlier release cached is a hit: both tell each other what they sell."""
    id = create(stock=5)["id"]
    assert client.get(f"/api/products/{id}").get_json()["stock"] == 5
    epoch = redis.get("inventory:v1:epoch")
    assert isinstance(epoch, bytes)
    body = b'{"stock":4,"held":0,"stock_version":2,"availability":"in_stock"}'
    value = sealed(2, body).replace(EPOCH, epoch)
    redis.set(f"inventory:v1:product:{id}:stock", value)
    read = client.get(f"/api/products/{id}")
    assert (read.get_json()["stock"], read.headers["X-Cache"]) == (4, "hit")


def test_what_says_absent_is_rubbish_to_an_earlier_release(
    client: FlaskClient, redis: Redis
) -> None:
    """An earlier release would have shown the body `null` as a product."""
    for _ in range(2):
        assert client.get(PATH).status_code == 404
    value = redis.get(f"inventory:v1:product:{PRODUCT}:card")
    assert isinstance(value, bytes)
    seal = value.split(b":", 2)[2]
    assert seal == b"-absent-null"
    assert seal[:8] != b"%08x" % zlib.crc32(seal[8:])


PAGES = (
    *(b"[[],null]", b"", b"\n\n", b'00\n["x"]\nnull', b"00\n5\nnull", b"3\nx\ny\nz"),
    b"\xff\n[]\nnull",
)


@pytest.mark.parametrize("page", PAGES)
def test_pages_of_another_release_are_misses(
    client: FlaskClient, create: Create, redis: Redis, page: bytes
) -> None:
    """A page in a form that this release does not know is loaded anew."""
    id = create()["id"]
    assert client.get("/api/products").headers["X-Cache"] == "miss"
    assert client.get("/api/products").headers["X-Cache"] == "hit"
    (key,) = redis.keys("inventory:v1:products:*")
    token, epoch = redis.get("inventory:v1:catalogue:generation"), redis.get("inventory:v1:epoch")
    assert isinstance(token, bytes)
    assert isinstance(epoch, bytes)
    body = token.split(b":", 2)[2][8:] + page
    redis.set(key, sealed(0, body).replace(EPOCH, epoch))
    read = client.get("/api/products")
    assert (read.status_code, read.headers["X-Cache"]) == (200, "miss")
    assert [item["id"] for item in read.get_json()["items"]] == [id]


@pytest.mark.parametrize(
    "value",
    [
        b"%b:2:v2:%08x:{}" % (EPOCH, zlib.crc32(b"{}")),
        b"v2:%b:2:{}" % EPOCH,
        b"\x93\x01\x02\x03",
        b"%b:2:crc64nve0000{}" % EPOCH,
        b"%b:2.1:%08x{}" % (EPOCH, zlib.crc32(b"{}")),
    ],
)
def test_values_of_a_later_release_are_misses(
    client: FlaskClient, create: Create, redis: Redis, value: bytes
) -> None:
    """A value in a form that nobody knows yet is loaded anew, and a sale replaces it."""
    id = create(stock=5)["id"]
    assert client.get(f"/api/products/{id}").headers["X-Cache"] in ("hit", "miss")
    epoch = redis.get("inventory:v1:epoch")
    assert isinstance(epoch, bytes)
    for part in ("card", "stock"):
        redis.set(f"inventory:v1:product:{id}:{part}", value.replace(EPOCH, epoch))
    read = client.get(f"/api/products/{id}")
    assert (read.headers["X-Cache"], read.get_json()["stock"]) == ("miss", 5)
    redis.set(f"inventory:v1:product:{id}:stock", value.replace(EPOCH, epoch))
    assert client.post(f"/api/products/{id}/purchase", json={"quantity": 1}).status_code == 201
    assert client.get(f"/api/products/{id}").get_json()["stock"] == 4
