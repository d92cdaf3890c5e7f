"""PATCH over HTTP: merge patches, and who may write on what he has seen."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import Create
from tests.api.support import Books, assert_problem

ANY = {"If-Match": "*"}
FULL: dict[str, Any] = {
    "sku": "A-1",
    "description": "Light",
    "tags": ["shoes", "red"],
    "attributes": {"size": 44, "colour": "red"},
    "low_stock_threshold": 2,
    "oversell_limit": 3,
    "max_per_order": 4,
    "max_per_customer": {"quantity": 5, "window_seconds": 60},
}


def test_only_what_is_named_changes(client: FlaskClient, books: Books, create: Create) -> None:
    """An edit changes the fields that it names and its version, and answers what is stored."""
    before = create(**FULL)
    path = f"/api/products/{before['id']}"
    answer = client.patch(path, json={"name": "Cap", "price": "5"}, headers=ANY)
    assert answer.status_code == 200
    after = answer.json
    assert after is not None
    changed = {"name": "Cap", "price": "5.00", "version": 2, "updated_at": after["updated_at"]}
    assert after == before | changed
    assert after["updated_at"] >= before["updated_at"]
    for headers in ({}, {"Cache-Control": "no-cache"}):
        read = client.get(path, headers=headers)
        assert read.json == after
        assert read.headers["ETag"] == answer.headers["ETag"]
    assert books.ledger(before["id"]) == [("opening", 5, 5)]


@pytest.mark.parametrize("media_type", ["application/json", "application/merge-patch+json"])
def test_both_media_types(client: FlaskClient, create: Create, media_type: str) -> None:
    """A merge patch may be called by its own name or just JSON."""
    path = f"/api/products/{create()['id']}"
    answer = client.patch(path, data=b'{"name": "Cap"}', content_type=media_type, headers=ANY)
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["name"] == "Cap"


@pytest.mark.parametrize("field, reset", [
    ("sku", None),
    ("description", ""),
    ("tags", []),
    ("attributes", {}),
    ("low_stock_threshold", 0),
    ("oversell_limit", 0),
    ("max_per_order", None),
    ("max_per_customer", None),
])  # fmt: skip
def test_null_takes_away(client: FlaskClient, create: Create, field: str, reset: Any) -> None:
    """Null resets an optional field to what it is when nobody says anything."""
    path = f"/api/products/{create(**FULL)['id']}"
    assert client.patch(path, json={field: None}, headers=ANY).status_code == 200
    read = client.get(path, headers={"Cache-Control": "no-cache"}).json
    assert read is not None
    assert read[field] == reset
    assert read.items() >= (FULL | {field: reset}).items()


@pytest.mark.parametrize("field", ["name", "price", "currency"])
def test_null_cannot_take_away_what_is_needed(
    client: FlaskClient, books: Books, create: Create, field: str
) -> None:
    """A product cannot lose its name, price or currency."""
    path = f"/api/products/{create()['id']}"
    before = books.digest()
    answer = client.patch(path, json={field: None}, headers=ANY)
    assert assert_problem(answer, 422, "validation_failed")["errors"].keys() == {field}
    assert books.digest() == before


def test_attributes_are_merged(client: FlaskClient, create: Create) -> None:
    """Attributes are patched one by one: named ones are set, null ones dropped, others stay."""
    path = f"/api/products/{create(attributes={'a': 1, 'b': 'x', 'c': True})['id']}"
    patch = {"attributes": {"a": 2, "b": None, "d": 0.5, "never_there": None}}
    answer = client.patch(path, json=patch, headers=ANY).json
    assert answer is not None
    assert answer["attributes"] == {"a": 2, "c": True, "d": 0.5}


def test_merging_keeps_attributes_within_bounds(
    client: FlaskClient, books: Books, create: Create
) -> None:
    """Many small patches cannot add up to more attributes than one product may have."""
    path = f"/api/products/{create(attributes={f'a{n}': n for n in range(100)})['id']}"
    before = books.digest()
    answer = client.patch(path, json={"attributes": {"one": 1, "more": 2}}, headers=ANY)
    assert assert_problem(answer, 422, "validation_failed")["errors"].keys() == {"attributes"}
    assert books.digest() == before
    exchange = {"attributes": {"one": 1, "a0": None}}
    assert client.patch(path, json=exchange, headers=ANY).status_code == 200


def test_a_limit_for_customers_is_replaced(client: FlaskClient, create: Create) -> None:
    """Both numbers of the limit for customers are given together."""
    path = f"/api/products/{create(**FULL)['id']}"
    limit = {"quantity": 9, "window_seconds": 90}
    answer = client.patch(path, json={"max_per_customer": limit}, headers=ANY).json
    assert answer is not None
    assert answer["max_per_customer"] == limit


def test_stock_is_not_edited(client: FlaskClient, books: Books, create: Create) -> None:
    """Stock has movements of its own; an edit that tries to set it is refused as a whole."""
    path = f"/api/products/{create()['id']}"
    before = books.digest()
    for field in ("stock", "held", "stock_version", "id", "version", "created_at"):
        answer = client.patch(path, json={"name": "Cap", field: 1}, headers=ANY)
        assert assert_problem(answer, 422, "validation_failed")["errors"].keys() == {field}
    assert books.digest() == before


@pytest.mark.parametrize("headers", [{}, {"If-Match": ""}, {"If-Match": "  "}])
def test_an_edit_says_what_it_is_based_on(
    client: FlaskClient, books: Books, create: Create, headers: dict[str, str]
) -> None:
    """An edit without If-Match could overwrite what the client never saw, so it is refused."""
    path = f"/api/products/{create()['id']}"
    before = books.digest()
    answer = client.patch(path, json={"name": "Cap"}, headers=headers)
    assert_problem(answer, 428, "precondition_required")
    assert books.digest() == before


def test_the_first_of_two_editors_wins(client: FlaskClient, books: Books, create: Create) -> None:
    """Of two edits of the same version one succeeds, and the other learns of the new version."""
    path = f"/api/products/{create()['id']}"
    seen = {"If-Match": client.get(path).headers["ETag"]}
    first = client.patch(path, json={"name": "First"}, headers=seen)
    assert first.status_code == 200
    before = books.digest()
    second = client.patch(path, json={"name": "Second"}, headers=seen)
    assert assert_problem(second, 412, "stale_version")["current_version"] == 2
    assert books.digest() == before
    again = {"If-Match": first.headers["ETag"]}
    assert client.patch(path, json={"name": "Second"}, headers=again).status_code == 200


@pytest.mark.parametrize(
    "tag", ['"0-0"', '"2-1"', '"abc"', '"-1"', "1e0", '"99999999999999999999-1"', '"1x-1"']
)
def test_a_tag_that_was_never_given_out(
    client: FlaskClient, books: Books, create: Create, tag: str
) -> None:
    """A tag of some other version, or of none, matches nothing."""
    path = f"/api/products/{create()['id']}"
    before = books.digest()
    answer = client.patch(path, json={"name": "Cap"}, headers={"If-Match": tag})
    assert_problem(answer, 412, "stale_version")
    assert books.digest() == before


def test_a_sale_is_no_conflict(client: FlaskClient, books: Books, create: Create) -> None:
    """A sale between reading and editing does not get in the editor's way, nor is it undone."""
    product = create(stock=5)
    path = f"/api/products/{product['id']}"
    seen = {"If-Match": client.get(path).headers["ETag"]}
    assert client.post(f"{path}/purchase", json={"quantity": 2}).status_code == 201
    answer = client.patch(path, json={"price": "7", "oversell_limit": 1}, headers=seen)
    assert answer.status_code == 200
    assert answer.json is not None
    assert (answer.json["stock"], answer.json["stock_version"]) == (3, 2)
    books.assert_exact(product["id"])


