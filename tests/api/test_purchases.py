"""Purchases over HTTP: what is sold, what is refused, and what is kept of both."""

from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.api.conftest import Create
from tests.api.support import Books, assert_problem, together


def buy(client: FlaskClient, product: dict[str, Any], quantity: int, **fields: Any) -> Any:
    """Ask for units of a product."""
    path = f"/api/products/{product['id']}/purchase"
    return client.post(path, json={"quantity": quantity} | fields)


def test_a_purchase(client: FlaskClient, books: Books, create: Create) -> None:
    """A purchase answers what was sold, for how much, and what is left; it can be read again."""
    product = create(stock=5, price="19.90", currency="EUR")
    answer = buy(client, product, 3, customer_id="ann", reference="order 7")
    assert answer.status_code == 201
    bought = answer.json
    line = {
        "product_id": product["id"],
        "quantity": 3,
        "unit_price": "19.90",
        "remaining_stock": 2,
        "stock_version": 2,
        "backordered": 0,
    }
    assert bought == {
        "id": bought["id"],
        **line,
        "currency": "EUR",
        "total": "59.70",
        "reservation_id": None,
        "reacquired": False,
        "lines": [line | {"total": "59.70", "returned": 0}],
        "customer_id": "ann",
        "reference": "order 7",
        "created_at": bought["created_at"],
    }
    assert answer.headers["Location"] == f"/api/purchases/{bought['id']}"
    assert client.get(answer.headers["Location"]).json == bought
    assert books.ledger(product["id"]) == [("opening", 5, 5), ("purchase", -3, 2)]
    assert books.count("purchases") == 1
    books.assert_exact(product["id"])


def test_what_nobody_said_is_null(client: FlaskClient, create: Create) -> None:
    """Without a customer and a reference, as with null for both, they are null."""
    for fields in ({}, {"customer_id": None, "reference": None}):
        bought = buy(client, create(), 1, **fields).json
        assert (bought["customer_id"], bought["reference"]) == (None, None)


def test_sales_follow_each_other(client: FlaskClient, books: Books, create: Create) -> None:
    """Each sale sees what the one before left; the last unit is sold and no more."""
    product = create(stock=5)
    sold = [buy(client, product, quantity).json for quantity in (2, 1, 2)]
    assert [bought["remaining_stock"] for bought in sold] == [3, 2, 0]
    assert [bought["stock_version"] for bought in sold] == [2, 3, 4]
    assert len({bought["id"] for bought in sold}) == 3
    problem = assert_problem(buy(client, product, 1), 409, "insufficient_stock")
    assert (problem["requested"], problem["available"]) == (1, 0)
    read = client.get(f"/api/products/{product['id']}").json
    assert read is not None
    assert (read["stock"], read["availability"]) == (0, "out_of_stock")
    books.assert_exact(product["id"])


def test_too_many_at_once(client: FlaskClient, books: Books, create: Create) -> None:
    """Who asks for more than there is gets nothing, and learns how many there are."""
    product = create(stock=5)
    before = books.digest()
    problem = assert_problem(buy(client, product, 6), 409, "insufficient_stock")
    figures = {"product_id": product["id"], "requested": 6, "available": 5, "held": 0}
    assert problem.items() >= (figures | {"next_release_at": None}).items()
    assert books.digest() == before
    assert buy(client, product, 5).status_code == 201


def test_selling_what_is_still_to_come(client: FlaskClient, books: Books, create: Create) -> None:
    """With an oversell limit sales go on below zero, and say how many units are still to come."""
    product = create(stock=2, oversell_limit=3)
    sold = [buy(client, product, quantity).json for quantity in (1, 3, 1)]
    assert [bought["remaining_stock"] for bought in sold] == [1, -2, -3]
    assert [bought["backordered"] for bought in sold] == [0, 2, 1]
    problem = assert_problem(buy(client, product, 1), 409, "insufficient_stock")
    assert problem["available"] == -3
    assert "-3" not in problem["detail"]
    assert books.counters(product["id"]) == (-3, 4)
    books.assert_exact(product["id"])


def test_the_limit_of_an_order(client: FlaskClient, books: Books, create: Create) -> None:
    """One order gets as many units as the product's limit says, however many there are."""
    product = create(stock=100, max_per_order=4)
    before = books.digest()
    problem = assert_problem(buy(client, product, 5), 409, "purchase_limit_exceeded")
    figures = {"product_id": product["id"], "requested": 5, "limit": 4}
    assert problem.items() >= figures.items()
    assert books.digest() == before
    assert buy(client, product, 4).json["remaining_stock"] == 96


@pytest.mark.parametrize("quantity", [1, 10**6])
def test_the_bounds_of_a_quantity(client: FlaskClient, create: Create, quantity: int) -> None:
    """The least and the most that one purchase may ask for are sold."""
    assert buy(client, create(stock=10**9), quantity).json["quantity"] == quantity


@pytest.mark.parametrize("price, currency, quantity, total", [
    ("0.10", "USD", 3, "0.30"),
    ("0", "USD", 5, "0.00"),
    ("999999999999.99", "USD", 10**6, "999999999999990000.00"),
    ("1.005", "KWD", 7, "7.035"),
    ("19", "JPY", 2, "38"),
])  # fmt: skip
def test_a_total_is_exact(
    client: FlaskClient, create: Create, price: str, currency: str, quantity: int, total: str
) -> None:
    """A total is the price times the quantity to the last digit, also when it is read again."""
    bought = buy(client, create(stock=10**6, price=price, currency=currency), quantity).json
    assert bought["total"] == total
    assert Decimal(total) == Decimal(price) * quantity
    assert client.get(f"/api/purchases/{bought['id']}").json == bought


def test_a_crowd_at_one_product(app: Flask, books: Books, create: Create) -> None:
    """Of many buyers at once as many succeed as there are units, each leaving another rest."""
    product = create(stock=10)
    answers = together([lambda: buy(app.test_client(), product, 1) for _ in range(24)])
    sold = [answer.json for answer in answers if answer.status_code == 201]
    assert sorted(bought["remaining_stock"] for bought in sold) == list(range(10))
    for answer in answers:
        if answer.status_code != 201:
            problem = assert_problem(answer, 409, "insufficient_stock")
            assert problem["available"] == 0
    assert books.counters(product["id"]) == (0, 11)
    books.assert_exact(product["id"])


def test_a_crowd_at_many_products(app: Flask, books: Books, create: Create) -> None:
    """Buyers of different products do not get in each other's way."""
    products = [create(stock=3) for _ in range(6)]
    wishes = [product for product in products for _ in range(4)]
    answers = together([partial(buy, app.test_client(), product, 1) for product in wishes])
    assert sorted(answer.status_code for answer in answers) == [201] * 18 + [409] * 6
    for product in products:
        assert books.counters(product["id"]) == (0, 4)
        books.assert_exact(product["id"])
