"""Lists of products of which little is left: exact, in every order, and found by an index."""

from typing import Any

import pytest
from bson import ObjectId
from flask.testing import FlaskClient

from inventory import limits
from inventory.repository.mongo import DatabaseClock
from inventory.repository.schema import prepare_database
from inventory.repository.stock import StockRepository
from inventory.settings import Settings
from tests.api.conftest import Create
from tests.api.support import Books

LOW = "low_stock=true&sort=created_at"
CROWD = 150


def shown(client: FlaskClient, query: str = LOW) -> list[str]:
    """Return the names of all pages of a list, and find each product to be what it is listed as."""
    names: list[str] = []
    cursor = ""
    while True:
        page = client.get(f"/api/products?limit=2&{query}{cursor}").get_json()
        for product in page["items"]:
            assert (product["availability"] == "low_stock") == ("low_stock=true" in query)
        names += [product["name"] for product in page["items"]]
        if page["next_cursor"] is None:
            return names
        cursor = f"&cursor={page['next_cursor']}"


@pytest.fixture(name="shelf")
def _shelf(create: Create) -> dict[str, dict[str, Any]]:
    """Products with much, little and nothing left, by name."""
    products = [
        create(name="none", stock=0, low_stock_threshold=5),
        create(name="one", stock=1, low_stock_threshold=5, tags=["x"], price="3"),
        create(name="line", stock=5, low_stock_threshold=5, tags=["x"], price="9"),
        create(name="above", stock=6, low_stock_threshold=5, tags=["x"]),
        create(name="no line", stock=1),
        create(name="backorder", stock=0, low_stock_threshold=5, oversell_limit=3),
        create(name="sold below", stock=2, low_stock_threshold=5, oversell_limit=3, price="1"),
    ]
    return {product["name"]: product for product in products}


@pytest.mark.parametrize("named", [0, 2, 3, 100])
def test_what_is_low(
    client: FlaskClient,
    shelf: dict[str, dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    named: int,
) -> None:
    """Low is what shows as `low_stock`, however many there are, and beside every other filter."""
    monkeypatch.setattr(limits, "LOW_PRODUCTS_MAX", named)
    low = ["one", "line", "sold below"]
    assert shown(client) == low
    assert shown(client, "low_stock=true&sort=-price") == ["line", "one", "sold below"]
    assert shown(client, f"{LOW}&tag=x&max_price=5") == ["one"]
    assert shown(client, f"{LOW}&in_stock=true&q=line") == ["line"]
    assert shown(client, f"{LOW}&in_stock=false") == []
    others = [name for name in shelf if name not in low]
    assert shown(client, "low_stock=false&sort=created_at") == others
    assert shown(client, "low_stock=false&in_stock=false") == ["none"]


def test_every_way_in_which_stock_moves_counts(
    client: FlaskClient, create: Create, books: Books
) -> None:
    """Right after a sale, a hold, an adjustment or an edit the list says what is low."""
    product = create(name="cap", stock=9, low_stock_threshold=5)
    path, line = f"/api/products/{product['id']}", {"product_id": product["id"], "quantity": 1}

    def now(low: bool) -> None:
        assert shown(client) == (["cap"] if low else [])

    now(False)
    assert client.post(f"{path}/purchase", json={"quantity": 4}).status_code == 201
    now(True)
    assert (
        client.post(f"{path}/adjustments", json={"delta": 2, "reason": "found"}).status_code == 201
    )
    now(False)
    held = {"lines": [line | {"quantity": 2}], "ttl_seconds": 60}
    id = client.post("/api/reservations", json=held).get_json()["id"]
    now(True)
    assert client.post(f"/api/reservations/{id}/release").status_code == 200
    now(False)
    assert (
        client.post("/api/purchases", json={"lines": [line | {"quantity": 3}]}).status_code == 201
    )
    now(True)
    for threshold, low in ((3, False), (4, True)):
        edit = {"low_stock_threshold": threshold}
        assert client.patch(path, json=edit, headers={"If-Match": "*"}).status_code == 200
        now(low)
    assert client.post(f"{path}/purchase", json={"quantity": 4}).status_code == 201
    now(False)
    counted = {"lines": [{"product_id": product["id"], "counted": 2}]}
    assert client.post("/api/stocktakes", json=counted).status_code == 201
    now(True)
    (document,) = books.database["stock"].find()
    assert document["spare"] == document["available"] - document["low_stock_threshold"]
    assert client.delete(path, headers={"If-Match": "*"}).status_code == 204
    now(False)


def test_a_few_among_many_are_found_by_an_index(
    client: FlaskClient, create: Create, books: Books
) -> None:
    """To find the few products that are low nobody looks at those that are not."""
    for number in range(CROWD):
        create(name=f"cap {number}", stock=9, low_stock_threshold=5)
    create(name="old", stock=3, low_stock_threshold=5)
    for number in range(CROWD):
        create(name=f"hat {number}", stock=9, low_stock_threshold=5)
    books.database.command("profile", 2)
    try:
        assert shown(client) == ["old"]
        assert shown(client, f"{LOW}&q=old") == ["old"]
    finally:
        books.database.command("profile", 0)
    seen = list(books.database["system.profile"].find({"command.find": {"$exists": True}}))
    books.database["system.profile"].drop()
    assert len(seen) >= 6
    assert max(op["docsExamined"] for op in seen) <= 1


def test_what_an_earlier_release_left_is_put_right(
    client: FlaskClient, create: Create, books: Books, settings: Settings
) -> None:
    """Counters without the number, or with a wrong one, are found once the database is prepared."""
    ids = [create(name=name, stock=3, low_stock_threshold=5)["id"] for name in ("one", "two")]
    stock = books.database["stock"]
    stock.update_one({"_id": ObjectId(ids[0])}, {"$unset": {"spare": ""}})
    stock.update_one({"_id": ObjectId(ids[1])}, {"$set": {"spare": 4}})
    assert shown(client) == []
    prepare_database(settings, wait_seconds=5)
    assert shown(client) == ["one", "two"]


def test_a_trim_puts_it_right_as_well(client: FlaskClient, create: Create, books: Books) -> None:
    """While an earlier release sells beside this one, the number is right again after a trim."""
    id = create(name="one", stock=9, low_stock_threshold=5)["id"]
    assert client.post(f"/api/products/{id}/purchase", json={"quantity": 4}).status_code == 201
    stock = books.database["stock"]
    stock.update_one({"_id": ObjectId(id)}, {"$set": {"spare": 4}})
    assert shown(client) == []
    _, version = books.counters(id)
    StockRepository(books.database, DatabaseClock(books.database)).trim({id: version})
    assert shown(client) == ["one"]
