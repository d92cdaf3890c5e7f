"""Idempotency-Key over HTTP: one effect and one answer, however often a request is sent."""

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from inventory.app import close_app, create_app
from inventory.settings import Settings
from tests.api.conftest import Create
from tests.api.support import Books, assert_problem, together

KEY = {"Idempotency-Key": "key-1"}
CAP = {"name": "Cap", "price": "5", "stock": 3, "sku": "C-1"}
# What of the headers may differ between an answer and its repetition.
_OF_THE_REQUEST = {"X-Request-ID", "Idempotent-Replayed"}


def assert_repeated(first: Any, again: Any) -> None:
    """Assert that `again` is `first` to the letter, and says that it is a repetition."""
    assert (again.status_code, again.data) == (first.status_code, first.data)
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert first.headers["X-Request-ID"] != again.headers["X-Request-ID"]
    kept, repeated = (
        {name: value for name, value in answer.headers if name not in _OF_THE_REQUEST}
        for answer in (first, again)
    )
    assert repeated == kept


@pytest.fixture(name="product")
def _product(create: Create) -> dict[str, Any]:
    return create(stock=5, max_per_order=6, sku="TAKEN")


REQUESTS = [
    ("/api/products/{id}/purchase", {"quantity": 2, "reference": "r"}, 201),
    ("/api/products/{id}/purchase", {"quantity": 6}, 409),
    ("/api/products/{id}/purchase", {"quantity": 7}, 409),
    ("/api/products/{id}/adjustments", {"delta": 2, "reason": "found", "note": "x"}, 201),
    ("/api/products/{id}/adjustments", {"delta": -6, "reason": "lost"}, 409),
    ("/api/products/{id}/adjustments", {"delta": 1, "reason": "found", "expected_stock": 9}, 409),
    ("/api/products/000000000000000000000000/purchase", {"quantity": 1}, 404),
    ("/api/products/x%00y/purchase", {"quantity": 1}, 404),
    ("/api/products/x/adjustments", {"delta": 1, "reason": "found"}, 404),
    ("/api/products", CAP | {"attributes": {"weight": 0.10, "size": 4, "new": True}}, 201),
    ("/api/products", CAP | {"sku": "TAKEN"}, 409),
]


@pytest.mark.parametrize("path, body, status", REQUESTS)
def test_the_same_answer_again(
    client: FlaskClient,
    books: Books,
    product: dict[str, Any],
    path: str,
    body: dict[str, Any],
    status: int,
) -> None:
    """A repeated request changes nothing and gets the first answer, success or refusal."""
    path = path.format(id=product["id"])
    first = client.post(path, json=body, headers=KEY)
    assert first.status_code == status
    before = books.digest()
    for _ in range(2):
        assert_repeated(first, client.post(path, json=body, headers=KEY))
    assert books.digest() == before
    assert books.count("operations") == 1


def test_an_answer_outlives_what_it_speaks_of(
    client: FlaskClient, books: Books, product: dict[str, Any]
) -> None:
    """The first answer is repeated also when everything has changed since, or is gone."""
    path = f"/api/products/{product['id']}"
    calls = [
        (f"{path}/purchase", {"quantity": 2}),
        (f"{path}/purchase", {"quantity": 4}),
        (f"{path}/adjustments", {"delta": 1, "reason": "found"}),
        ("/api/products", CAP),
        ("/api/products", CAP | {"sku": "TAKEN"}),
    ]
    headers = [{"Idempotency-Key": f"key-{number}"} for number in range(len(calls))]
    requests = [(*call, sent) for call, sent in zip(calls, headers, strict=True)]
    first = [client.post(path, json=body, headers=sent) for path, body, sent in requests]
    assert [answer.status_code for answer in first] == [201, 409, 201, 201, 409]
    any_version = {"If-Match": "*"}
    assert client.patch(path, json={"price": "7"}, headers=any_version).status_code == 200
    new = f"/api/products/{(first[3].json or {})['id']}"
    assert client.patch(new, json={"name": "Hat"}, headers=any_version).status_code == 200
    for gone in (path, new):
        assert client.delete(gone, headers=any_version).status_code == 204
    before = books.digest()
    for answer, (call, body, sent) in zip(first, requests, strict=True):
        assert_repeated(answer, client.post(call, json=body, headers=sent))
    assert books.digest() == before


def test_a_key_is_for_one_request(
    client: FlaskClient, books: Books, create: Create, product: dict[str, Any]
) -> None:
    """A key that comes with another body or for another resource is refused, with no effect."""
    other = create(stock=5)
    path = f"/api/products/{product['id']}"
    assert client.post(f"{path}/purchase", json={"quantity": 2}, headers=KEY).status_code == 201
    before = books.digest()
    for call, body in [
        (f"{path}/purchase", {"quantity": 3}),
        (f"{path}/purchase", {"quantity": 2, "reference": "r"}),
        (f"/api/products/{other['id']}/purchase", {"quantity": 2}),
        (f"{path}/adjustments", {"delta": -2, "reason": "lost"}),
        ("/api/products", CAP),
    ]:
        answer = client.post(call, json=body, headers=KEY)
        assert_problem(answer, 422, "idempotency_key_reused")
        assert "Idempotent-Replayed" not in answer.headers
    assert books.digest() == before


