"""Adjustments over HTTP: stock that comes and goes for a reason, and the list of all movements."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from inventory import limits
from inventory.domain.movements import Reason
from tests.api.conftest import Create
from tests.api.support import Books, assert_problem, together

RISES = ["received", "returned", "found"]
FALLS = ["damaged", "lost", "theft", "expired", "sample", "internal_use", "vendor_return"]


def adjust(client: FlaskClient, product: dict[str, Any], delta: int, **fields: Any) -> Any:
    """Adjust a product's stock, as a correction unless told otherwise."""
    body = {"delta": delta, "reason": "correction"} | fields
    return client.post(f"/api/products/{product['id']}/adjustments", json=body)


def movements(client: FlaskClient, product: dict[str, Any], query: str = "") -> dict[str, Any]:
    """Return one page of a product's movements."""
    answer = client.get(f"/api/products/{product['id']}/movements?{query}")
    assert answer.status_code == 200
    page: dict[str, Any] = answer.get_json()
    return page


def test_an_adjustment(client: FlaskClient, books: Books, create: Create) -> None:
    """An adjustment answers its movement, which is what the ledger shows from then on."""
    product = create(stock=5)
    answer = adjust(
        client, product, 7, reason="received", reference="delivery 9", note="two\nboxes"
    )
    assert answer.status_code == 201
    moved = answer.json
    assert moved == {
        "id": moved["id"],
        "product_id": product["id"],
        "version": 2,
        "kind": "adjustment",
        "delta": 7,
        "held_delta": 0,
        "balance": 12,
        "held_balance": 0,
        "reason": "received",
        "reference": "delivery 9",
        "note": "two\nboxes",
        "customer_id": None,
        "actor": None,
        "purchase_id": None,
        "reservation_id": None,
        "at": moved["at"],
    }
    assert movements(client, product)["items"][0] == moved
    assert books.ledger(product["id"]) == [("opening", 5, 5), ("adjustment", 7, 12)]
    books.assert_exact(product["id"])


def test_every_reason_is_known() -> None:
    """The tests below try every reason that there is."""
    assert {*RISES, *FALLS, "correction"} == set(Reason)


@pytest.mark.parametrize("reason, delta", [
    *((reason, 2) for reason in [*RISES, "correction"]),
    *((reason, -2) for reason in [*FALLS, "correction"]),
])  # fmt: skip
def test_a_reason_and_its_direction(
    client: FlaskClient, books: Books, create: Create, reason: str, delta: int
) -> None:
    """A change in the direction of its reason is made, once."""
    product = create(stock=5)
    assert adjust(client, product, delta, reason=reason).json["balance"] == 5 + delta
    assert books.counters(product["id"]) == (5 + delta, 2)
    read = client.get(f"/api/products/{product['id']}").json
    assert read is not None
    assert read["stock"] == 5 + delta


@pytest.mark.parametrize("reason, delta", [
    *((reason, -2) for reason in RISES),
    *((reason, 2) for reason in FALLS),
    *((reason, 0) for reason in [*RISES, *FALLS, "correction"]),
])  # fmt: skip
def test_a_reason_against_its_direction(
    client: FlaskClient, books: Books, create: Create, reason: str, delta: int
) -> None:
    """A change that contradicts its reason is refused, and so is a change by nothing."""
    product = create(stock=5)
    before = books.digest()
    problem = assert_problem(
        adjust(client, product, delta, reason=reason), 422, "validation_failed"
    )
    assert problem["errors"].keys() == {"delta"}
    assert books.digest() == before


def test_no_more_than_there_is(client: FlaskClient, books: Books, create: Create) -> None:
    """Stock cannot be adjusted below what may be sold, and the refusal says what there is."""
    product = create(stock=5, oversell_limit=2)
    before = books.digest()
    problem = assert_problem(adjust(client, product, -8), 409, "insufficient_stock")
    assert (problem["requested"], problem["available"]) == (8, 5)
    assert books.digest() == before
    assert adjust(client, product, -7).json["balance"] == -2
    assert adjust(client, product, 3).json["balance"] == 1
    books.assert_exact(product["id"])


