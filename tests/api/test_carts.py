"""Carts over HTTP: all lines or none, and refusals that name everything that is in the way."""

from functools import partial
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import Create
from tests.api.support import Books, assert_problem, together


def line(product: dict[str, Any], quantity: int) -> dict[str, Any]:
    """Return a line of a cart."""
    return {"product_id": product["id"], "quantity": quantity}


def buy(client: FlaskClient, *lines: dict[str, Any], key: str | None = None, **more: Any) -> Any:
    """Ask for a cart."""
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post("/api/purchases", json={"lines": list(lines), **more}, headers=headers)


def test_a_cart(client: FlaskClient, books: Books, create: Create) -> None:
    """A cart takes all its lines at once, and tells of each what was left."""
    cap, shoe = create(stock=5, price="3.50"), create(stock=9, price="20", sku="SHOE")
    answer = buy(
        client, line(cap, 2), {"sku": "SHOE", "quantity": 3}, customer_id="ann", reference="o-1"
    )
    assert answer.status_code == 201
    bought = answer.json
    assert bought["total"] == "67.00"
    assert bought["product_id"] is bought["quantity"] is bought["remaining_stock"] is None
    lines = [
        (row["product_id"], row["quantity"], row["total"], row["remaining_stock"])
        for row in bought["lines"]
    ]
    assert lines == [(cap["id"], 2, "7.00", 3), (shoe["id"], 3, "60.00", 6)]
    assert client.get(answer.headers["Location"]).get_json() == bought
    for product in (cap, shoe):
        books.assert_exact(product["id"])
        (row,) = client.get(f"/api/products/{product['id']}/movements?kind=purchase").get_json()[
            "items"
        ]
        assert (row["purchase_id"], row["customer_id"]) == (bought["id"], "ann")
    assert books.count("purchases") == 1


def test_a_cart_of_one_line_is_a_purchase(client: FlaskClient, create: Create) -> None:
    """A cart with one line answers as a purchase of that product does, lines included."""
    product = create(stock=5)
    bought = buy(client, line(product, 2)).json
    assert (bought["quantity"], bought["remaining_stock"]) == (2, 3)
    assert [row["quantity"] for row in bought["lines"]] == [2]
    assert client.get(f"/api/purchases/{bought['id']}").get_json() == bought


def test_lines_of_one_product_count_as_one(
    client: FlaskClient, books: Books, create: Create
) -> None:
    """Two lines of a product, by id and by sku, are checked and sold as their sum."""
    product, other = create(stock=5, sku="A"), create(stock=5)
    twice = [line(product, 3), {"sku": "A", "quantity": 3}]
    problem = assert_problem(buy(client, *twice, line(other, 1)), 409, "insufficient_stock")
    assert problem["lines"] == [
        {
            "product_id": product["id"],
            "requested": 6,
            "available": 5,
            "held": 0,
            "next_release_at": None,
        }
    ]
    bought = buy(client, line(product, 3), line(other, 1), line(product, 2)).json
    assert [(row["product_id"], row["quantity"]) for row in bought["lines"]] == [
        (product["id"], 5),
        (other["id"], 1),
    ]
    books.assert_exact(product["id"])


def test_a_refusal_names_every_short_line(
    client: FlaskClient, books: Books, create: Create
) -> None:
    """Who cannot have some lines learns of all of them at once, and gets none."""
    some, none, plenty = create(stock=1), create(stock=0), create(stock=9)
    lines = [line(some, 2), line(plenty, 1), line(none, 4)]
    problem = assert_problem(buy(client, *lines), 409, "insufficient_stock")
    short = [(row["product_id"], row["requested"], row["available"]) for row in problem["lines"]]
    assert short == [(some["id"], 2, 1), (none["id"], 4, 0)]
    assert problem["requested"] is problem["available"] is None
    for product, stock in ((some, 1), (plenty, 9), (none, 0)):
        assert books.counters(product["id"]) == (stock, 1)
    assert (books.count("movements"), books.count("purchases")) == (3, 0)


@pytest.mark.parametrize("unknown", ["x", "66f1c0ffee66f1c0ffee0001", "$where"])
def test_a_cart_with_an_unknown_product(
    client: FlaskClient, books: Books, create: Create, unknown: str
) -> None:
    """A product that does not exist, or no longer, stops the whole cart and is named."""
    product, gone = create(), create()
    client.delete(f"/api/products/{gone['id']}", headers={"If-Match": "*"})
    lines = [line(product, 1), {"product_id": unknown, "quantity": 1}, line(gone, 1)]
    problem = assert_problem(buy(client, *lines), 404, "product_not_found")
    assert problem["product_ids"] == [unknown, gone["id"]]
    by_sku = [line(product, 1), {"sku": "NO", "quantity": 1}]
    assert assert_problem(buy(client, *by_sku), 404, "product_not_found")["product_id"] == "NO"
    assert books.counters(product["id"]) == (5, 1)


def test_a_cart_in_two_currencies(client: FlaskClient, create: Create) -> None:
    """There is no total of euros and dollars, so there is no such purchase."""
    lines = [line(create(currency="EUR"), 1), line(create(currency="USD"), 1)]
    problem = assert_problem(buy(client, *lines), 422, "mixed_currencies")
    assert problem["currencies"] == ["EUR", "USD"]


