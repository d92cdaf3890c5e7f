"""Every refusal is what the OpenAPI document says: its status, its headers and its problem."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from inventory import limits
from inventory.app import close_app, create_app
from inventory.settings import Settings
from tests.api.documented import (
    ADJUSTMENTS,
    FULL,
    NO_HOLD,
    NO_PURCHASE,
    NOWHERE,
    PRODUCT,
    PURCHASE,
    UNKNOWN,
    Call,
    Create,
    check,
    key,
    operation_of,
)

BODY = {"json": {"quantity": 1}}
LOSS = {"delta": -6, "reason": "lost"}
ANY = {"headers": {"If-Match": "*"}}
TOO_LARGE = b'"' + b"x" * limits.BODY_BYTES_MAX + b'"'
JSON = "application/json"


@pytest.mark.parametrize(
    "method, path, status, code, sent",
    [
        ("GET", NOWHERE, 404, "product_not_found", {}),
        ("GET", "/api/products/%C3%A4%20b", 404, "product_not_found", {}),
        ("GET", NOWHERE + "/stock", 404, "product_not_found", {}),
        ("GET", NOWHERE + "/movements", 404, "product_not_found", {}),
        ("GET", NOWHERE + "/integrity", 404, "product_not_found", {}),
        ("GET", "/api/integrity?cursor=x", 422, "validation_failed", {}),
        ("GET", "/api/purchases/66f1c0ffee66f1c0ffee0001", 404, "purchase_not_found", {}),
        ("GET", NO_HOLD, 404, "reservation_not_found", {}),
        ("PATCH", NO_HOLD, 404, "reservation_not_found", {"json": {"ttl_seconds": 1}}),
        ("POST", NO_HOLD + "/commit", 404, "reservation_not_found", {}),
        ("POST", NO_HOLD + "/release", 404, "reservation_not_found", {}),
        (
            "POST",
            NO_PURCHASE + "/returns",
            404,
            "purchase_not_found",
            {"json": {"lines": UNKNOWN, "reason": "x"}},
        ),
        ("POST", "/api/purchases", 404, "product_not_found", {"json": {"lines": UNKNOWN * 2}}),
        ("POST", "/api/purchases", 422, "validation_failed", {"json": {"lines": []}}),
        ("GET", "/api/purchases?cursor=x", 422, "validation_failed", {}),
        ("GET", "/api/reservations?state=open", 422, "validation_failed", {}),
        ("GET", "/problems/nothing", 404, "not_found", {}),
        ("GET", "/docs/nothing.js", 404, "not_found", {}),
        ("POST", NOWHERE + "/purchase", 404, "product_not_found", BODY),
        ("GET", "/api/products?limit=0&sort=stock", 422, "validation_failed", {}),
        ("GET", "/api/products?limit=1&limit=2", 422, "validation_failed", {}),
        ("GET", "/api/products?cursor=x", 422, "validation_failed", {}),
        ("GET", PRODUCT + "/stock?as_of=2999-01-01T00:00:00Z", 422, "validation_failed", {}),
        ("GET", PRODUCT + "/movements?kind=x", 422, "validation_failed", {}),
        ("POST", "/api/products", 422, "validation_failed", {"json": {"x": {"y": 1}}}),
        ("POST", "/api/products", 422, "validation_failed", {"json": []}),
        ("POST", "/api/products", 422, "validation_failed", {"json": FULL | {"price": "0.001"}}),
        ("POST", "/api/products", 409, "duplicate_sku", {"json": FULL | {"sku": "TAKEN"}}),
        ("POST", PURCHASE, 400, "malformed_json", {"data": b"{", "content_type": JSON}),
        ("POST", PURCHASE, 413, "payload_too_large", {"data": TOO_LARGE, "content_type": JSON}),
        ("POST", PURCHASE, 415, "unsupported_media_type", {"data": b"{}"}),
        ("POST", PURCHASE, 400, "invalid_idempotency_key", BODY | {"headers": key("")}),
        ("POST", PURCHASE, 409, "insufficient_stock", {"json": {"quantity": 6}}),
        ("POST", PURCHASE, 409, "purchase_limit_exceeded", {"json": {"quantity": 8}}),
        ("POST", ADJUSTMENTS, 409, "insufficient_stock", {"json": LOSS}),
        ("POST", ADJUSTMENTS, 409, "stale_stock", {"json": LOSS | {"expected_stock": 6}}),
        ("POST", ADJUSTMENTS, 422, "validation_failed", {"json": LOSS | {"delta": 1}}),
        ("PATCH", PRODUCT, 428, "precondition_required", {"json": {}}),
        ("PATCH", PRODUCT, 412, "stale_version", {"json": {}, "headers": {"If-Match": '"9-9"'}}),
        ("PATCH", PRODUCT, 422, "validation_failed", {"json": {"stock": 1}, **ANY}),
        ("PATCH", NOWHERE, 404, "product_not_found", {"json": {}, **ANY}),
        ("DELETE", PRODUCT, 428, "precondition_required", {}),
        ("DELETE", PRODUCT, 412, "stale_version", {"headers": {"If-Match": "anything"}}),
        ("DELETE", NOWHERE, 404, "product_not_found", ANY),
    ],
)
def test_problems_are_as_documented(
    call: Call, create: Create, method: str, path: str, status: int, code: str, sent: Any
) -> None:
    """A problem fits what the operation documents for its status."""
    id = create(sku="TAKEN", max_per_order=7)["id"]
    call(method, path.format(id=id), status, code, **sent)


def test_replayed_refusals_are_as_documented(call: Call, create: Create) -> None:
    """A refusal that is repeated for its key is still the documented one, and says so."""
    id = create(sku="TAKEN")["id"]
    for path, status, code, body in (
        ("/api/products", 409, "duplicate_sku", FULL | {"sku": "TAKEN"}),
        (PURCHASE.format(id=id), 409, "insufficient_stock", {"quantity": 6}),
        (NOWHERE + "/purchase", 404, "product_not_found", {"quantity": 1}),
        (ADJUSTMENTS.format(id=id), 409, "insufficient_stock", LOSS),
    ):
        first = call("POST", path, status, code, json=body, headers=key(path))
        again = call("POST", path, status, code, json=body, headers=key(path))
        assert (again.json, again.headers["Idempotent-Replayed"]) == (first.json, "true")
        changed = body | {"reference": "other"} if path != "/api/products" else FULL
        call("POST", path, 422, "idempotency_key_reused", json=changed, headers=key(path))


def test_full_counters_are_as_documented(
    call: Call, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stock beyond what the service counts is refused as documented."""
    path = ADJUSTMENTS.format(id=create(stock=5)["id"])
    monkeypatch.setattr(limits, "STOCK_MAX", 9)
    call("POST", path, 201, json={"delta": 4, "reason": "received"})
    call("POST", path, 409, "stock_limit_exceeded", json={"delta": 1, "reason": "received"})