def test_the_same_request_in_other_words(
    client: FlaskClient, books: Books, product: dict[str, Any]
) -> None:
    """A request is what it means: the order of its fields and its white space do not matter."""
    path = f"/api/products/{product['id']}/purchase"
    bodies = [
        b'{"quantity": 2, "reference": "r", "customer_id": "ann"}',
        b' {"customer_id":"ann","reference":"r",\n"quantity":2}',
        b'{"reference": "\\u0072", "quantity": 2, "customer_id": "ann"}',
    ]
    answers = [
        client.post(path, data=body, content_type="application/json", headers=KEY)
        for body in bodies
    ]
    for again in answers[1:]:
        assert_repeated(answers[0], again)
    assert books.counters(product["id"]) == (3, 2)


def test_different_keys_are_different_requests(
    client: FlaskClient, books: Books, product: dict[str, Any]
) -> None:
    """The same wish under another key, or without one, is a new wish."""
    path = f"/api/products/{product['id']}/purchase"
    for headers in ({"Idempotency-Key": "a"}, {"Idempotency-Key": "A"}, {}, {}):
        answer = client.post(path, json={"quantity": 1}, headers=headers)
        assert answer.status_code == 201
        assert "Idempotent-Replayed" not in answer.headers
    assert books.counters(product["id"]) == (1, 5)
    assert books.count("operations") == 2


@pytest.mark.parametrize("path, body", [
    ("/api/products/{id}/purchase", {"quantity": 2}),
    ("/api/products/{id}/adjustments", {"delta": -2, "reason": "lost"}),
    ("/api/products", CAP),
])  # fmt: skip
def test_the_same_request_at_the_same_time(
    app: Flask, books: Books, product: dict[str, Any], path: str, body: dict[str, Any]
) -> None:
    """Of requests with one key at once one has its effect; the others hear of it, or wait."""
    path = path.format(id=product["id"])
    answers: list[Any] = together(
        [lambda: app.test_client().post(path, json=body, headers=KEY) for _ in range(8)]
    )
    (first,) = [
        a for a in answers if a.status_code == 201 and "Idempotent-Replayed" not in a.headers
    ]
    for answer in answers:
        if answer.status_code == 409:
            assert_problem(answer, 409, "idempotency_in_progress")
            assert answer.headers["Retry-After"] == "1"
        elif answer is not first:
            assert_repeated(first, answer)
    assert_repeated(first, app.test_client().post(path, json=body, headers=KEY))
    if path == "/api/products":
        assert books.count("products") == 2
    else:
        assert books.counters(product["id"]) == (3, 2)
        books.assert_exact(product["id"])


@pytest.mark.parametrize("path, body, status", [
    ("/api/products/{id}/purchase", {"quantity": 0}, 422),
    ("/api/products/{id}/purchase", {"quantity": 1, "x": 1}, 422),
    ("/api/products/{id}/adjustments", {"delta": 1, "reason": "lost"}, 422),
    ("/api/products", CAP | {"price": "0.001"}, 422),
])  # fmt: skip
def test_a_request_that_is_not_valid_uses_up_no_key(
    client: FlaskClient,
    books: Books,
    product: dict[str, Any],
    path: str,
    body: dict[str, Any],
    status: int,
) -> None:
    """Who corrects a mistake in a request may send it with the same key."""
    path = path.format(id=product["id"])
    assert client.post(path, json=body, headers=KEY).status_code == status
    assert books.count("operations") == 0


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "a\x7fb", "\x85", "\xa0"])
def test_a_key_that_is_none(
    client: FlaskClient, books: Books, product: dict[str, Any], key: str
) -> None:
    """An empty, overlong or unprintable key is refused on every call that takes one."""
    before = books.digest()
    for path, body, _ in REQUESTS:
        answer = client.post(
            path.format(id=product["id"]), json=body, headers={"Idempotency-Key": key}
        )
        assert_problem(answer, 400, "invalid_idempotency_key")
    assert books.digest() == before


@pytest.mark.parametrize("key", ["x", "x" * 255, "with spaces, and: more", "$where", "é"])
def test_a_key_that_is_one(client: FlaskClient, product: dict[str, Any], key: str) -> None:
    """Any text of up to 255 printable characters is a key."""
    path = f"/api/products/{product['id']}/purchase"
    first, again = (
        client.post(path, json={"quantity": 1}, headers={"Idempotency-Key": key}) for _ in range(2)
    )
    assert_repeated(first, again)


def test_a_service_that_insists_on_keys(settings: Settings, books: Books) -> None:
    """Where the operator says so, nothing that changes stock is done without a key."""
    app = create_app(replace(settings, require_idempotency_key=True))
    try:
        client = app.test_client()
        created = client.post("/api/products", json=CAP, headers=KEY).json
        assert created is not None
        before = books.digest()
        path = f"/api/products/{created['id']}"
        for call, body in [
            (f"{path}/purchase", {"quantity": 1}),
            (f"{path}/adjustments", {"delta": 1, "reason": "found"}),
            ("/api/products", CAP | {"sku": "other"}),
        ]:
            assert_problem(client.post(call, json=body), 400, "idempotency_key_required")
        assert books.digest() == before
        keyed = {"Idempotency-Key": "key-2"}
        assert (
            client.post(f"{path}/purchase", json={"quantity": 1}, headers=keyed).status_code == 201
        )
        edited = client.patch(path, json={"name": "Hat"}, headers={"If-Match": "*"})
        assert edited.status_code == 200
        assert client.get(path).status_code == 200
    finally:
        close_app(app)