def test_limits_of_an_order_hold_for_carts(client: FlaskClient, create: Create) -> None:
    """The most that one order may have is the most that one cart may have."""
    few, other = create(stock=9, max_per_order=2), create(stock=9)
    problem = assert_problem(
        buy(client, line(other, 1), line(few, 1), line(few, 2)), 409, "purchase_limit_exceeded"
    )
    assert (problem["requested"], problem["limit"], problem["already"]) == (3, 2, None)


def test_oversold_units_of_a_cart_are_told(
    client: FlaskClient, books: Books, create: Create
) -> None:
    """A cart may take what is allowed beyond the stock, and says how many units are not there."""
    product, other = create(stock=2, oversell_limit=3), create(stock=1)
    bought = buy(client, line(product, 5), line(other, 1)).json
    assert [row["backordered"] for row in bought["lines"]] == [3, 0]
    assert bought["lines"][0]["remaining_stock"] == -3
    assert client.get(f"/api/products/{product['id']}").get_json()["availability"] == "out_of_stock"
    assert_problem(buy(client, line(product, 1), line(other, 1)), 409, "insufficient_stock")
    books.assert_exact(product["id"])


def test_a_cart_is_answered_exactly_once(client: FlaskClient, books: Books, create: Create) -> None:
    """However often and at once a cart is sent with one key, it is bought once."""
    one, two = create(stock=9, sku="ONE"), create(stock=9)
    lines = [{"sku": "ONE", "quantity": 2}, line(two, 2)]
    calls = [partial(buy, client.application.test_client(), *lines, key="k") for _ in range(8)]
    answers = together(calls)
    made = [answer.json["id"] for answer in answers if answer.status_code == 201]
    assert len(set(made)) == 1
    assert {answer.status_code for answer in answers} <= {201, 409}
    again = buy(client, *lines, key="k")
    assert (again.json["id"], again.headers["Idempotent-Replayed"]) == (made[0], "true")
    assert books.counters(one["id"]) == (7, 2)
    other = [line(one, 2), line(two, 2)]
    assert_problem(buy(client, *other, key="k"), 422, "idempotency_key_reused")
    # The sku may mean another product by now; what was answered stays answered.
    client.delete(f"/api/products/{one['id']}", headers={"If-Match": "*"})
    assert buy(client, *lines, key="k").json == again.json


def test_a_refused_cart_stays_refused(client: FlaskClient, create: Create) -> None:
    """A retry with the key of a refusal gets the refusal, even if there is stock by now."""
    one, two = create(stock=1), create(stock=1)
    first = buy(client, line(one, 2), line(two, 2), key="k")
    assert_problem(first, 409, "insufficient_stock")
    for product in (one, two):
        received = {"delta": 9, "reason": "received"}
        client.post(f"/api/products/{product['id']}/adjustments", json=received)
    again = buy(client, line(one, 2), line(two, 2), key="k")
    assert (again.json, again.headers["Idempotent-Replayed"]) == (first.json, "true")


def test_a_hot_product_alone_and_in_carts(
    client: FlaskClient, books: Books, create: Create
) -> None:
    """A product that is bought alone and in carts at once is sold out, and no further."""
    hot, more = create(stock=40), create(stock=1_000)
    app = client.application

    def alone() -> Any:
        return app.test_client().post(f"/api/products/{hot['id']}/purchase", json={"quantity": 1})

    def in_a_cart() -> Any:
        return buy(app.test_client(), line(hot, 2), line(more, 1))

    answers = together([alone, in_a_cart] * 20)
    sold = sum(
        row["quantity"]
        for answer in answers
        if answer.status_code == 201
        for row in answer.json["lines"]
        if row["product_id"] == hot["id"]
    )
    assert {answer.status_code for answer in answers} == {201, 409}
    # A cart of two may be refused for the last unit.
    assert 40 - sold == books.counters(hot["id"])[0] in (0, 1)
    books.assert_exact(hot["id"])
    books.assert_exact(more["id"])


def test_purchases_are_listed(client: FlaskClient, create: Create) -> None:
    """Purchases come newest first, page by page, of one customer or of one product."""
    one, two = create(stock=99), create(stock=99)
    ids = [buy(client, line(one, 1), customer_id="ann").json["id"]]
    ids += [buy(client, line(two, 1), customer_id="bob").json["id"]]
    ids += [buy(client, line(one, 1), line(two, 1), customer_id="ann").json["id"]]
    newest = ids[::-1]

    def listed(query: str) -> list[str]:
        page = client.get(f"/api/purchases?{query}").get_json()
        return [item["id"] for item in page["items"]]

    assert listed("") == newest
    assert listed("customer_id=ann") == [ids[2], ids[0]]
    assert listed(f"product_id={two['id']}") == [ids[2], ids[1]]
    assert listed(f"customer_id=bob&product_id={one['id']}") == []
    assert listed("product_id=x") == []
    first = client.get("/api/purchases?limit=2").get_json()
    assert [item["id"] for item in first["items"]] == newest[:2]
    assert listed(f"limit=2&cursor={first['next_cursor']}") == newest[2:]
