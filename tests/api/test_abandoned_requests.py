"""Requests whose process died in the middle: a retry with the same key finds out and finishes."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from inventory.api.bodies import read_body, read_request_key
from inventory.api.schemas.products import NewProductSchema
from inventory.api.schemas.purchases import PurchaseSchema
from inventory.api.schemas.stock import AdjustmentSchema
from inventory.domain.claims import Claim
from inventory.domain.movements import Entry, Kind, Movement
from inventory.domain.stock import Operation
from inventory.repository import mongo
from inventory.settings import Settings
from tests.api.conftest import Create
from tests.api.support import Books, assert_problem, together, until
from tests.integration.conftest import Process

KEY = {"Idempotency-Key": "key-1"}
SCHEMAS = {"purchase": PurchaseSchema(), "adjustments": AdjustmentSchema()}
CAP = {"name": "Cap", "price": "5", "stock": 3}
CALLS = [
    ("/api/products/{id}/purchase", {"quantity": 2}),
    ("/api/products/{id}/adjustments", {"delta": -2, "reason": "lost"}),
    ("/api/products", CAP),
]


@pytest.fixture(name="dead")
def _dead(settings: Settings) -> Iterator[Process]:
    """The rooms of a process that does a part of a request and then no more."""
    with mongo.connect(settings) as client:
        yield Process(client, settings)


@pytest.fixture(name="product")
def _product(create: Create) -> dict[str, Any]:
    return create(stock=5, price="19.90")


def claim(
    app: Flask, dead: Process, path: str, body: dict[str, Any], *, fence_seconds: float
) -> Claim:
    """Make the claim that a process makes first of all for this request."""
    schema = SCHEMAS.get(path.rpartition("/")[2], NewProductSchema())
    with app.test_request_context(path, method="POST", json=body, headers=KEY):
        assert app.preprocess_request() is None
        key = read_request_key(read_body(schema), required=False)
    assert key is not None
    now = dead.clock.now()
    product_id = None if path == "/api/products" else path.split("/")[3]
    made = Claim.of(key, mongo.new_id(), now, now + timedelta(seconds=fence_seconds), product_id)
    assert dead.operations.add_many([made]) == set()
    return made


def apply(dead: Process, made: Claim, body: dict[str, Any]) -> None:
    """Have the effect of the claimed request."""
    delta, reason = body.get("delta", -body.get("quantity", 0)), body.get("reason")
    kind = Kind.ADJUSTMENT if reason else Kind.PURCHASE
    now = dead.clock.now()
    entry = Entry(made.operation_id, kind, delta, now, reason=reason)
    assert made.product_id is not None
    operation = Operation(made.product_id, entry, fence=now + timedelta(seconds=60))
    assert dead.stock.apply(made.product_id, [operation]) is not None


def tail_of(dead: Process, product: dict[str, Any]) -> list[Movement]:
    """Return what waits in the tail of a product."""
    snapshot = dead.stock.get(product["id"])
    assert snapshot is not None
    return snapshot.movements()


def settle(dead: Process, product: dict[str, Any]) -> bool:
    """Carry over what waits in the tail, and tell whether nothing is left there."""
    snapshot = dead.stock.get(product["id"])
    assert snapshot is not None
    dead.archive.settle([snapshot])
    return not tail_of(dead, product)


@pytest.mark.parametrize("path, body", CALLS)
def test_a_request_that_is_still_running(
    app: Flask,
    client: FlaskClient,
    books: Books,
    dead: Process,
    product: dict[str, Any],
    path: str,
    body: dict[str, Any],
) -> None:
    """A repetition of a request that may still be running is told to come back later."""
    path = path.format(id=product["id"])
    claim(app, dead, path, body, fence_seconds=60)
    before = books.digest()
    answer = client.post(path, json=body, headers=KEY)
    assert_problem(answer, 409, "idempotency_in_progress")
    assert answer.headers["Retry-After"] == "1"
    other = {"reference": "r"} if path != "/api/products" else {"sku": "C-1"}
    answer = client.post(path, json=body | other, headers=KEY)
    assert_problem(answer, 422, "idempotency_key_reused")
    assert books.digest() == before


@pytest.mark.parametrize("path, body", CALLS)
def test_death_before_the_effect(
    app: Flask,
    client: FlaskClient,
    books: Books,
    dead: Process,
    product: dict[str, Any],
    path: str,
    body: dict[str, Any],
) -> None:
    """A request that was claimed and never carried out is carried out by its repetition, once."""
    path = path.format(id=product["id"])
    claim(app, dead, path, body, fence_seconds=-0.001)
    first = client.post(path, json=body, headers=KEY)
    assert first.status_code == 201
    assert "Idempotent-Replayed" not in first.headers
    before = books.digest()
    again = client.post(path, json=body, headers=KEY)
    assert (again.data, again.headers["Idempotent-Replayed"]) == (first.data, "true")
    assert books.digest() == before
    if path == "/api/products":
        assert books.count("products") == 2
    else:
        assert books.counters(product["id"]) == (3, 2)
        books.assert_exact(product["id"])


def test_death_before_a_refusal(
    app: Flask, client: FlaskClient, books: Books, dead: Process, product: dict[str, Any]
) -> None:
    """What the repetition of an abandoned request is refused is kept like any other refusal."""
    path, body = f"/api/products/{product['id']}/purchase", {"quantity": 6}
    claim(app, dead, path, body, fence_seconds=-0.001)
    first = client.post(path, json=body, headers=KEY)
    assert_problem(first, 409, "insufficient_stock")
    adjustment = {"delta": 10, "reason": "received"}
    client.post(f"/api/products/{product['id']}/adjustments", json=adjustment)
    again = client.post(path, json=body, headers=KEY)
    assert (again.data, again.headers["Idempotent-Replayed"]) == (first.data, "true")
    assert books.counters(product["id"]) == (15, 2)


@pytest.mark.parametrize("path, body", CALLS)
def test_many_repetitions_of_an_abandoned_request(
    app: Flask,
    books: Books,
    dead: Process,
    product: dict[str, Any],
    path: str,
    body: dict[str, Any],
) -> None:
    """Only one of many repetitions takes an abandoned request over."""
    path = path.format(id=product["id"])
    claim(app, dead, path, body, fence_seconds=-0.001)
    answers: list[Any] = together(
        [lambda: app.test_client().post(path, json=body, headers=KEY) for _ in range(8)]
    )
    done = {answer.data for answer in answers if answer.status_code == 201}
    assert len(done) == 1
    for answer in answers:
        if answer.status_code != 201:
            assert_problem(answer, 409, "idempotency_in_progress")
    if path == "/api/products":
        assert books.count("products") == 2
    else:
        assert books.counters(product["id"]) == (3, 2)
        books.assert_exact(product["id"])


@pytest.mark.parametrize("fence_seconds", [60, -0.001])
@pytest.mark.parametrize("where", ["tail", "ledger and tail", "ledger"])
@pytest.mark.parametrize("path, body", CALLS[:2])
def test_death_after_the_effect(
    app: Flask,
    client: FlaskClient,
    books: Books,
    dead: Process,
    product: dict[str, Any],
    path: str,
    body: dict[str, Any],
    where: str,
    fence_seconds: float,
) -> None:
    """The effect of a request that nobody was told of is found wherever it is, and answered."""
    path = path.format(id=product["id"])
    made = claim(app, dead, path, body, fence_seconds=fence_seconds)
    apply(dead, made, body)
    if where == "ledger and tail":
        dead.archive.add(tail_of(dead, product))
    elif where == "ledger":
        until(lambda: settle(dead, product))
    edit = {"price": "7"}
    edited = client.patch(f"/api/products/{product['id']}", json=edit, headers={"If-Match": "*"})
    assert edited.status_code == 200
    answers = [client.post(path, json=body, headers=KEY) for _ in range(2)]
    for answer in answers:
        assert answer.status_code == 201
        assert answer.headers["Idempotent-Replayed"] == "true"
        assert answer.data == answers[0].data
        assert answer.json is not None
        assert answer.json["id"] == made.operation_id
        if "purchase" in path:
            assert answer.json["total"] == "39.80"
            assert client.get(f"/api/purchases/{made.operation_id}").json == answer.json
    assert books.counters(product["id"]) == (3, 2)
    books.assert_exact(product["id"])


def test_a_process_that_wakes_too_late(
    app: Flask, client: FlaskClient, books: Books, dead: Process, product: dict[str, Any]
) -> None:
    """A process that was only frozen cannot carry out a request that was taken over meanwhile."""
    path, body = f"/api/products/{product['id']}/purchase", {"quantity": 2}
    made = claim(app, dead, path, body, fence_seconds=-0.001)
    assert client.post(path, json=body, headers=KEY).status_code == 201
    entry = Entry(made.operation_id, Kind.PURCHASE, -2, dead.clock.now())
    for fence in (made.fence, dead.clock.now() + timedelta(seconds=60)):
        assert dead.stock.apply(product["id"], [Operation(product["id"], entry, fence)]) is None
    assert books.counters(product["id"]) == (3, 2)
    books.assert_exact(product["id"])
