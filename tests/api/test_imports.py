"""Imports over HTTP: rows come in three forms, and each is done once, or told why not."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from inventory import limits
from inventory.domain.keys import Scope
from inventory.errors import ImportUnfinished
from inventory.services.carrying import Wish
from inventory.services.keys import Keyring
from tests.api.conftest import Create
from tests.api.support import Books, assert_problem

PATH = "/api/products/bulk"
CSV, NDJSON, JSON = "text/csv", "application/x-ndjson", "application/json"
SHOE = {"sku": "A-1", "name": "Air Runner", "price": "19.90", "stock": 5}
CAP = {"sku": "B-2", "name": "Cap", "price": "5", "stock": 3}
Send = Callable[..., TestResponse]


@pytest.fixture(name="send")
def _send(client: FlaskClient) -> Send:
    """Import rows, or a text as it is; return the answer, whole."""

    def send(rows: Any, media_type: str = JSON, query: str = "", **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        body = rows if isinstance(rows, str | bytes) else json.dumps(rows)
        return client.post(
            f"{PATH}?{query}", data=body, content_type=media_type, headers=named, buffered=True
        )

    return send


def outcomes(answer: TestResponse) -> list[str]:
    """Return what became of each row."""
    results = answer.get_json()["results"]
    assert [result["row"] for result in results] == list(range(1, len(results) + 1))
    return [result["outcome"] for result in results]


def read(client: FlaskClient, sku: str) -> dict[str, Any]:
    """Return the product with a sku, as readers see it."""
    (product,) = client.get("/api/products", query_string={"sku": sku}).get_json()["items"]
    found: dict[str, Any] = product
    return found


@pytest.mark.parametrize("media_type, text", [
    (JSON, json.dumps([SHOE, CAP])),
    (NDJSON, f"{json.dumps(SHOE)}\r\n\n{json.dumps(CAP)}"),
    (CSV, "\ufeffsku,name,price,stock\r\nA-1,Air Runner,19.90,5\nB-2,Cap,5,3"),
])  # fmt: skip
def test_every_form_says_the_same(
    client: FlaskClient, send: Send, books: Books, media_type: str, text: str
) -> None:
    """Rows create products that there are not, and change nothing when they come again."""
    first = send(text, media_type)
    assert (first.status_code, outcomes(first)) == (200, ["created", "created"])
    assert first.json is not None
    assert (first.json["rows"], first.json["created"], first.json["failed"]) == (2, 2, 0)
    shoe, cap = read(client, "A-1"), read(client, "B-2")
    assert (shoe["name"], shoe["price"], shoe["stock"]) == ("Air Runner", "19.90", 5)
    assert [result["id"] for result in first.json["results"]] == [shoe["id"], cap["id"]]
    assert books.ledger(shoe["id"]) == [("opening", 5, 5)]
    before = books.count("movements"), books.counters(shoe["id"])
    assert outcomes(send(text, media_type)) == ["unchanged", "unchanged"]
    assert (books.count("movements"), books.counters(shoe["id"])) == before
    assert client.get("/api/integrity").get_json()["ok"]


def test_rows_change_what_they_say(client: FlaskClient, send: Send, create: Create) -> None:
    """A field that is not said stays, null takes it away; readers see the new state at once."""
    id = create(sku="A-1", tags=["x"], description="Old", max_per_order=4)["id"]
    assert client.get(f"/api/products/{id}").get_json()["price"] == "19.90"
    rows = [{"sku": "A-1", "price": "17.50", "tags": None, "attributes": {"size": 42, "new": True}}]
    answer = send(rows)
    assert outcomes(answer) == ["updated"]
    product = client.get(f"/api/products/{id}").get_json()
    assert (product["price"], product["tags"], product["description"]) == ("17.50", [], "Old")
    assert (product["attributes"], product["version"]) == ({"size": 42, "new": True}, 2)
    assert product["max_per_order"] == 4
    sold = client.post(f"/api/products/{id}/purchase", json={"quantity": 1}).get_json()
    assert sold["unit_price"] == "17.50"
    # A truth is no number, although Python takes one for the other.
    assert outcomes(send([{"sku": "A-1", "attributes": {"size": 42, "new": 1}}])) == ["updated"]
    assert client.get("/api/integrity").get_json()["ok"]


def test_empty_cells(client: FlaskClient, send: Send, create: Create) -> None:
    """An empty cell takes away what a product need not have, and says nothing of what it must."""
    create(sku="A-1", description="Old", low_stock_threshold=3, tags=["a;b", "c"])
    header = "sku,name,price,description,low_stock_threshold,tags,attributes,stock"
    assert outcomes(send(f'{header}\nA-1,,,,,c; d ,"{{""a"": 1.50}}",', CSV)) == ["updated"]
    product = read(client, "A-1")
    assert (product["name"], product["price"], product["stock"]) == ("Air Runner", "19.90", 5)
    assert (product["description"], product["low_stock_threshold"]) == ("", 0)
    assert (product["tags"], product["attributes"]) == (["c", "d"], {"a": 1.5})


def test_stock_goes_through_the_ledger(
    client: FlaskClient, send: Send, create: Create, books: Books
) -> None:
    """A target and a difference become adjustments that name the import."""
    one, two, three = (create(sku=sku)["id"] for sku in ("A-1", "A-2", "A-3"))
    client.post(f"/api/products/{one}/purchase", json={"quantity": 2})
    rows = [
        {"sku": "A-1", "stock": 10},
        {"sku": "A-2", "stock_delta": -2},
        {"sku": "A-3", "stock_delta": 4, "price": "1"},
    ]
    answer = send(rows)
    assert outcomes(answer) == ["updated"] * 3
    assert answer.json is not None
    assert books.ledger(one)[-1] == ("adjustment", 7, 10)
    assert books.ledger(two)[-1] == ("adjustment", -2, 3)
    for id, reason in ((one, "correction"), (two, "correction"), (three, "received")):
        row = client.get(f"/api/products/{id}/movements?limit=1").get_json()["items"][0]
        assert (row["reason"], row["reference"]) == (reason, f"import {answer.json['import_id']}")
        books.assert_exact(id)
    assert client.get("/api/integrity").get_json()["ok"]


def test_an_expected_stock(send: Send, create: Create, books: Books) -> None:
    """A target holds for the stock that it was made from; one that is just that is no wish."""
    id = create(sku="A-1")["id"]
    untouched = [{"sku": "A-1", "stock": 90, "expected_stock": 90}]
    assert outcomes(send(untouched)) == ["unchanged"]
    late = send([{"sku": "A-1", "stock": 9, "expected_stock": 6}])
    assert (late.status_code, outcomes(late)) == (207, ["failed"])
    assert late.json is not None
    assert late.json["results"][0]["code"] == "stale_stock"
    assert outcomes(send([{"sku": "A-1", "stock": 9, "expected_stock": 5}])) == ["updated"]
    assert books.counters(id) == (9, 2)


def test_a_version(send: Send, create: Create) -> None:
    """A row that was made from another version changes nothing; one that agrees is no conflict."""
    create(sku="A-1")
    assert outcomes(send([{"sku": "A-1", "name": "New", "version": 1}])) == ["updated"]
    assert outcomes(send([{"sku": "A-1", "name": "New", "version": 1}])) == ["unchanged"]
    late = send([{"sku": "A-1", "name": "Newer", "version": 1}])
    assert late.json is not None
    assert late.json["results"][0]["code"] == "stale_version"


BAD_ROWS: list[tuple[Any, str, dict[str, list[str]]]] = [
    ({"sku": "X", "price": "1", "stock": 1}, "validation_failed",
     {"name": ["Missing data for required field."]}),
    ({"sku": "X", "name": "X", "price": "1"}, "validation_failed",
     {"stock": ["Missing data for required field."]}),
    ({"sku": "X", "name": "X", "price": "1", "stock_delta": 3}, "validation_failed",
     {"stock": ["Missing data for required field."]}),
    ({"name": "X", "price": "1", "stock": 1}, "validation_failed",
     {"sku": ["Missing data for required field."]}),
    ({**SHOE, "stock": -1}, "validation_failed",
     {"stock": ["Must be greater than or equal to 0 and less than or equal to 1000000000."]}),
    ({**SHOE, "stock": "5"}, "validation_failed", {"stock": ["Not a valid integer."]}),
    ({**SHOE, "price": "1.999"}, "validation_failed", {"price": ["USD has 2 decimal places."]}),
    ({**SHOE, "colour": "red"}, "validation_failed", {"colour": ["Unknown field."]}),
    ({**SHOE, "stock_delta": 1}, "validation_failed",
     {"stock_delta": ["Say stock or stock_delta, not both."]}),
    ({"id": "66f1c0ffee66f1c0ffee0001", "price": "1"}, "product_not_found", {}),
    ({"sku": "TAKEN", "stock_delta": -6}, "insufficient_stock", {}),
    ("text", "validation_failed", {"body": ["Invalid input type."]}),
]  # fmt: skip


@pytest.mark.parametrize("row, code, errors", BAD_ROWS)
def test_a_row_that_cannot_be_done(
    send: Send, create: Create, books: Books, row: Any, code: str, errors: dict[str, list[str]]
) -> None:
    """It is told by field, in the words of a single call; by policy the others are done or not."""
    create(sku="TAKEN")
    before = books.count("products"), books.count("movements")
    refused = send([CAP, row])
    assert (refused.status_code, outcomes(refused)) == (207, ["rejected", "failed"])
    assert refused.json is not None
    assert refused.json["results"][1]["code"] == code
    assert refused.json["results"][1]["errors"] == errors
    assert (books.count("products"), books.count("movements")) == before
    partly = send([CAP, row], query="on_error=reject_failed")
    assert (partly.status_code, outcomes(partly)) == (207, ["created", "failed"])
    assert partly.json is not None
    assert partly.json["results"][1] == refused.json["results"][1]
    assert books.count("products") == before[0] + 1


def test_a_change_of_stock_that_is_too_large(
    client: FlaskClient, send: Send, create: Create
) -> None:
    """It is refused beside another row that changes something, as it is in a trial."""
    big = create(sku="BIG", stock=10**9)
    for _ in range(2):
        more = {"delta": 10**9, "reason": "received"}
        answer = client.post(f"/api/products/{big['id']}/adjustments", json=more)
        assert answer.status_code == 201
    create(sku="CAP", price="5")
    rows = [{"sku": "BIG", "stock": 5}, {"sku": "CAP", "price": "7"}]
    for trial in ("&dry_run=true", ""):
        assert outcomes(send(rows, query=f"on_error=reject_failed{trial}")) == ["failed", "updated"]
    assert read(client, "BIG")["stock"] == 3 * 10**9


def test_the_same_product_twice(send: Send, create: Create, books: Books) -> None:
    """The second row that names a product is refused, in whichever way it names it."""
    id = create(sku="A-1")["id"]
    rows = [CAP, {"sku": "A-1", "price": "1"}, CAP, {"id": id, "price": "2"}, {"id": id}]
    answer = send(rows, query="on_error=reject_failed")
    assert outcomes(answer) == ["created", "updated", "failed", "failed", "failed"]
    assert answer.json is not None
    assert answer.json["results"][2]["errors"] == {"sku": ["The same as in row 1."]}
    assert answer.json["results"][3]["errors"] == {"id": ["The same product as in row 2."]}
    assert books.count("products") == 2


def many(count: int) -> list[dict[str, Any]]:
    """Return good rows of so many new products."""
    return [{**CAP, "sku": f"N-{number}"} for number in range(count)]


def test_more_than_one_transaction(send: Send, books: Books) -> None:
    """One bad row at the end of many is found before the first one is written."""
    count = limits.IMPORT_BATCH_ROWS + 5
    refused = send([*many(count), {"sku": "X"}])
    assert outcomes(refused) == ["rejected"] * count + ["failed"]
    assert books.count("products") == 0
    partly = send([*many(count), {"sku": "X"}], query="on_error=reject_failed")
    assert outcomes(partly) == ["created"] * count + ["failed"]
    assert books.count("products") == count


def test_a_trial(send: Send, create: Create, books: Books) -> None:
    """A dry run answers what would become of the rows, and leaves no trace, not even of its key."""
    create(sku="A-1")
    rows = [CAP, {"sku": "A-1", "stock": 9}, {"sku": "A-1"}, {"sku": "X"}]
    before = books.digest()
    tried = send(rows, query="dry_run=true&on_error=reject_failed", Idempotency_Key="k")
    assert books.digest() == before
    assert tried.json is not None
    assert tried.json["dry_run"]
    assert tried.json["results"][0]["id"] is None
    done = send(rows, query="on_error=reject_failed", Idempotency_Key="k")
    assert outcomes(done) == outcomes(tried) == ["created", "updated", "failed", "failed"]


def test_a_retry_is_answered_the_same(send: Send, create: Create, books: Books) -> None:
    """The same key gets the same answer to the letter, and has no second effect."""
    id = create(sku="A-1")["id"]
    rows = [*many(limits.IMPORT_BATCH_ROWS), {"sku": "A-1", "stock_delta": 2}, {"sku": "X"}]
    query = "on_error=reject_failed"
    first = send(rows, query=query, Idempotency_Key="k")
    before = books.digest()
    again = send(rows, query=query, Idempotency_Key="k")
    assert (again.status_code, again.data) == (first.status_code, first.data)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert books.digest() == before
    assert books.counters(id) == (7, 2)
    for other in (
        send(rows, Idempotency_Key="k"),
        send(rows[1:], query=query, Idempotency_Key="k"),
    ):
        assert_problem(other, 422, "idempotency_key_reused")


def test_an_import_whose_time_is_up(
    send: Send, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps what it has done, and the same key goes on at once, from there."""
    rows = many(limits.IMPORT_BATCH_ROWS + 5)

    def over(self: Wish, rows_done: int) -> None:
        if rows_done:
            raise ImportUnfinished(rows_done)

    with monkeypatch.context() as hurry:
        hurry.setattr(Wish, "require_time", over)
        body = assert_problem(send(rows, Idempotency_Key="k"), 503, "import_unfinished")
    assert body["rows_done"] == books.count("products") == limits.IMPORT_BATCH_ROWS
    assert outcomes(send(rows, Idempotency_Key="k")) == ["created"] * len(rows)
    assert books.count("products") == len(rows)