@pytest.fixture(name="strict", scope="module")
def _strict(database_settings: Settings) -> Iterator[Flask]:
    """An app that takes no change of stock without an Idempotency-Key."""
    app = create_app(replace(database_settings, require_idempotency_key=True))
    yield app
    close_app(app)


def test_required_key_is_documented(strict: Flask, document: dict[str, Any]) -> None:
    """Where the key is mandatory the document says so, and its absence is a 400."""
    client = strict.test_client()
    strict_document = client.get("/openapi.json").get_json()
    assert strict_document["components"]["parameters"]["Idempotency-Key"]["required"]
    assert not document["components"]["parameters"]["Idempotency-Key"]["required"]
    response = client.post(NOWHERE + "/purchase", json={"quantity": 1})
    operation = operation_of(strict, strict_document, "POST", NOWHERE + "/purchase")
    assert response.get_json()["code"] == "idempotency_key_required"
    check(strict_document, operation, response)


@pytest.fixture(name="limited", scope="module")
def _limited(database_settings: Settings) -> Iterator[Flask]:
    """An app that takes five requests a minute."""
    app = create_app(replace(database_settings, rate_per_address=5))
    yield app
    close_app(app)


def test_limits_are_documented(limited: Flask, document: dict[str, Any], create: Create) -> None:
    """What answers say of limits, and the refusal of one request too many, are as documented."""
    client, path = limited.test_client(), f"/api/products/{create(stock=5)['id']}"
    read = client.get(path)
    sent: list[tuple[str, str, int, Any]] = [
        ("GET", path, 304, {"headers": {"If-None-Match": read.headers["ETag"]}}),
        ("POST", f"{path}/purchase", 201, {"json": {"quantity": 1}}),
        ("POST", f"{path}/purchase", 409, {"json": {"quantity": 9}}),
        ("DELETE", path, 204, {"headers": {"If-Match": "*"}}),
        ("POST", f"{path}/purchase", 429, {"json": {"quantity": 1}}),
        ("GET", path, 429, {}),
        ("GET", "/healthz", 200, {}),
    ]
    for method, where, status, more in sent:
        response = client.open(where, method=method, **more)
        assert response.status_code == status, response.text
        assert ("X-RateLimit-Remaining" in response.headers) == (where != "/healthz")
        assert ("Retry-After" in response.headers) == (status == 429)
        check(document, operation_of(limited, document, method, where), response)


@pytest.fixture(name="lonely", scope="module")
def _lonely() -> Iterator[Flask]:
    """An app whose stores are away."""
    app = create_app(Settings(mongo_url="mongodb://127.0.0.1:1/?replicaSet=rs0", redis_url="off"))
    yield app
    close_app(app)


@pytest.mark.parametrize(
    "method, path, sent",
    [
        ("GET", "/readyz", {}),
        ("GET", NOWHERE, {}),
        ("POST", NOWHERE + "/purchase", BODY | {"headers": key("k")}),
    ],
)
def test_absence_of_the_database_is_as_documented(
    lonely: Flask, document: dict[str, Any], method: str, path: str, sent: Any
) -> None:
    """Without MongoDB an operation answers the documented 503, with Retry-After."""
    response = lonely.test_client().open(path, method=method, **sent)
    assert response.status_code == 503
    assert response.headers["Retry-After"] == str(limits.RETRY_AFTER_SECONDS)
    check(document, operation_of(lonely, document, method, path), response)


def test_method_that_is_not_there_is_as_documented(
    client: FlaskClient, document: dict[str, Any]
) -> None:
    """A wrong method is answered with the methods that there are, a wrong path with 404."""
    for path, name in (("/api/products", "MethodNotAllowed"), ("/nowhere", "NotFound")):
        response = client.put(path)
        check(
            document,
            {"responses": {str(response.status_code): document["components"]["responses"][name]}},
            response,
        )
