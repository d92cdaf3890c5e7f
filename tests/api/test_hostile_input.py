"""What no client should send, field by field: refused, explained, without a trace.

What is hostile anywhere comes from the corpora in `tests/hostile/`; here is what each field alone
cannot take.
"""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import Create
from tests.api.support import Books, assert_problem

CAP: dict[str, Any] = {"name": "Cap", "price": "5", "stock": 3}
PURCHASE: dict[str, Any] = {"quantity": 1}
ADJUSTMENT: dict[str, Any] = {"delta": 1, "reason": "found"}

# JSON as it is written, because no JSON library would write most of it.
NEVER = [
    "[]", "{}", "[1]", "[null]", "[[]]", "[{}]", '{"$gt": 0}', '{"a.b": 1}', '{"$where": "1"}',
]  # fmt: skip
NO_NUMBERS = ["NaN", "Infinity", "-Infinity", "1e99999999999999999999", "0x1", "+1", "01", "1."]
NOT_WHOLE = [
    *NEVER, *NO_NUMBERS, "true", "false", "1.0", "1.5", "1e0", "1E2", "-0.0", "1e400", "1e-400",
    '"1"', '""', '"1.0"', '"NaN"', str(2**63), str(2**64), str(2**70), str(-(2**70)),
    str(10**400), "9" * 5_000,
]  # fmt: skip
NOT_MONEY = [
    *NEVER, *NO_NUMBERS, "true", "false", "-1", "-0.01", "1e400", "1e-400", "0.001", str(2**70),
    str(10**400), "9" * 5_000, '""', '"abc"', '"-1"', '"+1"', '"1e2"', '"NaN"', '"Infinity"',
    '"1,5"', '" 1"', '"1 "', '"1."', '".5"', '"0x1"', '"1_000"', '"\u0661"', '"1\\u0000"',
    '{"$numberDecimal": "1"}', '"' + "9" * 13 + '"',
]  # fmt: skip
NOT_TEXT = [
    *NEVER, "true", "false", "0", "1", "1.5", '"a\\u0000b"', '"\\u001b[31m"', '"\\u007f"',
    '"\\u0085"', '"\\ud800"', '"\\udc00\\ud800"', '"x\\udfff"', '["a"]', '{"$ne": ""}',
]  # fmt: skip
NOT_A_LINE = [*NOT_TEXT, '""', '" "', '"\\u3000"', '"a\\nb"', '"a\\tb"']
NOT_TAGS = [
    "true", "1", '"a"', "{}", '{"$in": []}', "[1]", "[null]", "[true]", '[""]', '[" "]', "[[]]",
    '["a", "a"]', '[["a"]]', '[{"$gt": ""}]', '["\\ud800"]', '["a\\u0000"]',
    json.dumps(["x" * 65]), json.dumps([f"t{n}" for n in range(51)]),
]  # fmt: skip
NOT_ATTRIBUTES = [
    "true", "1", '"a"', "[]", '[["a", 1]]', '{"$where": "1"}', '{"a.b": 1}', '{"": 1}',
    '{"a b": 1}', '{"1a": 1}', '{"_id": 1}', '{"a\\u0000": 1}', '{"\\ud800": 1}', '{"ä": 1}',
    '{"a": {}}', '{"a": []}', '{"a": {"$gt": 1}}', '{"a": 1e400}', '{"a": 1e-13}', '{"a": NaN}',
    '{"a": "\\u0000"}', '{"a": "\\ud800"}', '{"a": 1, "a": 1}', f'{{"a": {2**70}}}',
    json.dumps({"a": "x" * 1_001}), json.dumps({"a" * 65: 1}),
    json.dumps({f"a{n}": 1 for n in range(101)}),
]  # fmt: skip
NOT_A_LIMIT = [
    "true", "1", '"a"', "[]", "{}", '{"quantity": 1}', '{"window_seconds": 1}',
    '{"quantity": 0, "window_seconds": 1}', '{"quantity": 1, "window_seconds": 0}',
    '{"quantity": true, "window_seconds": 1}', '{"quantity": 1, "window_seconds": 1.0}',
    '{"quantity": 1, "window_seconds": 1, "x": 1}', '{"quantity": null, "window_seconds": 1}',
    '{"quantity": 1, "window_seconds": 31622401}', '{"quantity": {"$gt": 0}, "window_seconds": 1}',
]  # fmt: skip
NOT_A_CURRENCY = [*NOT_A_LINE, '"usd"', '"US"', '"USDD"', '"U$D"', '"USD\\n"', '"ÜSD"']
NOT_A_REASON = [*NOT_A_LINE, "null", '"Found"', '"stolen"', '"found "', '"FOUND"', '"name"']