def test_stock_has_an_upper_limit(client: FlaskClient, books: Books, create: Create) -> None:
    """Stock can be raised to the limit of what the service counts and not one unit further."""
    product = create(stock=5)
    nearly = limits.STOCK_MAX - 10
    books.database["stock"].update_one({}, {"$set": {"available": nearly, "headroom": nearly}})
    before = books.digest()
    problem = assert_problem(adjust(client, product, 11), 409, "stock_limit_exceeded")
    figures = {"delta": 11, "available": nearly, "limit": limits.STOCK_MAX}
    assert problem.items() >= figures.items()
    assert books.digest() == before
    assert adjust(client, product, 10).json["balance"] == limits.STOCK_MAX
    assert_problem(adjust(client, product, 1), 409, "stock_limit_exceeded")
    assert adjust(client, product, -1).json["balance"] == limits.STOCK_MAX - 1


@pytest.mark.parametrize("delta", [10**9, -(10**9)])
def test_the_bounds_of_a_change(client: FlaskClient, create: Create, delta: int) -> None:
    """The greatest changes that may be asked for are made exactly."""
    product = create(stock=10**9)
    assert adjust(client, product, delta).json["balance"] == 10**9 + delta


def test_an_expected_stock(client: FlaskClient, books: Books, create: Create) -> None:
    """A change that is based on another stock than there is now is refused and says so."""
    product = create(stock=5)
    assert adjust(client, product, 1, expected_stock=5).json["balance"] == 6
    before = books.digest()
    problem = assert_problem(adjust(client, product, 1, expected_stock=5), 409, "stale_stock")
    assert problem.items() >= {"expected": 5, "available": 6}.items()
    assert books.digest() == before
    assert adjust(client, product, -6, expected_stock=6).json["balance"] == 0
    assert adjust(client, product, 1, expected_stock=0).json["balance"] == 1
    assert adjust(client, product, 1, expected_stock=None).json["balance"] == 2


def test_one_of_many_expectations_comes_true(app: Flask, books: Books, create: Create) -> None:
    """Of several people who counted the same stock only one can correct it."""
    product = create(stock=5)
    answers = together(
        [lambda: adjust(app.test_client(), product, 1, expected_stock=5) for _ in range(8)]
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    for answer in answers:
        if answer.status_code == 409:
            assert_problem(answer, 409, "stale_stock")
    assert books.counters(product["id"]) == (6, 2)
    books.assert_exact(product["id"])


def test_movements_page_by_page(client: FlaskClient, create: Create) -> None:
    """The pages of a history hold every movement once, newest first, also while it grows."""
    product = create(stock=0)
    for _ in range(6):
        adjust(client, product, 1)
    whole = movements(client, product)
    assert [row["version"] for row in whole["items"]] == [7, 6, 5, 4, 3, 2, 1]
    assert whole["next_cursor"] is None
    seen, query = [], "limit=2"
    while True:
        page = movements(client, product, query)
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        query = f"limit=2&cursor={page['next_cursor']}"
        adjust(client, product, 1)
    assert seen == whole["items"]


def test_movements_of_one_kind(client: FlaskClient, create: Create) -> None:
    """A history can be narrowed to one kind, whose pages are complete as well."""
    product = create(stock=9)
    for _ in range(3):
        adjust(client, product, 1)
        client.post(f"/api/products/{product['id']}/purchase", json={"quantity": 1})
    for kind, versions in (("opening", [1]), ("adjustment", [6, 4, 2]), ("purchase", [7, 5, 3])):
        first = movements(client, product, f"kind={kind}&limit=2")
        rows = first["items"]
        if first["next_cursor"]:
            query = f"kind={kind}&limit=2&cursor={first['next_cursor']}"
            rows += movements(client, product, query)["items"]
        assert [row["version"] for row in rows] == versions
        assert {row["kind"] for row in rows} == {kind}


@pytest.mark.parametrize("query, field", [
    ("limit=0", "limit"),
    ("limit=101", "limit"),
    ("limit=x", "limit"),
    ("cursor=", "cursor"),
    ("cursor=-1", "cursor"),
    ("cursor=1.0", "cursor"),
    ("cursor=x", "cursor"),
    ("cursor=%D9%A3", "cursor"),
    ("cursor=" + "9" * 16, "cursor"),
    ("kind=", "kind"),
    ("kind=sale", "kind"),
    ("kind[$ne]=purchase", "kind[$ne]"),
    ("version=1", "version"),
    ("kind=purchase&kind=opening", "kind"),
])  # fmt: skip
def test_what_cannot_be_asked_of_a_history(
    client: FlaskClient, create: Create, query: str, field: str
) -> None:
    """A parameter that is unknown, repeated or out of bounds is refused and named."""
    answer = client.get(f"/api/products/{create()['id']}/movements?{query}")
    assert assert_problem(answer, 422, "validation_failed")["errors"].keys() == {field}
