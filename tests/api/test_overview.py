"""What an operator sees at a glance: right, cheap for many, and there while the stores are not."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from inventory import limits
from inventory.app import close_app, create_app
from inventory.cache import connection
from inventory.cache.sharing import Shared
from inventory.cache.store import VersionedStore
from inventory.settings import Settings
from tests.api.support import assert_problem, together, until

NOWHERE = "mongodb://127.0.0.1:1/?replicaSet=rs0"


@pytest.fixture(name="app")
def _app(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """An app that has counted nothing yet, and says what is so at this very moment."""
    for name in ("OVERVIEW_SECONDS", "OVERVIEW_STOCK_SECONDS"):
        monkeypatch.setattr(limits, name, 0.002)
    # A machine that is busy with other tests has time for every number.
    monkeypatch.setattr(limits, "SCRAPE_QUERY_SECONDS", 30.0)
    app = create_app(settings)
    yield app
    close_app(app)


@pytest.fixture(name="client")
def _client(app: Flask) -> FlaskClient:
    return app.test_client()


def seen(client: FlaskClient) -> dict[str, Any]:
    """Return the overview."""
    answer = client.get("/api/overview")
    assert answer.status_code == 200, answer.data
    overview: dict[str, Any] = answer.get_json()
    return overview


def soon(client: FlaskClient, part: str, expected: Any) -> None:
    """Assert that a part of the overview will be this, whatever else it says."""

    def is_there() -> bool:
        found = seen(client)[part] or dict.fromkeys(expected)
        return bool({name: found[name] for name in expected} == expected)

    until(is_there)


def make(client: FlaskClient, **more: Any) -> str:
    """Create a product; return its id."""
    body = {"name": "cap", "price": "5", "stock": 9} | more
    return str(client.post("/api/products", json=body).get_json()["id"])


def test_what_was_counted(client: FlaskClient) -> None:
    """Requests, sales and refusals are those of this instance, and nothing was before them."""
    first = seen(client)
    assert first["workers"] == 1
    assert first["totals"] == {
        **dict.fromkeys(("requests", "server_errors", "turned_away"), 0),
        **dict.fromkeys(("purchases", "units_sold", "cache_hits", "cache_misses"), 0),
        "refusals": {},
    }
    id = make(client)
    for quantity, status in ((2, 201), (3, 201), (9, 409)):
        answer = client.post(f"/api/products/{id}/purchase", json={"quantity": quantity})
        assert answer.status_code == status
    assert_problem(client.get("/api/products/x"), 404, "product_not_found")
    expected = {
        "purchases": 2,
        "units_sold": 5,
        "refusals": {"insufficient_stock": 1, "product_not_found": 1},
        "server_errors": 0,
    }
    soon(client, "totals", expected)
    now = seen(client)
    assert now["instance"] == first["instance"]
    assert now["totals"]["requests"] >= 6
    times = now["purchase_seconds"]
    assert len(times["counts"]) == len(times["bounds"]) + 1
    assert sum(times["counts"]) == 3, "each answer that decided a purchase counts once"


def test_how_the_shop_stands(client: FlaskClient) -> None:
    """Holds, units and products are those of the shop; what was deleted does not count."""
    before = datetime.now(UTC)
    make(client, stock=20, low_stock_threshold=5)
    make(client, stock=5, low_stock_threshold=5)
    make(client, stock=0, oversell_limit=3)
    gone = make(client, stock=50)
    held = make(client, stock=7)
    hold = {"lines": [{"product_id": held, "quantity": 3}], "ttl_seconds": 60}
    assert client.post("/api/reservations", json=hold).status_code == 201
    soon(client, "stock", {"products": 5, "low": 1, "empty": 1, "units_available": 79})
    path = f"/api/products/{gone}"
    assert client.delete(path, headers={"If-Match": "*"}).status_code == 204
    expected = {"products": 4, "low": 1, "empty": 1, "units_available": 29, "units_held": 3}
    soon(client, "stock", expected)
    now = seen(client)
    assert now["holds"] == {"open": 1, "overdue": 0}
    assert now["stores"] == {"mongodb": "ok", "redis": "ok"}
    assert now["webhooks"] == {"active": 0, "paused": 0, "oldest_waiting_seconds": 0.0}
    assert datetime.fromisoformat(now["stock"]["as_of"]) >= before.replace(microsecond=0)
    hook = client.post("/api/webhooks", json={"url": "https://shop.example/"}).get_json()
    assert client.post(f"/api/webhooks/{hook['id']}/test").status_code == 202
    soon(client, "webhooks", {"active": 1, "paused": 0})
    until(lambda: seen(client)["webhooks"]["oldest_waiting_seconds"] > 0)


def test_nothing_of_an_empty_shop(client: FlaskClient) -> None:
    """Where there is nothing, numbers are 0 and not missing."""
    sums = ("products", "low", "empty", "units_available", "units_held")
    assert {seen(client)["stock"][name] for name in sums} == {0}


@pytest.mark.parametrize(
    "mongo_url, redis_url, mongodb, redis",
    [
        (NOWHERE, "off", "unavailable", "off"),
        (NOWHERE, "redis://127.0.0.1:1/0", "unavailable", "degraded"),
        (None, "redis://127.0.0.1:1/0", "ok", "degraded"),
        (None, "off", "ok", "off"),
        (NOWHERE, None, "unavailable", "ok"),
    ],
)
def test_while_a_store_is_away(
    settings: Settings, mongo_url: str | None, redis_url: str | None, mongodb: str, redis: str
) -> None:
    """Whatever is away is said to be, with null for what only MongoDB knows; the rest is told."""
    mongo_url, away = mongo_url or settings.mongo_url, mongo_url is not None
    redis_url = redis_url or settings.redis_url
    app = create_app(replace(settings, mongo_url=mongo_url, redis_url=redis_url))
    try:
        found = seen(app.test_client())
    finally:
        close_app(app)
    assert found["stores"] == {"mongodb": mongodb, "redis": redis}
    unknown = {name for name in ("holds", "stock", "webhooks") if found[name] is None}
    assert unknown == ({"holds", "stock", "webhooks"} if away else set())
    assert found["workers"] == 1
    assert found["totals"]["purchases"] == 0


def test_too_many_to_look_at(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where adding up takes too long, products are still counted, and the low ones by an index."""
    make(client, stock=3, low_stock_threshold=5)
    make(client)
    monkeypatch.setattr(limits, "OVERVIEW_SCAN_SECONDS", 0.0)
    soon(client, "stock", {"products": 2, "low": 1, "empty": None, "units_available": None})


