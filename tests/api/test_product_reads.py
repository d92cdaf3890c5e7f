"""Products over HTTP: read, validated by their tags, deleted, and not found."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import Create
from tests.api.support import Books, assert_problem


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*", 'W/"other", W/{}'])
def test_a_client_that_has_this_version(client: FlaskClient, create: Create, form: str) -> None:
    """A client that shows the tag of what it has gets 304, the tag, and no body."""
    path = f"/api/products/{create()['id']}"
    etag = client.get(path).headers["ETag"]
    answer = client.get(path, headers={"If-None-Match": form.format(etag)})
    assert (answer.status_code, answer.data) == (304, b"")
    assert answer.headers["ETag"] == etag


def test_every_change_makes_a_new_tag(client: FlaskClient, create: Create) -> None:
    """Neither a sale nor an edit lets a client go on with what it has."""
    path = f"/api/products/{create(stock=5)['id']}"
    seen = [client.get(path).headers["ETag"]]
    for method, target, body in [
        ("POST", f"{path}/purchase", {"quantity": 1}),
        ("PATCH", path, {"name": "Cap"}),
        ("PATCH", path, {"oversell_limit": 1}),
        ("POST", f"{path}/adjustments", {"delta": 1, "reason": "found"}),
    ]:
        changed = client.open(target, method=method, json=body, headers={"If-Match": "*"})
        assert changed.status_code in (200, 201)
        answer = client.get(path, headers={"If-None-Match": seen[-1]})
        assert answer.status_code == 200
        seen.append(answer.headers["ETag"])
    assert len(set(seen)) == len(seen)


def test_where_an_answer_came_from(
    client: FlaskClient, create: Create, flush: Callable[[], None]
) -> None:
    """`X-Cache` says whether Redis knew the product, and `no-cache` goes past it."""
    path = f"/api/products/{create()['id']}"
    flush()
    bypass = {"Cache-Control": "no-cache"}
    ways = [client.get(path, headers=headers) for headers in ({}, {}, bypass, {})]
    assert [way.headers["X-Cache"] for way in ways] == ["miss", "hit", "bypass", "hit"]
    assert len({way.data for way in ways}) == 1
    assert all(way.headers["Cache-Control"] == "no-cache" for way in ways)


def test_a_deleted_product(client: FlaskClient, books: Books, create: Create) -> None:
    """A deleted product is gone from reads, lists and sales at once, and its history stays."""
    product = create(stock=5)
    path = f"/api/products/{product['id']}"
    bought = client.post(f"{path}/purchase", json={"quantity": 2}).json
    assert bought is not None
    etag = client.get(path).headers["ETag"]
    answer = client.delete(path, headers={"If-Match": etag})
    assert (answer.status_code, answer.data) == (204, b"")
    ledger = books.ledger(product["id"])
    for headers in ({}, {"Cache-Control": "no-cache"}):
        assert_problem(client.get(path, headers=headers), 404, "product_not_found")
        assert json.loads(client.get("/api/products", headers=headers).data)["items"] == []
    assert_problem(client.post(f"{path}/purchase", json={"quantity": 1}), 404, "product_not_found")
    adjustment = {"delta": 1, "reason": "found"}
    assert_problem(client.post(f"{path}/adjustments", json=adjustment), 404, "product_not_found")
    assert_problem(client.get(f"{path}/stock"), 404, "product_not_found")
    history = client.get(f"{path}/movements").json
    assert history is not None
    assert [row["kind"] for row in history["items"]] == ["purchase", "opening"]
    assert client.get(f"/api/purchases/{bought['id']}").json == bought
    assert books.ledger(product["id"]) == ledger


def test_deleting_needs_the_version(client: FlaskClient, books: Books, create: Create) -> None:
    """Nobody deletes a product that was edited since it was read, or without saying which one."""
    path = f"/api/products/{create()['id']}"
    old = client.get(path).headers["ETag"]
    assert client.patch(path, json={"name": "Cap"}, headers={"If-Match": old}).status_code == 200
    before = books.digest()
    assert_problem(client.delete(path), 428, "precondition_required")
    assert_problem(client.delete(path, headers={"If-Match": old}), 412, "stale_version")
    assert books.digest() == before
    assert client.delete(path, headers={"If-Match": "*"}).status_code == 204
    assert_problem(client.delete(path, headers={"If-Match": "*"}), 404, "product_not_found")


CALLS = [
    ("GET", "/api/products/{}", None),
    ("PATCH", "/api/products/{}", {"name": "Cap"}),
    ("DELETE", "/api/products/{}", None),
    ("POST", "/api/products/{}/purchase", {"quantity": 1}),
    ("POST", "/api/products/{}/adjustments", {"delta": 1, "reason": "found"}),
    ("GET", "/api/products/{}/stock", None),
    ("GET", "/api/products/{}/stock?as_of=2026-01-01T00:00:00Z", None),
    ("GET", "/api/products/{}/movements", None),
    ("GET", "/api/purchases/{}", None),
]


@pytest.mark.parametrize("method, path, body", CALLS)
def test_an_id_that_is_none(
    client: FlaskClient, books: Books, create: Create, method: str, path: str, body: Any
) -> None:
    """Unknown, malformed and differently spelled ids are all the same: not found."""
    product = create()
    bought = client.post(f"/api/products/{product['id']}/purchase", json={"quantity": 1})
    assert bought.json is not None
    real = (bought.json if "purchases" in path else product)["id"]
    before = books.digest()
    strange = ["x", "1", "0" * 24, real.upper(), real + "0", real[:-1], f"%20{real}", f"{real}%0a"]
    strange += ["%00" * 24, "$gt", "{}", "%F0%9F%A6%84", "%ff%fe", "null", "9" * 1_000, "..%2f.."]
    for id in strange:
        answer = client.open(
            path.replace("{}", id, 1), method=method, json=body, headers={"If-Match": "*"}
        )
        code = "purchase_not_found" if "purchases" in path else "product_not_found"
        if "%2f" in id:
            assert_problem(answer, 404, "not_found")
        else:
            assert_problem(answer, 404, code)
    assert books.digest() == before