def beyond(least: int, most: int) -> list[str]:
    """Return what is no whole number within bounds."""
    return [*NOT_WHOLE, str(least - 1), str(most + 1)]


def longer(characters: int) -> list[str]:
    """Return what is no single line of at most so many characters."""
    return [*NOT_A_LINE, json.dumps("x" * (characters + 1)), json.dumps("ä" * (characters + 1))]


PRODUCT_FIELDS = {
    "name": [*longer(200), "null"],
    "price": [*NOT_MONEY, "null"],
    "currency": [*NOT_A_CURRENCY, "null"],
    "sku": longer(64),
    "description": [*NOT_TEXT, json.dumps("x" * 10_001)],
    "tags": NOT_TAGS,
    "attributes": NOT_ATTRIBUTES,
    "low_stock_threshold": beyond(0, 10**9),
    "oversell_limit": beyond(0, 10**9),
    "max_per_order": beyond(1, 10**6),
    "max_per_customer": NOT_A_LIMIT,
}
FIELDS: dict[str, dict[str, list[str]]] = {
    "create": PRODUCT_FIELDS
    | {"stock": [*beyond(0, 10**9), "null"], "attributes": [*NOT_ATTRIBUTES, '{"a": null}']}
    | {name: ["null"] + PRODUCT_FIELDS[name] for name in ("tags", "description", "oversell_limit")},
    "edit": PRODUCT_FIELDS | {"stock": ["1", "null"], "version": ["1"], "held": ["0"]},
    "purchase": {
        "quantity": [*beyond(1, 10**6), "null"],
        "customer_id": longer(200),
        "reference": longer(200),
    },
    "adjust": {
        "delta": [*beyond(-(10**9), 10**9), "null", "0", "-1"],
        "reason": NOT_A_REASON,
        "reference": longer(200),
        "note": [*NOT_TEXT, '""', json.dumps("x" * 1_001)],
        "expected_stock": beyond(-(10**12), 10**12),
    },
}
LINE: dict[str, Any] = {"sku": "A-1", "quantity": 1}
CART: dict[str, Any] = {"lines": [LINE]}
HOLD: dict[str, Any] = {"lines": [LINE], "ttl_seconds": 60}
COUNT: dict[str, Any] = {"lines": [{"sku": "A-1", "counted": 5}]}
NOT_LINES = [
    *NEVER, "null", "true", "1", '"a"', '[{"quantity": 1}]', '[{"sku": "A-1"}]',
    '[{"sku": "A-1", "product_id": "x", "quantity": 1}]', '[{"sku": null, "quantity": 1}]',
    '[{"sku": {"$ne": 1}, "quantity": 1}]', '[{"product_id": {"$gt": ""}, "quantity": 1}]',
    '[{"sku": "A-1", "quantity": 1, "price": 0}]', '[[{"sku": "A-1", "quantity": 1}]]',
    *(f'[{{"sku": "A-1", "quantity": {value}}}]' for value in beyond(1, 10**6)),
    json.dumps([LINE] * 101),
]  # fmt: skip
NOT_COUNTS = [
    *NEVER, "null", '[{"sku": "A-1"}]', '[{"counted": 1}]', '[{"sku": "A-1", "quantity": 1}]',
    *(f'[{{"sku": "A-1", "counted": {value}}}]' for value in beyond(0, 10**9)),
    json.dumps([{"sku": "A-1", "counted": 1}] * 2),
]  # fmt: skip
NOT_A_TIME = [
    *NOT_A_LINE, "null", '"yesterday"', '"2026-01-31"', '"2026-01-31T12:00:00"', "1769860800",
    '"2999-01-01T00:00:00Z"', '"2020-01-01T00:00:00Z"', '"0000-01-01T00:00:00Z"',
]  # fmt: skip
FIELDS |= {
    "cart": {"lines": NOT_LINES, "customer_id": longer(200), "reference": longer(200)},
    "hold": {
        "lines": NOT_LINES,
        "ttl_seconds": [*beyond(1, 86_400), "null"],
        "customer_id": longer(200),
        "reference": longer(200),
    },
    "count": {"lines": NOT_COUNTS, "counted_at": NOT_A_TIME, "reference": longer(200)},
}
VALID = {
    "create": CAP,
    "edit": {"name": "Cap"},
    "purchase": PURCHASE,
    "adjust": ADJUSTMENT,
    "cart": CART,
    "hold": HOLD,
    "count": COUNT,
}