@pytest.fixture(name="stores")
def _stores(settings: Settings) -> Iterator[list[VersionedStore]]:
    """What three processes know of Redis."""
    found = [VersionedStore(connection.Connection(connection.connect(settings))) for _ in range(3)]
    for store in found:
        # A process that is new trusts nothing in Redis, until it has been asked for something.
        store.fetch(["anything"])
    yield found
    for store in found:
        store.close()


def test_many_ask_and_one_finds_out(stores: list[VersionedStore]) -> None:
    """Of all who ask at once, wherever they do, one makes the value and all get it."""
    numbers = count(1)
    everybody_is_there = threading.Barrier(24)

    def make_one() -> bytes:
        return b'{"n":%d}' % next(numbers)

    shared = [Shared(store, "test", 30.0, make_one) for store in stores]

    def ask(one: Shared) -> bytes:
        everybody_is_there.wait(10)
        return one.read()

    calls = [lambda one=one: ask(one) for one in shared for _ in range(8)]
    assert set(together(calls)) == {b'{"n":1}'}


def test_each_process_finds_out_for_itself_without_redis(settings: Settings) -> None:
    """Where there is no Redis, a process makes a value of its own, and keeps it as long."""
    away = replace(settings, redis_url="redis://127.0.0.1:1/0")
    numbers = count(1)
    for expected in (b"1", b"2"):
        store = VersionedStore(connection.Connection(connection.connect(away)))
        shared = Shared(store, "test", 30.0, lambda: b"%d" % next(numbers))
        assert set(together([shared.read] * 8)) == {expected}
        store.close()


def test_what_fails_is_tried_again(stores: list[VersionedStore]) -> None:
    """A value that could not be made keeps nobody from making it a moment later."""
    numbers = count()

    def make_one() -> bytes:
        return b"%d" % (1 // next(numbers))

    shared = Shared(stores[0], "test", 30.0, make_one)
    with pytest.raises(ZeroDivisionError):
        shared.read()
    assert Shared(stores[1], "test", 30.0, make_one).read() == b"1"
