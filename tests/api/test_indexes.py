"""No request reads more documents than it answers with, however many there are."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId
from flask import Flask
from flask.testing import FlaskClient

from inventory import limits
from inventory.api.context import context_of
from inventory.domain.webhooks import DeliveryState
from tests.api.conftest import Create
from tests.api.support import Books

# Of everything there is more than any single request may look at.
CROWD = limits.STOCK_BATCH_PRODUCTS * 2
EXAMINED_MAX = limits.STOCK_BATCH_PRODUCTS


@pytest.fixture(name="profiled")
def _profiled(client: FlaskClient, books: Books, create: Create) -> Iterator[dict[str, Any]]:
    """A product among many, each with movements, purchases and holds of its own."""
    product = create(sku="THE-ONE", stock=10**6, tags=["one"])
    for number in range(CROWD):
        other = create(sku=f"S-{number}", name=f"Cap {number}", tags=["cap"], stock=9)
        line = {"product_id": other["id"], "quantity": 1}
        bought = {"lines": [line], "customer_id": f"c-{number}"}
        assert client.post("/api/purchases", json=bought).status_code == 201
        held = bought | {"ttl_seconds": 60}
        assert client.post("/api/reservations", json=held).status_code == 201
    books.database.command("profile", 2)
    yield product
    books.database.command("profile", 0)
    books.database["system.profile"].drop()


def test_every_query_has_an_index(
    client: FlaskClient, books: Books, profiled: dict[str, Any]
) -> None:
    """Lists, reads and changes of stock look at a bounded number of documents."""
    path, one = f"/api/products/{profiled['id']}", {"product_id": profiled["id"], "quantity": 1}
    by_sku = {"sku": "THE-ONE", "quantity": 1}
    headers = {"Cache-Control": "no-cache"}
    for query in (
        *("", "sku=THE-ONE", "tag=one", "q=thing", "sort=price", "sort=-name", "q=cap&sort=name"),
        *(f"ids={profiled['id']}", "min_price=99999", "max_price=1&sort=-price", "in_stock=true"),
    ):
        assert client.get(f"/api/products?limit=5&{query}", headers=headers).status_code == 200
    for query in ("", "customer_id=c-7", f"product_id={profiled['id']}", "customer_id=nobody"):
        assert client.get(f"/api/purchases?limit=5&{query}").status_code == 200
    limit = {"max_per_customer": {"quantity": 99, "window_seconds": 86_400}}
    assert client.patch(path, json=limit, headers={"If-Match": "*"}).status_code == 200
    ann = {"customer_id": "ann"}
    buy = client.post(f"{path}/purchase", json={"quantity": 1} | ann).get_json()
    two = [one, {"sku": "S-7", "quantity": 1}]
    assert client.post("/api/purchases", json={"lines": two} | ann).status_code == 201
    hold = {"lines": [by_sku], "ttl_seconds": 60} | ann
    held = client.post("/api/reservations", json=hold).get_json()
    assert client.post(f"/api/reservations/{held['id']}/commit").status_code == 201
    back = {"lines": [one], "reason": "x"}
    assert client.post(f"/api/purchases/{buy['id']}/returns", json=back).status_code == 201
    too_many = {"quantity": 9, "customer_id": "bob"}
    refused = client.post("/api/products/S-7/purchase", json=too_many)
    assert refused.status_code == 404
    moment = (datetime.now(UTC) - timedelta(seconds=1)).isoformat().replace("+00:00", "Z")
    for read in ("", "/stock", f"/stock?as_of={moment}", "/movements?kind=return", "/movements"):
        assert client.get(path + read, headers=headers).status_code in (200, 404)

    profile = books.database["system.profile"].find({"docsExamined": {"$gt": EXAMINED_MAX}})
    hungry = [(op["command"], op.get("planSummary"), op["docsExamined"]) for op in profile]
    assert hungry == []
    assert books.count("system.profile") > 50


def test_deliveries_have_indexes(app: Flask, client: FlaskClient, books: Books) -> None:
    """Of very many deliveries a page looks at its own, and to count them none is looked at."""
    made = client.post("/api/webhooks", json={"url": "https://shop.example/"}).get_json()
    path = f"/api/webhooks/{made['id']}"
    ping = client.post(f"{path}/test").get_json()
    kept = books.database["webhook_deliveries"]
    (like,) = kept.find()
    for state in DeliveryState:
        many = [like | {"_id": ObjectId(), "state": str(state)} for _ in range(CROWD)]
        kept.insert_many(many)
    books.database.command("profile", 2)
    try:
        for query in ("", "&state=failed", "&state=waiting", f"&cursor={ping['id']}"):
            assert client.get(f"{path}/deliveries?limit=5{query}").status_code == 200
        assert client.post(f"{path}/deliveries/{ping['id']}/redeliver").status_code == 202
        assert context_of(app).webhooks.load().waiting == CROWD + 1
    finally:
        books.database.command("profile", 0)
    seen = list(books.database["system.profile"].find({"ns": {"$regex": "deliveries$"}}))
    books.database["system.profile"].drop()
    assert len(seen) >= 6
    assert max(op.get("docsExamined", 0) for op in seen) <= 6
