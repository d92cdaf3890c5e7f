"""The client for Python says what the OpenAPI document says: every operation, field and problem."""

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from openapi_schema_validator import OAS31Validator

from inventory_client import CartLine, CountLine, CustomerLimit, Line, Product
from inventory_client.errors import CODES
from inventory_client.errors.base import facts
from inventory_client.inputs import Reason, ReservationState, Sort
from inventory_client.operations import Operations
from inventory_client.reading import read
from inventory_client.retrying import Caller, Patience
from inventory_client.transport import Answer, Request

# What the client leaves to others: the document and its pages are for people and tools, the numbers
# for Prometheus, and signing in is for browsers.
LEFT_OUT = {
    *("get_document", "get_page", "get_page_file", "get_problem_type", "get_metrics"),
    *("sign_in", "sign_out"),
}
# Parameters with another name here: a page is as large as is practical, and there is an iterator.
RENAMED = {"page_size": "limit", "fresh": "Cache-Control", "idempotency_key": "Idempotency-Key"}
# An edit takes the product that was read: its id, and the version that If-Match wants.
PRODUCT = {"product": ("product_id", "If-Match")}
ITERATED = {"cursor"}
# An import's body is its rows, each of which may have any of the fields, or a file.
ROWS = {"rows", "media_type"}
# Sent by whoever wants to; the client has no use for them.
UNUSED = {"X-Request-ID", "If-None-Match"}

ID = "66f1c0ffee66f1c0ffee0001"
MOMENT = "2026-01-31T12:00:00.000Z"
SCALARS: dict[str, Any] = {
    "string": "text",
    "integer": 7,
    "number": 0.5,
    "boolean": True,
    "null": None,
}
METHODS = {
    name: method
    for name, method in inspect.getmembers(Operations, inspect.isfunction)
    if not name.startswith("_")
}


