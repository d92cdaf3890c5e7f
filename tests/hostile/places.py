"""Where a client can put something: taken from the OpenAPI document, so that nothing is forgotten.

A route that is added to the service has its places here by itself.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from openapi_schema_validator import OAS31Validator, oas31_format_checker

Pointer = tuple[str | int, ...]
# A name that no object of any body has.
UNKNOWN = "unknown"
# What names a product in a line. Nothing hostile is one.
NAMES_OF_PRODUCTS = ("product_id", "sku")


@dataclass(frozen=True)
class Operation:
    """A method of a path, with what it takes."""

    method: str
    path: str
    parameters: Mapping[str, tuple[str, ...]]
    # An example that is good, as far as the document can tell, and the schema that it fits.
    example: Any = None
    schema: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def writes(self) -> bool:
        """Whether it may change anything."""
        return self.method != "GET"


def operations(document: Mapping[str, Any]) -> list[Operation]:
    """Return every operation of the document."""
    return [
        _operation(document, method, path, described)
        for path, methods in document["paths"].items()
        for method, described in methods.items()
    ]


def _operation(document: Mapping[str, Any], method: str, path: str, described: Any) -> Operation:
    parameters: dict[str, tuple[str, ...]] = {"path": (), "query": (), "header": ()}
    for parameter in described["parameters"]:
        found = _resolved(document, parameter)
        parameters[found["in"]] += (found["name"],)
    content = described.get("requestBody", {}).get("content", {}).get("application/json", {})
    if content.get("schema", {}).get("type") == "array":
        # Rows are refused one by one: `tests/api/test_hostile_imports.py`.
        content = {}
    return Operation(
        method.upper(), path, parameters, content.get("example"), content.get("schema")
    )


def _resolved(document: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a reference leads to, or the part itself."""
    while "$ref" in part:
        found: Any = document
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = cast(Mapping[str, Any], found)
    return part


def body_places(
    document: Mapping[str, Any], schema: Mapping[str, Any], example: Any, at: Pointer = ()
) -> Iterator[tuple[Pointer, Mapping[str, Any]]]:
    """Yield the places in a body, with the schema of each: the whole, members, items, values."""
    yield at, schema
    schema = _inner(document, schema)
    if isinstance(example, dict):
        known = schema.get("properties", {})
        others = schema.get("additionalProperties")
        for name in dict.fromkeys([*known, *example]):
            inner = known.get(name, others)
            yield from body_places(document, inner, example.get(name), (*at, name))
        yield (*at, UNKNOWN), others if isinstance(others, dict) else {"not": {}}
    elif isinstance(example, list):
        for index, item in enumerate(example):
            yield from body_places(document, schema["items"], item, (*at, index))


def _inner(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema of an object where it may be an object or nothing."""
    schema = _resolved(document, schema)
    for choice in (*schema.get("anyOf", ()), *schema.get("allOf", ())):
        if "properties" in (found := _resolved(document, choice)):
            return found
    return schema


def put(body: Any, at: Pointer, value: Any) -> Any:
    """Return a copy of `body` with `value` at a place."""
    if not at:
        return value
    spoilt = copy.deepcopy(body)
    place = spoilt
    for step in at[:-1]:
        place = place[step]
    place[at[-1]] = value
    return spoilt


def value_at(found: Any, at: Pointer) -> Any:
    """Return what stands at a place."""
    for step in at:
        found = found[step]
    return found


def is_text(schema: Mapping[str, Any]) -> bool:
    """Tell whether a schema is one of free text."""
    return "string" in schema.get("type", ()) and "maxLength" in schema


def names_a_product(at: Pointer) -> bool:
    """Tell whether this place in a body says which product is meant."""
    return len(at) == 3 and at[-1] in NAMES_OF_PRODUCTS


class Fitting:
    """Tells what is valid by the document; each pair of a schema and a value is judged once."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._components = document["components"]
        self._validators: dict[str, Any] = {}

    def __call__(self, schema: Mapping[str, Any], value: Any) -> bool:
        """Tell whether `value` is valid by `schema`."""
        return bool(self._validator(schema).is_valid(value))

    def _validator(self, schema: Mapping[str, Any]) -> Any:
        name = json.dumps(schema)
        if name not in self._validators:
            self._validators[name] = OAS31Validator(
                {"components": self._components, **schema}, format_checker=oas31_format_checker
            )
        return self._validators[name]
