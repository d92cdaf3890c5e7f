"""Products over HTTP: what they are made of when they are created."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import Create
from tests.api.support import Books, assert_problem

DEFAULTS: dict[str, Any] = {
    "sku": None,
    "description": "",
    "currency": "USD",
    "tags": [],
    "attributes": {},
    "held": 0,
    "stock_version": 1,
    "low_stock_threshold": 0,
    "oversell_limit": 0,
    "max_per_order": None,
    "max_per_customer": None,
    "version": 1,
}
EVERYTHING: dict[str, Any] = {
    "name": "Áir 跑步 👟",
    "sku": "AIR-1/ä",
    "description": "First line\nsecond\tline",
    "price": "19.90",
    "currency": "EUR",
    "stock": 7,
    "tags": ["shoes", "Läufer"],
    "attributes": {"size": 44, "vegan": True, "weight": 0.25, "colour": "red"},
    "low_stock_threshold": 7,
    "oversell_limit": 2,
    "max_per_order": 3,
    "max_per_customer": {"quantity": 5, "window_seconds": 3600},
}


def post(client: FlaskClient, body: str) -> Any:
    """Create a product from a body that no JSON library has touched."""
    return client.post("/api/products", data=body, content_type="application/json")


def test_the_least_that_a_product_needs(client: FlaskClient) -> None:
    """A name, a price and a stock make a product; everything else has a default."""
    answer = client.post("/api/products", json={"name": "Cap", "price": "5", "stock": 0})
    assert answer.status_code == 201
    product = answer.json
    assert isinstance(product, dict)
    given = {"name": "Cap", "price": "5.00", "stock": 0, "availability": "out_of_stock"}
    assert product == DEFAULTS | given | {
        name: product[name] for name in ("id", "created_at", "updated_at")
    }
    assert product["created_at"] == product["updated_at"]


def test_everything_that_a_product_can_have(client: FlaskClient) -> None:
    """Every field comes back as it was sent, and is read back the same from cache and database."""
    created = client.post("/api/products", json=EVERYTHING)
    assert created.status_code == 201
    assert created.json is not None
    assert EVERYTHING.items() <= created.json.items()
    assert created.json["availability"] == "low_stock"
    path = created.headers["Location"]
    assert path == f"/api/products/{created.json['id']}"
    for headers in ({}, {"Cache-Control": "no-cache"}):
        read = client.get(path, headers=headers)
        assert read.json == created.json
        assert read.headers["ETag"] == created.headers["ETag"]


@pytest.mark.parametrize(
    "sent, currency, answered",
    [
        ("19.9", "USD", "19.90"),
        ('"19.9"', "USD", "19.90"),
        ("0.1", "USD", "0.10"),
        ("0.10000000", "USD", "0.10"),
        ("19", "JPY", "19"),
        ("19.00", "JPY", "19"),
        ("1e2", "JPY", "100"),
        ("1.005", "KWD", "1.005"),
        ("0.1", "KWD", "0.100"),
        ("0", "USD", "0.00"),
        ("-0.0", "USD", "0.00"),
        ("999999999999.99", "USD", "999999999999.99"),
        ("90071992547.41", "USD", "90071992547.41"),
        ('"000000000001.5"', "USD", "1.50"),
    ],
)
def test_money_is_exact(
    client: FlaskClient, books: Books, sent: str, currency: str, answered: str
) -> None:
    """A price is answered with its currency's places and the digits that were sent."""
    created = post(
        client, f'{{"name": "Cap", "price": {sent}, "stock": 3, "currency": "{currency}"}}'
    )
    assert created.json["price"] == answered
    fresh = client.get(created.headers["Location"], headers={"Cache-Control": "no-cache"})
    assert fresh.json is not None
    assert fresh.json["price"] == answered
    stored = books.database["products"].find_one()
    assert stored is not None
    assert str(stored["price"]) == answered


@pytest.mark.parametrize(
    "sent, currency",
    [
        ("0.001", "USD"),
        ('"19.999"', "USD"),
        ("1.5", "JPY"),
        ("0.0001", "KWD"),
        ("-0.01", "USD"),
        ("1000000000000", "USD"),
        ('"1e2"', "USD"),
        ('"1,50"', "USD"),
        ("1", "usd"),
        ("1", "EURO"),
    ],
)
def test_an_amount_that_cannot_be_paid(
    client: FlaskClient, books: Books, sent: str, currency: str
) -> None:
    """An amount is refused rather than rounded."""
    answer = post(
        client, f'{{"name": "Cap", "price": {sent}, "stock": 3, "currency": "{currency}"}}'
    )
    problem = assert_problem(answer, 422, "validation_failed")
    assert problem["errors"].keys() <= {"price", "currency"}
    assert books.count("products") == books.count("stock") == 0


