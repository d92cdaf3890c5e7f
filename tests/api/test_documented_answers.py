"""What the service really answers is what the OpenAPI document says: a tour through all of it."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from werkzeug.test import TestResponse

from inventory import limits
from inventory.api.openapi.wording import EXAMPLES
from inventory.app import close_app, create_app
from inventory.repository import mongo
from inventory.settings import Settings

Create = Callable[..., dict[str, Any]]
Call = Callable[..., Any]

PRODUCT = "/api/products/{id}"
PURCHASE = "/api/products/{id}/purchase"
ADJUSTMENTS = "/api/products/{id}/adjustments"
NOWHERE = "/api/products/66f1c0ffee66f1c0ffee0001"
NO_PURCHASE = "/api/purchases/66f1c0ffee66f1c0ffee0001"
NO_HOLD = "/api/reservations/66f1c0ffee66f1c0ffee0001"
UNKNOWN = [{"product_id": "66f1c0ffee66f1c0ffee0001", "quantity": 1}]
FULL = EXAMPLES["NewProductRequest"] | {"price": 89.9, "stock": 3, "oversell_limit": 4}
# Headers that say nothing about an operation.
# What every answer carries, so no operation names it.
ORDINARY = {
    "Content-Type",
    "Content-Length",
    "X-Content-Type-Options",
    "Referrer-Policy",
    "X-Frame-Options",
    "Content-Security-Policy",
}


@pytest.fixture(name="document", scope="session")
def _document(app: Flask) -> dict[str, Any]:
    document: dict[str, Any] = app.test_client().get("/openapi.json").get_json()
    return document


@pytest.fixture(name="call")
def _call(app: Flask, client: FlaskClient, document: dict[str, Any]) -> Call:
    """Send a request, check the answer by the document, and return it."""

    def call(method: str, path: str, status: int, code: str | None = None, **sent: Any) -> Any:
        response = client.open(path, method=method, **sent)
        assert response.status_code == status, response.text
        if code is not None:
            assert response.get_json()["code"] == code
        check(document, operation_of(app, document, method, path), response)
        return response

    return call


def operation_of(app: Flask, document: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    """Return the documented operation that serves a path."""
    endpoint, _ = app.url_map.bind("").match(urlsplit(path).path, method=method)
    (found,) = (
        operation
        for operations in document["paths"].values()
        for operation in operations.values()
        if operation["operationId"] == endpoint.rpartition(".")[2]
    )
    return found


def check(document: dict[str, Any], operation: dict[str, Any], response: TestResponse) -> None:
    """Check an answer's status, headers, media type and body by its operation."""
    assert str(response.status_code) in operation["responses"]
    promised = operation["responses"][str(response.status_code)]
    check_headers(document, promised["headers"], response)
    if "content" not in promised:
        assert response.data == b""
        return
    assert response.mimetype in promised["content"]
    if response.is_json:
        check_value(document, promised["content"][str(response.mimetype)]["schema"], response.json)


def check_headers(
    document: dict[str, Any], promised: dict[str, Any], response: TestResponse
) -> None:
    """Check that an answer has the headers that are promised, and no others."""
    assert set(response.headers.keys()) - ORDINARY <= promised.keys()
    for name in promised:
        header = document["components"]["headers"][name]
        assert name in response.headers or not header["required"]
        if name in response.headers:
            text = response.headers[name]
            value = int(text) if header["schema"]["type"] == "integer" else text
            check_value(document, header["schema"], value)


