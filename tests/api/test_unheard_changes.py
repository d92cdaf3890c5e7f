"""Changes that were committed though whoever asked for them was told nothing, and no cache either.

A worker that dies, or hears no answer of the database, leaves them so. Whoever is told of such a
change later, in whatever words, must then read it; and who is told nothing reads it soon.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from inventory.api.context import context_of
from inventory.api.reads import ProductReads
from inventory.app import close_app, create_app
from inventory.domain.stock import Operation, Snapshot
from inventory.errors import OutcomeUnknown
from inventory.repository.mongo import Transactions
from inventory.repository.stock import StockRepository
from inventory.settings import Settings
from tests.api.conftest import Create
from tests.api.support import is_hit, until

ANY = {"If-Match": "*"}


@contextmanager
def answers_lost() -> Iterator[None]:
    """Let transactions be committed, and nobody hear of it."""
    run = Transactions.run

    def run_unheard(self: Transactions, work: Callable[[Any], Any]) -> Any:
        run(self, work)
        raise OutcomeUnknown

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Transactions, "run", run_unheard)
        yield


@pytest.fixture(name="path")
def _path(client: FlaskClient, create: Create) -> str:
    """A product with five units that everybody knows from the cache."""
    path = f"/api/products/{create()['id']}"
    for shown in (path, "/api/products"):
        until(partial(is_hit, client, shown))
    return path


def test_a_product_that_was_deleted(client: FlaskClient, path: str) -> None:
    """Who is told that it is gone does not find it any more, neither by its id nor in lists."""
    with answers_lost():
        assert client.delete(path, headers=ANY).status_code == 503
    assert client.delete(path, headers=ANY).status_code == 404
    assert client.get(path).status_code == 404
    assert client.get("/api/products").get_json()["items"] == []


def test_a_product_that_was_edited(client: FlaskClient, path: str) -> None:
    """Who is told that it is another one by now reads that one."""
    seen = {"If-Match": client.get(path).headers["ETag"]}
    with answers_lost():
        assert client.patch(path, json={"name": "Hat"}, headers=seen).status_code == 503
    assert client.patch(path, json={"name": "Hat"}, headers=seen).status_code == 412
    assert client.get(path).get_json()["name"] == "Hat"
    assert client.get("/api/products").get_json()["items"][0]["name"] == "Hat"


def _hold(client: FlaskClient, path: str) -> str:
    line = {"product_id": path.rpartition("/")[2], "quantity": 2}
    held = client.post("/api/reservations", json={"lines": [line], "ttl_seconds": 600})
    assert held.status_code == 201
    assert client.get(path).get_json()["held"] == 2
    return f"/api/reservations/{held.get_json()['id']}"


@pytest.mark.parametrize("ending, answer, stock", [("release", 200, 5), ("commit", 201, 3)])
def test_a_hold_that_was_ended(
    client: FlaskClient, path: str, ending: str, answer: int, stock: int
) -> None:
    """Who ends it once more is told so, and then reads what became of its units."""
    hold = _hold(client, path)
    with answers_lost():
        assert client.post(f"{hold}/{ending}").status_code == 503
    assert client.post(f"{hold}/{ending}").status_code == answer
    product = client.get(path).get_json()
    assert (product["held"], product["stock"]) == (0, stock)


def test_a_hold_that_another_worker_is_about_to_tell_of(
    app: Flask,
    client: FlaskClient,
    path: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without any fault: between a commit and its publication another worker repeats it."""
    hold, begun, go = _hold(client, path), threading.Event(), threading.Event()
    slow, publish = context_of(app).reads, ProductReads.publish

    def publish_late(self: ProductReads, *told: Any) -> None:
        if self is slow:
            begun.set()
            assert go.wait(10)
        publish(self, *told)

    second = create_app(settings)
    try:
        other = second.test_client()
        assert other.get(path).get_json()["held"] == 2
        monkeypatch.setattr(ProductReads, "publish", publish_late)
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(lambda: app.test_client().post(f"{hold}/commit").status_code)
            assert begun.wait(10)
            assert other.post(f"{hold}/commit").status_code == 201
            assert other.get(path).get_json()["held"] == 0
            go.set()
            assert first.result() == 201
    finally:
        go.set()
        close_app(second)


def test_a_sale_that_was_found_to_be_done(
    client: FlaskClient, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A buyer whose unclear purchase was found in the tail reads a stock without it."""
    apply = StockRepository.apply

    def apply_unheard(
        self: StockRepository, product_id: str, operations: list[Operation]
    ) -> Snapshot | None:
        apply(self, product_id, operations)
        raise OutcomeUnknown

    with monkeypatch.context() as patch:
        patch.setattr(StockRepository, "apply", apply_unheard)
        bought = client.post(f"{path}/purchase", json={"quantity": 1})
    assert (bought.status_code, bought.get_json()["remaining_stock"]) == (201, 4)
    assert client.get(path).get_json()["stock"] == 4


def test_a_cart_that_nobody_asks_for_again(client: FlaskClient, create: Create, path: str) -> None:
    """What was bought is off the shelf for readers as well, after some seconds."""
    other = create(name="Cap")["id"]
    lines = [{"product_id": id, "quantity": 2} for id in (path.rpartition("/")[2], other)]
    with answers_lost():
        assert client.post("/api/purchases", json={"lines": lines}).status_code == 503
    until(lambda: client.get(path).get_json()["stock"] == 3)


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_an_edit_that_nobody_asks_for_again(client: FlaskClient, path: str, method: str) -> None:
    """The same holds for terms, and for a product that is gone."""
    with answers_lost():
        body = {"name": "Hat"} if method == "PATCH" else None
        assert client.open(path, method=method, json=body, headers=ANY).status_code == 503
    until(lambda: client.get(path).get_json().get("name", "gone") in ("Hat", "gone"))
    items = client.get("/api/products").get_json()["items"]
    assert [item["name"] for item in items] == (["Hat"] if method == "PATCH" else [])