def test_rejected_imports_are_kept(send: Send, create: Create) -> None:
    """That nothing was done is an answer too: it stays the same when the reason is gone."""
    rows = [{"sku": "A-1", "stock_delta": 1}]
    first = send(rows, Idempotency_Key="k")
    assert outcomes(first) == ["failed"]
    create(sku="A-1")
    assert send(rows, Idempotency_Key="k").data == first.data
    assert outcomes(send(rows, Idempotency_Key="another")) == ["updated"]


@pytest.mark.parametrize("name", ["bulk", "export"])
def test_other_methods(client: FlaskClient, name: str) -> None:
    """The two paths are no products: a method that they do not have is none (405)."""
    for method in ("PATCH", "DELETE", "PUT"):
        answer = client.open(f"/api/products/{name}", method=method, headers={"If-Match": "*"})
        problem = assert_problem(answer, 405, "method_not_allowed")
        assert problem["instance"] == f"/api/products/{name}"


def test_stock_needs_its_own_scope(guarded: FlaskClient, keyring: Keyring, books: Books) -> None:
    """A key without `stock:write` creates and edits; rows that move stock are refused."""
    _, key = keyring.issue("catalogue", [Scope.CATALOG_WRITE])
    _, both = keyring.issue("all", [Scope.CATALOG_WRITE, Scope.STOCK_WRITE])
    rows = [{**SHOE, "stock": 6, "expected_stock": 6}, CAP, {**SHOE, "sku": "C"}]

    def send(body: Any, secret: str) -> TestResponse:
        headers = {"X-API-Key": secret}
        query = {"on_error": "reject_failed"}
        return guarded.post(PATH, json=body, headers=headers, query_string=query, buffered=True)

    assert outcomes(send(rows, key)) == ["created"] * 3
    moved = [rows[0] | {"price": "1"}, CAP | {"stock": 9}, {"sku": "C", "stock_delta": 1}]
    refused = send(moved, key)
    assert outcomes(refused) == ["updated", "failed", "failed"]
    assert refused.json is not None
    assert refused.json["results"][1]["code"] == "insufficient_scope"
    assert books.count("movements") == 3
    assert outcomes(send(moved, both)) == ["unchanged", "updated", "updated"]


def test_an_export_is_sent_while_it_is_read(
    client: FlaskClient, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for the last product before the first is sent: no length is known by then."""
    assert send([{**SHOE, "sku": f"A-{number}"} for number in range(5)]).status_code == 200
    monkeypatch.setattr(limits, "EXPORT_BATCH_PRODUCTS", 1)
    answer = client.get("/api/products/export?format=csv")
    assert "Content-Length" not in answer.headers
    assert len(answer.data.splitlines()) == 6