def resolved(document: dict, found: dict) -> dict:
    """Return a schema or parameter itself, where there is a reference to it."""
    if "$ref" not in found:
        return found
    target: Any = document
    for part in found["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return target


def operations(document: dict) -> dict[str, tuple[str, str, dict]]:
    """Return verb, path and description of every operation by its name."""
    return {
        operation["operationId"]: (verb.upper(), path, operation)
        for path, verbs in document["paths"].items()
        for verb, operation in verbs.items()
    }


def parameters(document: dict, operation: dict, place: str) -> set[str]:
    """Return the names of an operation's parameters in the path, the query or the headers."""
    found = (resolved(document, parameter) for parameter in operation["parameters"])
    return {parameter["name"] for parameter in found if parameter["in"] == place}


def body_of(document: dict, operation: dict) -> dict:
    """Return the schema of an operation's JSON body; without one, that of nothing."""
    content = operation.get("requestBody", {"content": {}})["content"]
    schema = content["application/json"]["schema"] if content else {}
    # Of many rows, one.
    return resolved(document, schema.get("items", schema))


def answer_of(document: dict, operation: dict) -> dict | None:
    """Return the schema of what an operation answers with success, None if that is nothing."""
    success = next(a for status, a in sorted(operation["responses"].items()) if status < "300")
    content = success.get("content")
    return next(iter(content.values()))["schema"] if content else None


def sample(document: dict, schema: dict) -> Any:
    """Return a value that fits a schema, with all members there are."""
    named = schema.get("$ref", "").rpartition("/")[2]
    if named in ("Id", "Moment", "Amount"):
        return {"Id": ID, "Moment": MOMENT, "Amount": "89.90"}[named]
    schema = resolved(document, schema)
    if "anyOf" in schema:
        return sample(document, schema["anyOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema["type"][0] if isinstance(schema["type"], list) else schema["type"]
    if kind == "object":
        members = schema.get("properties", {})
        return {name: sample(document, member) for name, member in members.items()}
    if kind == "array":
        return [sample(document, schema["items"])]
    return SCALARS[kind]


class Recorded:
    """Takes the place of the network: remembers what was sent, and answers as the document says."""

    def __init__(self, document: dict, operation: dict) -> None:
        self.requests: list[Request] = []
        self._document = document
        self._schema = answer_of(document, operation)

    def send(self, request: Request, _: float) -> Answer:
        """Remember."""
        self.requests.append(request)
        body = None if self._schema is None else sample(self._document, self._schema)
        if isinstance(body, dict) and "items" in body:
            body["next_cursor"] = "further" if len(self.requests) == 1 else None
        return Answer(200, {}, b"" if body is None else json.dumps(body).encode())

    def close(self) -> None:
        """There is nothing to close."""


def arguments(document: dict, name: str) -> Iterator[tuple[str, Any]]:
    """Yield a value for every argument of a method."""
    lines = {
        "buy_cart": [CartLine(product_id=ID, quantity=2), CartLine(sku="A-1", quantity=1)],
        "hold_units": [CartLine(sku="A-1", quantity=1)],
        "post_stocktake": [CountLine(product_id=ID, counted=3)],
    }
    values = {
        "product": read(Product, sample(document, document["components"]["schemas"]["Product"])),
        "price": Decimal("89.90"),
        "min_price": Decimal("0.50"),
        "max_price": 100,
        "currency": "EUR",
        "reason": "received",
        "kind": "purchase",
        "sort": "-price",
        "ids": [ID, ID],
        "tags": ["sneaker"],
        "types": ["stock.low", "stock.out"],
        "attributes": {"colour": "red", "weight": Decimal("1.5"), "new": True},
        "max_per_customer": CustomerLimit(quantity=2, window_seconds=60),
        "url": "https://shop.example/hooks",
        "state": "paused",
        "rows": [{"sku": "A-1", "stock": 7}],
        "media_type": "application/json",
        "on_error": "reject_failed",
        "format": "ndjson",
        "lines": lines.get(name, [Line(product_id=ID, quantity=1)]),
        "scopes": ["catalog:read"],
        "as_of": datetime(2026, 1, 31, 12, tzinfo=UTC),
        "counted_at": datetime(2026, 1, 31, 12, tzinfo=UTC),
        "expires_at": datetime(2036, 1, 31, 12, tzinfo=UTC),
        "idempotency_key": "once",
        "quantity_max": 2,
        "impatience": 0.25,
    }
    for parameter, hint in get_type_hints(METHODS[name]).items():
        if parameter == "return":
            continue
        if parameter.endswith("_id") and parameter != "customer_id":
            yield parameter, ID
        elif parameter in values:
            yield parameter, values[parameter]
        else:
            plain = {bool: True, int: 7, str: "text"}
            yield parameter, next(v for kind, v in plain.items() if kind in (hint, *get_args(hint)))


def agree(document: dict, hint: Any, schema: dict, where: str) -> None:
    """Assert that a type here is what a schema there says."""
    named = schema.get("$ref", "").rpartition("/")[2]
    exact = {"Id": str, "Moment": datetime, "Amount": Decimal}
    if named in exact:
        assert hint is exact[named], where
        return
    schema = resolved(document, schema)
    kind = schema.get("type", "")
    kinds = kind if isinstance(kind, list) else [kind]
    if "anyOf" in schema or "null" in kinds:
        either_agrees(document, hint, schema, where)
    elif kinds[0] == "array":
        assert get_origin(hint) is tuple, where
        agree(document, get_args(hint)[0], schema["items"], f"{where}[]")
    elif kinds[0] == "object" and "properties" in schema:
        assert is_dataclass(hint), where
        members_agree(document, get_type_hints(hint), schema["properties"], where)
        assert {field.name for field in fields(hint)} == set(schema["required"]), where
    elif kinds[0] == "object":
        assert get_origin(hint) is Mapping, where
    else:
        assert hint is type(SCALARS[kinds[0]]), where


def either_agrees(document: dict, hint: Any, schema: dict, where: str) -> None:
    """Assert that a type here is the several ones, or the one or null, that a schema there says."""
    assert get_origin(hint) in (Union, UnionType), f"{where} may be several things"
    there = schema.get("anyOf", [schema | {"type": kind} for kind in schema.get("type", ())])
    there = [one for one in there if one.get("type") != "null"]
    nullable = {"type": "null"} in schema.get("anyOf", []) or "type" in schema
    assert (NoneType in get_args(hint)) == nullable, where
    # What the JSON says stands for kinds that come later.
    others = (NoneType, Mapping[str, Any])
    here = [kind for kind in get_args(hint) if kind not in others]
    for kind, one in zip(here, there, strict=True):
        agree(document, kind, one, where)


def members_agree(document: dict, hints: dict, properties: dict, where: str) -> None:
    """Assert that there are the same members here and there, with types that agree."""
    assert hints.keys() == properties.keys(), where
    for name, hint in hints.items():
        agree(document, hint, properties[name], f"{where}.{name}")


def test_every_operation_has_a_method(document: dict) -> None:
    """The client has a method for each operation but those that it leaves to others, by name."""
    known = set(operations(document))
    assert known - set(METHODS) - LEFT_OUT == set(), "these have no method"
    assert set(METHODS) - known == set(), "these are no operations"
    assert known >= LEFT_OUT


@pytest.mark.parametrize("name", METHODS)
def test_methods_send_what_the_document_describes(document: dict, name: str) -> None:
    """Verb, path, query, headers and body are those of the operation, and all of them."""
    verb, path, operation = operations(document)[name]
    recorded = Recorded(document, operation)
    sent = dict(arguments(document, name))
    result = METHODS[name](Operations(Caller(recorded, Patience())), **sent)
    if isinstance(result, Iterator):
        assert len(list(result)) == 2, "one of each page"

    place = (verb, re.sub(r"\{\w+\}", ID, path))
    assert {(request.method, request.path) for request in recorded.requests} == {place}
    first, last = recorded.requests[0], recorded.requests[-1]
    assert set(last.query) == parameters(document, operation, "query")
    assert set(first.query) - ITERATED == set(last.query) - ITERATED
    headers = parameters(document, operation, "header") - UNUSED
    assert set(first.headers) - {"Content-Type", "Accept"} == headers
    body = body_of(document, operation)
    assert (first.body is None) == (not body)
    if first.body is not None:
        value = json.loads(first.body)
        (value, every) = (value[0], False) if isinstance(value, list) else (value, True)
        OAS31Validator({"components": document["components"], **body}).validate(value)
        assert not every or set(value) == set(body["properties"])


@pytest.mark.parametrize("name", METHODS)
def test_methods_take_nothing_else(document: dict, name: str) -> None:
    """An argument is a parameter or a field of the operation, under its name there."""
    _, _, operation = operations(document)[name]
    known = set(body_of(document, operation).get("properties", {}))
    if "rows" in METHODS[name].__annotations__:
        known = set(ROWS)
    for place in ("path", "query", "header"):
        known |= parameters(document, operation, place)
    taken = set(inspect.signature(METHODS[name]).parameters) - {"self"}
    there = {RENAMED.get(argument, argument) for argument in taken - set(PRODUCT)}
    for argument in taken & set(PRODUCT):
        there |= set(PRODUCT[argument])
    assert there - known == set()
    assert known - there - UNUSED - (ITERATED if "page_size" in taken else set()) == set()


@pytest.mark.parametrize("name", METHODS)
def test_answers_are_typed_as_the_document_says(document: dict, name: str) -> None:
    """A record has the members of the operation's answer, with types that agree."""
    _, _, operation = operations(document)[name]
    hint = get_type_hints(METHODS[name])["return"]
    schema = answer_of(document, operation)
    if schema is None:
        assert hint is NoneType
        return
    if get_origin(hint) is Iterator:
        (hint,) = get_args(hint)
        schema = resolved(document, schema)["properties"]["items"]["items"]
    if hint is bytes:
        assert schema["$ref"].endswith("/Export")
        return
    agree(document, hint, schema, name)


def test_every_problem_has_a_class(document: dict) -> None:
    """Each code of the document is a class here, with its facts as typed attributes."""
    problems = [s for s in document["components"]["schemas"].values() if "allOf" in s]
    codes = {schema["properties"]["code"]["enum"][0]: schema for schema in problems}
    assert codes.keys() - CODES.keys() == set(), "these have no class"
    assert CODES.keys() - codes.keys() == set(), "these are no problems"
    for code, schema in codes.items():
        said = schema["properties"].keys() - {"type", "status", "code", "title", "detail"}
        properties = {name: schema["properties"][name] for name in said}
        members_agree(document, facts(CODES[code]), properties, code)


def test_words_are_those_of_the_document(document: dict) -> None:
    """Reasons and orders that the client's types allow are all that the service takes."""
    _, _, listing = operations(document)["list_products"]
    (sort,) = [p for p in listing["parameters"] if p.get("name") == "sort"]
    assert set(get_args(Sort)) == set(resolved(document, sort["schema"])["enum"])
    _, _, held = operations(document)["list_reservations"]
    (state,) = [p for p in held["parameters"] if p.get("name") == "state"]
    assert set(get_args(ReservationState)) == set(resolved(document, state["schema"])["enum"])
    adjustment = json.dumps(document["components"]["schemas"]["AdjustmentRequest"])
    assert all(f'"{reason}"' in adjustment for reason in get_args(Reason))