@pytest.fixture(name="send")
def _send(client: FlaskClient, create: Create) -> Any:
    """Send a body, as bytes, to one of the calls that take one, for a product that exists."""
    path = f"/api/products/{create(stock=5, sku='A-1')['id']}"
    calls = {
        "create": ("POST", "/api/products"),
        "edit": ("PATCH", path),
        "purchase": ("POST", f"{path}/purchase"),
        "adjust": ("POST", f"{path}/adjustments"),
        "cart": ("POST", "/api/purchases"),
        "hold": ("POST", "/api/reservations"),
        "count": ("POST", "/api/stocktakes"),
    }

    def send(call: str, body: bytes, **options: Any) -> Any:
        method, target = calls[call]
        options = {"content_type": "application/json", "headers": {"If-Match": "*"}} | options
        return client.open(target, method=method, data=body, **options)

    return send


def written(call: str, field: str, value: str) -> bytes:
    """Return the call's valid body with one field as given, or with one field more."""
    members = {name: json.dumps(valid) for name, valid in VALID[call].items()} | {field: value}
    text = ", ".join(f'"{name}": {member}' for name, member in members.items())
    return f"{{{text}}}".encode()


@pytest.mark.parametrize(
    "call, field", [(call, field) for call, fields in FIELDS.items() for field in fields]
)
def test_a_value_that_no_field_takes(send: Any, books: Books, call: str, field: str) -> None:
    """A value of the wrong type, out of bounds or out of this world is refused by name."""
    before = books.digest()
    for value in FIELDS[call][field]:
        answer = send(call, written(call, field, value))
        # What is no JSON, or repeats a name, is refused before it has any fields.
        code = {400: "malformed_json", 422: "validation_failed"}[answer.status_code]
        problem = assert_problem(answer, answer.status_code, code)
        if answer.status_code == 422:
            assert {name.split(".")[0] for name in problem["errors"]} == {field}, value
        assert books.digest() == before, value


@pytest.mark.parametrize("call", VALID)
def test_the_valid_bodies_are_valid(send: Any, call: str) -> None:
    """The bodies that the tests here spoil would have been taken as they were."""
    assert send(call, json.dumps(VALID[call]).encode()).status_code in (200, 201)


@pytest.mark.parametrize("call", VALID)
@pytest.mark.parametrize("name", [
    "", " ", "$gt", "a.b", "$where", "__proto__", "_id", "id", "Name", "name ", "\\u0000",
    "\\u001b[31m", "\\ud800", "🦄", "n" * 60_000, "%s", "{0}", "body", "_schema",
])  # fmt: skip
def test_a_name_that_no_body_has(send: Any, books: Books, call: str, name: str) -> None:
    """A field that nobody knows is refused, whatever its name would do elsewhere."""
    before = books.digest()
    problem = assert_problem(send(call, written(call, name, "1")), 422, "validation_failed")
    assert len(problem["errors"]) == 1
    assert books.digest() == before


NOT_JSON = [
    b"", b" ", b"{", b"nul", b"NaN", b'"\n"', b'{"quantity": 1, "quantity": 1}',
    b'{"quantity": 1, "quan\\u0074ity": 2}', b'{"attributes": {"a": 1, "a": 2}}',
]  # fmt: skip
NOT_AN_OBJECT = [b"null", b"true", b"1", b"1.5", b'"a"', b"[]", b"[{}]", b'[{"quantity": 1}]']


@pytest.mark.parametrize("call", VALID)
def test_a_body_that_is_no_json(send: Any, books: Books, call: str) -> None:
    """What is no strict JSON is malformed. `test_hostile_documents.py` has hundreds more of it."""
    before = books.digest()
    for body in NOT_JSON:
        assert_problem(send(call, body), 400, "malformed_json")
        assert books.digest() == before, body[:50]