def test_a_new_price_is_for_later_sales(client: FlaskClient, create: Create) -> None:
    """Each purchase keeps the price and currency at which it was made."""
    path = f"/api/products/{create(price='10', stock=5)['id']}"
    first = client.post(f"{path}/purchase", json={"quantity": 2}).json
    patch = {"price": "1500", "currency": "JPY"}
    assert client.patch(path, json=patch, headers=ANY).status_code == 200
    second = client.post(f"{path}/purchase", json={"quantity": 2}).json
    assert first is not None
    assert second is not None
    for bought, total in ((first, ("20.00", "USD")), (second, ("3000", "JPY"))):
        kept = client.get(f"/api/purchases/{bought['id']}").json
        assert kept == bought
        assert (bought["total"], bought["currency"]) == total


def test_new_limits_hold_at_once(client: FlaskClient, books: Books, create: Create) -> None:
    """What an edit says about limits decides the very next sale."""
    product = create(stock=5)
    path = f"/api/products/{product['id']}"
    assert client.patch(path, json={"max_per_order": 2}, headers=ANY).status_code == 200
    answer = client.post(f"{path}/purchase", json={"quantity": 3})
    assert_problem(answer, 409, "purchase_limit_exceeded")
    limits = {"max_per_order": None, "oversell_limit": 4}
    assert client.patch(path, json=limits, headers=ANY).status_code == 200
    assert client.post(f"{path}/purchase", json={"quantity": 9}).status_code == 201
    assert books.counters(product["id"]) == (-4, 2)
    assert client.patch(path, json={"oversell_limit": 0}, headers=ANY).status_code == 200
    answer = client.post(f"{path}/purchase", json={"quantity": 1})
    assert_problem(answer, 409, "insufficient_stock")
    books.assert_exact(product["id"])


def test_a_sku_that_is_taken(client: FlaskClient, books: Books, create: Create) -> None:
    """An edit cannot take another product's sku, but may repeat its own."""
    create(sku="A-1")
    path = f"/api/products/{create(sku='A-2')['id']}"
    before = books.digest()
    answer = client.patch(path, json={"sku": "A-1", "name": "Cap"}, headers=ANY)
    assert assert_problem(answer, 409, "duplicate_sku")["sku"] == "A-1"
    assert books.digest() == before
    assert client.patch(path, json={"sku": "A-2"}, headers=ANY).status_code == 200


def test_a_price_that_does_not_fit_the_currency(
    client: FlaskClient, books: Books, create: Create
) -> None:
    """A new currency is refused where the old price could not be paid in it."""
    path = f"/api/products/{create(price='19.90')['id']}"
    before = books.digest()
    answer = client.patch(path, json={"currency": "JPY"}, headers=ANY)
    assert assert_problem(answer, 422, "validation_failed")["errors"].keys() == {"price"}
    assert books.digest() == before
