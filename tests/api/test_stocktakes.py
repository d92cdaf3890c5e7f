"""Stocktakes over HTTP: what was counted becomes a difference in the ledger."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId
from flask.testing import FlaskClient

from tests.api.conftest import Create
from tests.api.support import Books, assert_problem


def count(
    client: FlaskClient, *lines: tuple[dict[str, Any], int], key: str | None = None, **more: Any
) -> Any:
    """Post a stocktake."""
    counted = [{"product_id": product["id"], "counted": number} for product, number in lines]
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post("/api/stocktakes", json={"lines": counted} | more, headers=headers)


def buy(client: FlaskClient, product: dict[str, Any], quantity: int) -> None:
    """Buy units of a product."""
    path = f"/api/products/{product['id']}/purchase"
    assert client.post(path, json={"quantity": quantity}).status_code == 201


def test_a_stocktake(client: FlaskClient, books: Books, create: Create) -> None:
    """What is missing or too much becomes a movement; what is right needs none."""
    less, more, right = create(stock=5), create(stock=5), create(stock=5)
    answer = count(client, (less, 3), (more, 9), (right, 5), reference="week 5")
    assert answer.status_code == 201
    told = [
        (row["expected"], row["counted"], row["difference"], row["stock"])
        for row in answer.json["lines"]
    ]
    assert told == [(5, 3, -2, 3), (5, 9, 4, 9), (5, 5, 0, 5)]
    assert books.ledger(less["id"]) == [("opening", 5, 5), ("stocktake", -2, 3)]
    assert books.ledger(right["id"]) == [("opening", 5, 5)]
    row = client.get(f"/api/products/{more['id']}/movements").get_json()["items"][0]
    assert (row["kind"], row["reference"]) == ("stocktake", "week 5")
    assert books.count("stocktakes") == 1


def test_what_is_held_lies_on_the_shelf(client: FlaskClient, books: Books, create: Create) -> None:
    """Held units are still there, so they are counted, and they stay held."""
    product = create(stock=5)
    lines = [{"product_id": product["id"], "quantity": 2}]
    client.post("/api/reservations", json={"lines": lines, "ttl_seconds": 60})
    (line,) = count(client, (product, 4)).json["lines"]
    assert (line["expected"], line["difference"], line["stock"], line["held"]) == (5, -1, 2, 2)
    problem = assert_problem(count(client, (product, 1)), 409, "count_below_held")
    assert (problem["counted"], problem["available"], problem["held"]) == (1, 2, 2)
    assert books.counters(product["id"])[0] == 2


def test_expired_holds_do_not_keep_a_count_away(
    client: FlaskClient, books: Books, create: Create
) -> None:
    """Units that were held too long are nobody's, so fewer of them may be counted."""
    product = create(stock=5)
    lines = [{"product_id": product["id"], "quantity": 4}]
    client.post("/api/reservations", json={"lines": lines, "ttl_seconds": 60})
    past = datetime.now(UTC) - timedelta(seconds=1)
    books.database["reservations"].update_many({}, {"$set": {"expires_at": past}})
    (line,) = count(client, (product, 2)).json["lines"]
    assert (line["expected"], line["difference"], line["stock"], line["held"]) == (5, -3, 2, 0)


def test_what_was_sold_before_it_was_there(
    client: FlaskClient, books: Books, create: Create
) -> None:
    """An empty shelf is what is expected of an oversold product; new units pay the debt first."""
    product = create(stock=1, oversell_limit=5)
    buy(client, product, 4)
    (line,) = count(client, (product, 0)).json["lines"]
    assert (line["expected"], line["difference"], line["stock"]) == (0, 0, -3)
    (line,) = count(client, (product, 5)).json["lines"]
    assert (line["difference"], line["stock"]) == (5, 2)
    books.assert_exact(product["id"])


def test_sales_since_the_count_stay_sales(
    client: FlaskClient, books: Books, create: Create
) -> None:
    """A count speaks of its own time: what was sold since then is not missing."""
    product = create(stock=10)
    buy(client, product, 1)
    after_one = client.get(f"/api/products/{product['id']}/movements").get_json()["items"][0]["at"]
    # Let the sale lie a moment back, so that there is a time between it and the next one.
    past = datetime.fromisoformat(after_one) - timedelta(seconds=5)
    for collection, path in (("movements", "at"), ("stock", "trimmed_at")):
        books.database[collection].update_many(
            {"$or": [{"product_id": ObjectId(product["id"])}, {"_id": ObjectId(product["id"])}]},
            {"$set": {path: past}},
        )
    books.database["stock"].update_one(
        {"_id": ObjectId(product["id"])}, {"$set": {"tail.$[].at": past, "tail_since": past}}
    )
    buy(client, product, 4)
    at = (past + timedelta(seconds=2)).isoformat()
    (line,) = count(client, (product, 8), counted_at=at).json["lines"]
    assert (line["expected"], line["difference"], line["stock"]) == (9, -1, 4)
    books.assert_exact(product["id"])


def test_a_count_of_another_time(client: FlaskClient, books: Books, create: Create) -> None:
    """Nobody counts in the future, long ago, or before there was anything to count."""
    product = create()
    before = books.digest()
    now = datetime.now(UTC)
    for at in (now + timedelta(minutes=1), now - timedelta(hours=25)):
        answer = count(client, (product, 1), counted_at=at.isoformat())
        assert "counted_at" in assert_problem(answer, 422, "validation_failed")["errors"]
    early = (now - timedelta(hours=1)).isoformat()
    assert_problem(count(client, (product, 1), counted_at=early), 404, "product_not_found")
    stock = books.database["stock"].find_one({"_id": ObjectId(product["id"])})
    assert stock is not None
    assert (stock["available"], stock["version"]) == (5, 1)
    assert before


def test_a_stocktake_is_for_all_lines_or_none(
    client: FlaskClient, books: Books, create: Create
) -> None:
    """A product that is not there, or named twice, keeps the whole count from being posted."""
    product = create(stock=5, sku="A")
    assert_problem(count(client, (product, 3), ({"id": "x"}, 1)), 404, "product_not_found")
    twice = [{"product_id": product["id"], "counted": 3}, {"sku": "A", "counted": 4}]
    answer = client.post("/api/stocktakes", json={"lines": twice})
    assert "lines" in assert_problem(answer, 422, "validation_failed")["errors"]
    assert books.counters(product["id"]) == (5, 1)


def test_a_stocktake_is_posted_once(client: FlaskClient, books: Books, create: Create) -> None:
    """A count that is sent again with its key is not counted against what came since."""
    product = create(stock=5, sku="A")
    body = {"lines": [{"sku": "A", "counted": 3}]}
    headers = {"Idempotency-Key": "k"}
    first = client.post("/api/stocktakes", json=body, headers=headers)
    buy(client, product, 1)
    again = client.post("/api/stocktakes", json=body, headers=headers)
    assert (again.json, again.headers["Idempotent-Replayed"]) == (first.json, "true")
    client.delete(f"/api/products/{product['id']}", headers={"If-Match": "*"})
    assert client.post("/api/stocktakes", json=body, headers=headers).get_json() == first.json
    assert books.ledger(product["id"])[1:] == [("stocktake", -2, 3), ("purchase", -1, 2)]