@pytest.mark.parametrize("stock", [0, 1, 10**9])
def test_the_opening_movement(books: Books, create: Create, stock: int) -> None:
    """A product begins with one movement that brings its stock, and counters that agree."""
    product = create(stock=stock)
    assert books.ledger(product["id"]) == [("opening", stock, stock)]
    assert books.counters(product["id"]) == (stock, 1)


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "n" * 200},
        {"name": "🦄" * 200},
        {"sku": "s" * 64},
        {"description": "d" * 10_000},
        {"tags": [f"tag {number}" for number in range(50)]},
        {"tags": ["t" * 64]},
        {"attributes": {f"a{number}": number for number in range(100)}},
        {"attributes": {"a": "x" * 1_000}},
        {"attributes": {"a": 999_999_999_999_999}},
        {"oversell_limit": 10**9, "low_stock_threshold": 10**9},
        {"max_per_order": 10**6},
        {"max_per_customer": {"quantity": 10**6, "window_seconds": 366 * 86_400}},
    ],
)
def test_as_much_as_a_field_may_hold(create: Create, fields: dict[str, Any]) -> None:
    """What is just within its bounds is stored as it is."""
    assert fields.items() <= create(**fields).items()


@pytest.mark.parametrize("missing", ["name", "price", "stock"])
def test_a_field_that_is_missing(client: FlaskClient, books: Books, missing: str) -> None:
    """A product without one of its three required fields is refused, and the field is named."""
    body = {"name": "Cap", "price": "5", "stock": 1}
    del body[missing]
    answer = client.post("/api/products", json=body)
    assert assert_problem(answer, 422, "validation_failed")["errors"].keys() == {missing}
    assert books.count("products") == 0


def test_every_fault_is_named_at_once(client: FlaskClient) -> None:
    """A client learns of all its mistakes from one answer, nested fields by their path."""
    body = {
        "price": -1,
        "stock": 1.5,
        "tags": ["ok", ""],
        "max_per_customer": {"quantity": 0, "window_seconds": 5},
        "colour": "red",
    }
    problem = assert_problem(client.post("/api/products", json=body), 422, "validation_failed")
    at_fault = {"name", "price", "stock", "tags.1", "max_per_customer.quantity", "colour"}
    assert problem["errors"].keys() == at_fault
    assert all(messages for messages in problem["errors"].values())


def test_a_sku_belongs_to_one_product(client: FlaskClient, books: Books, create: Create) -> None:
    """A second product with the same sku is refused and leaves nothing behind."""
    create(sku="A-1")
    before = books.digest()
    answer = client.post(
        "/api/products", json={"name": "Cap", "price": "5", "stock": 1, "sku": "A-1"}
    )
    assert assert_problem(answer, 409, "duplicate_sku")["sku"] == "A-1"
    assert books.digest() == before
    assert create(sku="a-1")["sku"] == "a-1"


def test_the_sku_of_a_deleted_product_is_free(client: FlaskClient, create: Create) -> None:
    """A sku can be used again once its product is gone, and finds the new one."""
    old = create(sku="A-1")
    assert client.delete(f"/api/products/{old['id']}", headers={"If-Match": "*"}).status_code == 204
    new = create(sku="A-1")
    listed = client.get("/api/products?sku=A-1").json
    assert listed is not None
    assert [product["id"] for product in listed["items"]] == [new["id"]]


def test_products_without_a_sku(create: Create) -> None:
    """Any number of products can do without a sku."""
    assert [create(sku=None)["sku"], create()["sku"]] == [None, None]


@pytest.mark.parametrize("stock, threshold, oversell, expected", [
    (5, 4, 0, "in_stock"),
    (5, 5, 0, "low_stock"),
    (0, 5, 0, "out_of_stock"),
    (0, 0, 3, "backorder"),
])  # fmt: skip
def test_availability(
    client: FlaskClient, create: Create, stock: int, threshold: int, oversell: int, expected: str
) -> None:
    """What a shopper is told follows from the stock and the product's two limits."""
    product = create(stock=stock, low_stock_threshold=threshold, oversell_limit=oversell)
    assert product["availability"] == expected
    read = client.get(f"/api/products/{product['id']}").json
    assert read == product
