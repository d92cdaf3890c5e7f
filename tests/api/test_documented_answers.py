"""What the service really answers is what the OpenAPI document says: a tour through all of it."""

import json
import time
from typing import Any
from urllib.parse import quote

import pytest

from inventory.api.openapi.wording import EXAMPLES
from inventory.repository import mongo
from inventory.settings import Settings
from tests.api.documented import (
    ADJUSTMENTS,
    FULL,
    PRODUCT,
    PURCHASE,
    Call,
    Create,
    key,
)


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