def check_value(document: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    """Check a value by a schema whose references lead into the document."""
    whole = {"components": document["components"], **schema}
    OAS31Validator(whole, format_checker=oas31_format_checker).validate(value)


def key(text: str) -> dict[str, str]:
    """Return the header that makes a request idempotent."""
    return {"Idempotency-Key": text}


def test_body_examples_are_taken(call: Call, document: dict[str, Any]) -> None:
    """Whoever sends the examples of the bodies gets what they ask for."""
    bodies = {
        operation["operationId"]: operation["requestBody"]["content"]["application/json"]["example"]
        for operations in document["paths"].values()
        for operation in operations.values()
        if "requestBody" in operation
    }
    id = call("POST", "/api/products", 201, json=bodies.pop("create_product")).json["id"]
    match = {"If-Match": "*"}
    call("PATCH", PRODUCT.format(id=id), 200, json=bodies.pop("edit_product"), headers=match)
    # The examples speak of one customer, who would soon have had enough.
    call("PATCH", PRODUCT.format(id=id), 200, json={"max_per_customer": None}, headers=match)
    call("POST", ADJUSTMENTS.format(id=id), 201, json=bodies.pop("adjust_stock"))

    def meant(name: str) -> Any:
        """Return an example that speaks of the product that there is."""
        text = json.dumps(bodies.pop(name))
        return json.loads(text.replace(EXAMPLES["Product"]["id"], id))

    sold = call("POST", PURCHASE.format(id=id), 201, json=meant("purchase_product")).json
    call("POST", "/api/purchases", 201, json=meant("buy_cart"))
    call("POST", f"/api/purchases/{sold['id']}/returns", 201, json=meant("return_units"))
    holds = "/api/reservations"
    hold = meant("hold_units")
    held = f"{holds}/{call('POST', holds, 201, json=hold).json['id']}"
    call("PATCH", held, 200, json=meant("extend_reservation"))
    call("POST", f"{held}/commit", 201, json=meant("commit_reservation"))
    held = f"{holds}/{call('POST', holds, 201, json=hold).json['id']}"
    call("POST", f"{held}/release", 200, json=meant("release_reservation"))
    call("POST", "/api/stocktakes", 201, json=meant("post_stocktake"))
    made = call("POST", "/api/keys", 201, json=bodies.pop("make_key"))
    webhook = call("POST", "/api/webhooks", 201, json=bodies.pop("make_webhook"))
    call("PATCH", webhook.headers["Location"], 200, json=bodies.pop("edit_webhook"))
    call("POST", "/api/products/bulk", 200, json=bodies.pop("import_products"), buffered=True)
    call("POST", "/api/rehearsals", 202, json=bodies.pop("begin_rehearsal"))
    example = bodies.pop("sign_in")
    call("POST", "/api/session", 401, "invalid_api_key", json=example)
    call("POST", "/api/session", 201, json=example | {"key": made.json["key"]})
    assert bodies == {}


def test_catalogue_answers_as_documented(call: Call) -> None:
    """Products come, are read, listed, edited and go in answers that fit the document."""
    full = call("POST", "/api/products", 201, json=FULL, headers=key("full"))
    assert call("POST", "/api/products", 201, json=FULL, headers=key("full")).json == full.json
    call("POST", "/api/products", 201, json={"name": "x", "price": "0", "stock": 0})
    path = full.headers["Location"]
    read = call("GET", path, 200)
    call("GET", path, 200)
    call("GET", path, 200, headers={"Cache-Control": "no-cache"})
    call("GET", path, 304, headers={"If-None-Match": read.headers["ETag"]})
    page = call("GET", "/api/products?limit=1", 200)
    call("GET", f"/api/products?limit=1&cursor={page.json['next_cursor']}", 200)
    call("GET", "/api/products?limit=1", 304, headers={"If-None-Match": page.headers["ETag"]})
    call("GET", "/api/products?q=air&in_stock=true&tag=shoes&sort=-price&max_price=90", 200)
    patch = {"price": "79.00", "max_per_customer": None, "attributes": {"size": None}}
    edited = call("PATCH", path, 200, json=patch, headers={"If-Match": read.headers["ETag"]})
    call("DELETE", path, 204, headers={"If-Match": edited.headers["ETag"]})


def test_stock_answers_as_documented(call: Call, create: Create) -> None:
    """Purchases, adjustments, counters and the ledger answer what fits the document."""
    id = create(**FULL | {"max_per_customer": None})["id"]
    sold = call("POST", PURCHASE.format(id=id), 201, json={"quantity": 5}, headers=key("a"))
    again = call("POST", PURCHASE.format(id=id), 201, json={"quantity": 5}, headers=key("a"))
    assert (again.json, again.headers["Idempotent-Replayed"]) == (sold.json, "true")
    assert sold.json["backordered"] == 2
    call("GET", sold.headers["Location"], 200)
    received = {"delta": 7, "reason": "received", "note": "Two\nlines.", "expected_stock": -2}
    moved = call("POST", ADJUSTMENTS.format(id=id), 201, json=received, headers=key("b"))
    call("POST", ADJUSTMENTS.format(id=id), 201, json=received, headers=key("b"))
    call("GET", f"/api/products/{id}/stock", 200)
    call("GET", f"/api/products/{id}/stock?as_of={quote(moved.json['at'])}", 200)
    page = call("GET", f"/api/products/{id}/movements?limit=1", 200)
    cursor = page.json["next_cursor"]
    assert len(call("GET", f"/api/products/{id}/movements?cursor={cursor}", 200).json["items"]) == 2
    call("GET", f"/api/products/{id}/movements?kind=purchase", 200)


def test_carts_and_returns_answer_as_documented(call: Call, create: Create) -> None:
    """Carts, lists of purchases and returns answer what fits the document."""
    one, two = create(stock=3)["id"], create(stock=3, sku="TWO", oversell_limit=1)["id"]
    cart = {"lines": [{"product_id": one, "quantity": 2}, {"sku": "TWO", "quantity": 4}]}
    bought = call("POST", "/api/purchases", 201, json=cart, headers=key("a"))
    again = call("POST", "/api/purchases", 201, json=cart, headers=key("a"))
    assert (again.json, again.headers["Idempotent-Replayed"]) == (bought.json, "true")
    assert call("GET", bought.headers["Location"], 200).json == bought.json
    call("POST", "/api/purchases", 201, json={"lines": [{"product_id": one, "quantity": 1}]})
    page = call("GET", "/api/purchases?limit=1", 200)
    call("GET", f"/api/purchases?cursor={page.json['next_cursor']}&product_id={two}", 200)
    path = bought.headers["Location"] + "/returns"
    back = {"lines": [{"product_id": two, "quantity": 3}], "reason": "too big", "restock": False}
    first = call("POST", path, 201, json=back, headers=key("b"))
    assert call("POST", path, 201, json=back, headers=key("b")).json == first.json
    call("POST", path, 409, "return_exceeds_purchased", json=back)
    call("GET", bought.headers["Location"], 200)


def test_reservations_answer_as_documented(call: Call, create: Create) -> None:
    """Holds, and everything that becomes of them, answer what fits the document."""
    one, two = create(stock=9)["id"], create(stock=9)["id"]
    lines = [{"product_id": one, "quantity": 2}, {"product_id": two, "quantity": 3}]
    body = {"lines": lines, "ttl_seconds": 60, "customer_id": "ann", "reference": "cart 1"}
    held = call("POST", "/api/reservations", 201, json=body, headers=key("a"))
    assert call("POST", "/api/reservations", 201, json=body, headers=key("a")).json == held.json
    path = held.headers["Location"]
    call("GET", path, 200)
    call("PATCH", path, 200, json={"ttl_seconds": 90})
    some = {"lines": [{"product_id": one, "quantity": 1}]}
    call("POST", f"{path}/commit", 409, "commit_exceeds_held", json={"lines": lines[:1] * 2})
    sold = call("POST", f"{path}/commit", 201, json=some, headers=key("b"))
    assert call("POST", f"{path}/commit", 201).json == sold.json
    call("POST", f"{path}/commit", 409, "reservation_committed", json={"lines": lines})
    call("PATCH", path, 409, "reservation_committed", json={"ttl_seconds": 90})
    call("POST", f"{path}/release", 409, "reservation_committed")
    path = call("POST", "/api/reservations", 201, json=body).headers["Location"]
    call("POST", f"{path}/release", 200, headers=key("c"))
    call("POST", f"{path}/release", 200)
    call("POST", f"{path}/commit", 409, "reservation_released")
    call("PATCH", path, 409, "reservation_released", json={"ttl_seconds": 90})
    page = call("GET", "/api/reservations?limit=1", 200)
    more = f"cursor={page.json['next_cursor']}&state=committed&customer_id=ann&product_id={one}"
    assert len(call("GET", f"/api/reservations?{more}", 200).json["items"]) == 1


def test_stocktakes_answer_as_documented(call: Call, create: Create) -> None:
    """Counts and what speaks against them answer what fits the document."""
    id = create(stock=9, sku="A")["id"]
    count = {"lines": [{"sku": "A", "counted": 7}], "reference": "week 5"}
    first = call("POST", "/api/stocktakes", 201, json=count, headers=key("a"))
    assert call("POST", "/api/stocktakes", 201, json=count, headers=key("a")).json == first.json
    hold = {"lines": [{"product_id": id, "quantity": 6}], "ttl_seconds": 60}
    call("POST", "/api/reservations", 201, json=hold)
    low = {"lines": [{"product_id": id, "counted": 5}]}
    call("POST", "/api/stocktakes", 409, "count_below_held", json=low)


def test_integrity_answers_as_documented(call: Call, create: Create, settings: Settings) -> None:
    """Checks of right and of wrong books, whole and in parts, answer what fits the document."""
    ids = [create()["id"] for _ in range(3)]
    call("GET", f"/api/products/{ids[0]}/integrity", 200)
    call("GET", "/api/integrity", 200)
    with mongo.connect(settings) as client:
        stock = mongo.open_database(client, settings)["stock"]
        stock.update_many({}, {"$inc": {"headroom": 1}})
    assert call("GET", f"/api/integrity?cursor={ids[2]}", 200).json["problems_total"] == 2
    call("GET", f"/api/products/{ids[0]}/integrity", 200)


def test_the_overview_is_as_documented(call: Call, create: Create) -> None:
    """What everything comes to is answered in the form of the document."""
    create(stock=5)
    call("GET", "/api/overview", 200)


def test_webhooks_answer_as_documented(call: Call) -> None:
    """Webhooks, their secrets and their deliveries answer what fits the document."""
    url = {"url": "https://shop.example/hook"}
    path = call("POST", "/api/webhooks", 201, json=url).headers["Location"]
    call("POST", "/api/webhooks", 201, json=url | {"types": ["stock.out"], "description": "a\nb"})
    call("PATCH", path, 200, json={"state": "paused"})
    call("PATCH", path, 200, json={"state": "active", "types": []})
    page = call("GET", "/api/webhooks?limit=1", 200)
    call("GET", f"/api/webhooks?cursor={page.json['next_cursor']}", 200)
    call("POST", f"{path}/secret", 200)
    sent = call("POST", f"{path}/test", 202)
    assert call("GET", sent.headers["Location"], 200).json == sent.json
    call("POST", f"{sent.headers['Location']}/redeliver", 202)
    call("POST", f"{path}/test", 202)
    page = call("GET", f"{path}/deliveries?limit=1&state=waiting", 200)
    call("GET", f"{path}/deliveries?cursor={page.json['next_cursor']}", 200)
    call("GET", f"{path}/deliveries/{'0' * 24}", 404, "delivery_not_found")
    call("POST", f"{path}/deliveries/{'0' * 24}/redeliver", 404, "delivery_not_found")
    call("POST", "/api/webhooks", 422, "validation_failed", json={"url": "https://127.0.0.1/"})
    call("DELETE", path, 204)
    for method, below in (("GET", ""), ("DELETE", ""), ("POST", "/secret"), ("POST", "/test")):
        call(method, path + below, 404, "webhook_not_found")
    call("GET", f"{path}/deliveries", 404, "webhook_not_found")
    call("PATCH", path, 404, "webhook_not_found", json={})


def test_rehearsals_answer_as_documented(call: Call) -> None:
    """Rehearsals answer what fits the document, from the first figures to the verdict."""
    begun = call("POST", "/api/rehearsals", 202, json={"buyers": 500, "impatience": 1})
    path = begun.headers["Location"]
    call("POST", "/api/rehearsals", 409, "rehearsal_running")
    deadline = time.monotonic() + 30
    while call("GET", path, 200).json["state"] == "running":
        assert time.monotonic() < deadline
    call("POST", "/api/rehearsals", 202, json={"buyers": 1})
    call("POST", "/api/rehearsals", 422, "validation_failed", json={"buyers": 0})
    page = call("GET", "/api/rehearsals?limit=1", 200)
    call("GET", f"/api/rehearsals?cursor={page.json['next_cursor']}", 200)
    call("GET", f"/api/rehearsals/{'0' * 24}", 404, "rehearsal_not_found")


def test_sessions_answer_as_documented(call: Call) -> None:
    """Signing in and out, and what is told meanwhile, answer what fits the document."""
    key = {"client": "page", "scopes": ["catalog:read"], "publishable": True}
    secret = call("POST", "/api/keys", 201, json=key).json["key"]
    call("POST", "/api/session", 403, "secret_key_required", json={"key": secret})
    call("POST", "/api/session", 422, "validation_failed", json={"key": "a b"})
    call("GET", "/api/session", 200)
    call("DELETE", "/api/session", 204)


@pytest.mark.parametrize(
    "path",
    ["/healthz", "/readyz", "/openapi.json", "/docs", "/docs/init.js", "/problems/stale_stock"],
)
def test_service_answers_as_documented(call: Call, path: str) -> None:
    """What the service says about itself fits the document."""
    call("GET", path, 200)


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