@pytest.mark.parametrize("call", VALID)
def test_a_body_that_is_no_object(send: Any, books: Books, call: str) -> None:
    """JSON that is not an object is refused as a whole."""
    before = books.digest()
    for body in NOT_AN_OBJECT:
        problem = assert_problem(send(call, body), 422, "validation_failed")
        assert problem["errors"].keys() == {"body"}
        assert books.digest() == before


@pytest.mark.parametrize("call", VALID)
@pytest.mark.parametrize("media_type", [
    None, "", "text/plain", "text/json", "application/x-www-form-urlencoded", "application/xml",
    "multipart/form-data; boundary=x", "application/jsonx", "application/json, application/json",
    "application/json; charset=utf-16", "application/json; charset=latin-1", "*/*", "json",
    "application/problem+json", "application/json; charset=\"utf-16\"", "\x00", "application /json",
])  # fmt: skip
def test_a_body_of_another_kind(send: Any, books: Books, call: str, media_type: str | None) -> None:
    """A body that does not say it is JSON in UTF-8 is not read, even if it is."""
    before = books.digest()
    answer = send(call, json.dumps(VALID[call]).encode(), content_type=media_type)
    assert_problem(answer, 415, "unsupported_media_type")
    assert books.digest() == before


@pytest.mark.parametrize("media_type", [
    "application/json", "APPLICATION/JSON", "application/json; charset=utf-8",
    'application/json;charset="UTF-8"', "application/json; charset=utf8",
])  # fmt: skip
def test_json_by_any_of_its_names(send: Any, media_type: str) -> None:
    """The one media type may be written as HTTP allows."""
    assert send("purchase", b'{"quantity": 1}', content_type=media_type).status_code == 201


def test_a_merge_patch_is_for_edits_only(send: Any, books: Books) -> None:
    """Only an edit takes the media type of a merge patch."""
    before = books.digest()
    for call in VALID.keys() - {"edit"}:
        body = json.dumps(VALID[call]).encode()
        answer = send(call, body, content_type="application/merge-patch+json")
        assert_problem(answer, 415, "unsupported_media_type")
    assert books.digest() == before


@pytest.mark.parametrize("call", VALID)
@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "gzip, identity", "x"])
def test_a_body_that_is_packed(send: Any, books: Books, call: str, coding: str) -> None:
    """A compressed body is refused before anything unpacks it."""
    before = books.digest()
    headers = {"If-Match": "*", "Content-Encoding": coding}
    answer = send(call, json.dumps(VALID[call]).encode(), headers=headers)
    assert_problem(answer, 415, "unsupported_media_type")
    assert books.digest() == before


@pytest.mark.parametrize("call", VALID)
@pytest.mark.parametrize("measured", [True, False], ids=["measured", "streamed"])
def test_a_body_that_is_too_long(send: Any, books: Books, call: str, measured: bool) -> None:
    """A body over 64 KiB is refused whether or not it says how long it is."""
    before = books.digest()
    body = json.dumps(VALID[call]).encode()
    # A server that takes chunked bodies tells their end in this way; the length is not known.
    options: dict[str, Any] = {} if measured else {
        "environ_overrides": {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    }  # fmt: skip
    assert_problem(send(call, body.ljust(65_537), **options), 413, "payload_too_large")
    assert books.digest() == before
    assert send(call, body.ljust(65_536), **options).status_code in (200, 201)


# Payloads in queries are in `test_injection.py`; these are no text in UTF-8, or no pairs.
QUERIES = [
    "sku=%ff%fe", "tag=%ed%a0%80", "q=%f0%9f%a6%84zzz", "%00=1", "%ff=1", "=1", "limit=%00",
    "max_price=-1", "cursor=%00", "cursor=" + "A" * 1_024,
]  # fmt: skip


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_that_wants_to_be_more(client: FlaskClient, create: Create, query: str) -> None:
    """Broken names and values in a query find nothing, or are refused."""
    create(sku="A-1", tags=["shoes"])
    answer = client.get(f"/api/products?{query}")
    if answer.status_code == 200:
        assert answer.json == {"items": [], "next_cursor": None}
    else:
        assert_problem(answer, 422, "validation_failed")
