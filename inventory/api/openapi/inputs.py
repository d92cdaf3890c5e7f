"""What clients may send, as JSON Schema: derived from the marshmallow schemas that check it.

The plugin of apispec knows marshmallow's own fields; here it learns ours. Where JSON Schema cannot
say all that a field checks, it says what it can, and the field's description the rest.
"""

from collections.abc import Mapping
from functools import singledispatch
from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import Schema, ValidationError, fields

from inventory import limits
from inventory.api.openapi.wording import FIELDS
from inventory.api.schemas.fields import (
    Attributes,
    Moment,
    Money,
    QueryNumber,
    QueryTruth,
    Share,
    Text,
    Truth,
)
from inventory.api.schemas.keys import NewKeySchema
from inventory.api.schemas.lines import NamedSchema
from inventory.api.schemas.products import NewProductSchema
from inventory.api.schemas.rows import ProductRowSchema
from inventory.api.schemas.stock import AdjustmentSchema
from inventory.domain.keys import PUBLISHABLE_SCOPES
from inventory.domain.movements import Reason
from inventory.domain.products import OPTIONAL_TERMS

JSONSchema = dict[str, Any]
Field = fields.Field[Any]

# Control characters are no text; with line breaks and tabs, where a text may have several lines.
_CONTROLS = r"\u0000-\u001f\u007f-\u009f"
_BREAKS = rf"{_CONTROLS}\u2028\u2029"
_LINE = rf"^[^{_BREAKS}]*[^\s{_BREAKS}][^{_BREAKS}]*$"
_LINES = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$"
_AMOUNT = rf"^[0-9]{{1,{limits.PRICE_DIGITS_MAX}}}(\.[0-9]{{1,{limits.DECIMAL_PLACES_MAX}}})?$"
_ATTRIBUTE_NAME = rf"^[A-Za-z][A-Za-z0-9_-]{{0,{limits.ATTRIBUTE_NAME_CHARACTERS_MAX - 1}}}$"
_ATTRIBUTE_NUMBER_MAX = 10**limits.ATTRIBUTE_DIGITS_MAX - 1
_TYPE_NAMES = {
    Money: "number",
    QueryNumber: "integer",
    QueryTruth: "boolean",
    Share: "number",
    Truth: "boolean",
}


def plugin() -> MarshmallowPlugin:
    """Return apispec's plugin for marshmallow, which names schemas as `schema_name` does."""
    return MarshmallowPlugin(schema_name_resolver=schema_name)


def schema_name(schema: type[Schema] | Schema) -> str:
    """Return the name of an input schema in the document."""
    kind = schema if isinstance(schema, type) else type(schema)
    return kind.__name__.removesuffix("Schema") + "Request"


def described_as(schema: Schema, converter: OpenAPIConverter) -> JSONSchema:
    """Return how the document tells of what `schema` checks: by reference to it."""
    # apispec gives this one no types.
    untyped: Any = converter
    described: JSONSchema = untyped.resolve_nested_schema(schema)
    return described


def teach(taught: MarshmallowPlugin) -> None:
    """Let the plugin, which belongs to a document by now, know the fields of this service."""
    converter: Any = taught.converter
    for kind, type_name in _TYPE_NAMES.items():
        converter.map_to_openapi_type(kind, type_name, None)
    converter.add_attribute_function(_keywords)
    converter.add_parameter_attribute_function(_query_keywords)


def complete(schemas: dict[str, JSONSchema]) -> None:
    """Add to the document's schemas what fields alone do not say."""
    for kind in NamedSchema.__subclasses__():
        if (schema := schemas.get(schema_name(kind))) is not None:
            schema["oneOf"] = [{"required": [name]} for name in kind.EITHER]
    if (adjustment := schemas.get(schema_name(AdjustmentSchema))) is not None:
        adjustment["oneOf"] = [
            _direction(1, minimum=1, maximum=limits.DELTA_MAX),
            _direction(-1, minimum=-limits.DELTA_MAX, maximum=-1),
        ]

    if (row := schemas.get(schema_name(ProductRowSchema))) is not None:
        text = {"type": "string"}
        row["anyOf"] = [{"properties": {name: text}, "required": [name]} for name in ("sku", "id")]
        row["not"] = {"required": ["stock", "stock_delta"]}
    if (key := schemas.get(schema_name(NewKeySchema))) is not None:
        allowed = sorted(map(str, PUBLISHABLE_SCOPES))
        published = {"publishable": {"enum": [True]}, "scopes": {"items": {"enum": allowed}}}
        key["oneOf"] = [
            {"properties": {"publishable": {"enum": [False]}}},
            {"properties": published, "required": ["publishable"]},
        ]


def _direction(delta: int, **bounds: int) -> JSONSchema:
    """Return what an adjustment in the direction of `delta` says."""
    reasons = [str(reason) for reason in Reason if reason.allows(delta)]
    return {"properties": {"delta": bounds, "reason": {"enum": reasons}}}


def _keywords(_: object, field: Field, ret: JSONSchema) -> JSONSchema:
    """Return what is to be added to `ret`, the plugin's own idea of a field."""
    return _of_kind(field, ret) | _described(field)


@singledispatch
def _of_kind(_field: Field, _ret: JSONSchema) -> JSONSchema:
    """Return what a field of this class says beyond what the plugin knows."""
    return {}


@_of_kind.register
def _string(_: fields.String, ret: JSONSchema) -> JSONSchema:
    # The end of a text is written otherwise in Python.
    return {"pattern": ret["pattern"].replace(r"\Z", "$")} if "pattern" in ret else {}


@_of_kind.register
def _text(field: Text, _: JSONSchema) -> JSONSchema:
    return {"pattern": _LINES if field.lines else _LINE}


@_of_kind.register
def _money(field: Money, _: JSONSchema) -> JSONSchema:
    numbers = {"minimum": 0, "exclusiveMaximum": limits.PRICE_MAX}
    return {"type": _types(field, "string", "number"), "pattern": _AMOUNT} | numbers


@_of_kind.register
def _moment(field: Moment, _: JSONSchema) -> JSONSchema:
    return {"type": _types(field, "string"), "format": "date-time"}


@_of_kind.register(fields.Enum)
def _enum(field: Field, _: JSONSchema) -> JSONSchema:
    return {"type": _types(field, "string")}


@_of_kind.register(fields.List)
def _list(field: Field, _: JSONSchema) -> JSONSchema:
    return {"uniqueItems": True} if _refuses_repetition(field) else {}


@_of_kind.register
def _attributes(field: Attributes, _: JSONSchema) -> JSONSchema:
    nothing = ("null",) if field.removable else ()
    return {
        "type": _types(field, "object"),
        "maxProperties": limits.ATTRIBUTES_MAX,
        "propertyNames": {"pattern": _ATTRIBUTE_NAME},
        "additionalProperties": {
            "type": ["string", "number", "boolean", *nothing],
            "maxLength": limits.ATTRIBUTE_TEXT_CHARACTERS_MAX,
            "pattern": _LINES,
            "minimum": -_ATTRIBUTE_NUMBER_MAX,
            "maximum": _ATTRIBUTE_NUMBER_MAX,
        },
    }


def _described(field: Field) -> JSONSchema:
    schema = field.parent
    if not isinstance(schema, Schema):
        # An item of a list: the list has the description.
        return {}
    name = field.name or ""
    wording = field.metadata.get("description", FIELDS.get(name))
    described: JSONSchema = {"description": wording} if wording else {}
    if isinstance(schema, NewProductSchema) and not field.required:
        described["default"] = _plain(OPTIONAL_TERMS[name])
    return described


def _query_keywords(_: object, field: Field, **_ret: object) -> JSONSchema:
    """Return what is different about a field in a query, where everything is text."""
    if not isinstance(field, Money):
        return {}
    return {"schema": {"type": "string", "pattern": _AMOUNT}}


def _types(field: Field, *names: str) -> str | list[str]:
    all_names = [*names, "null"] if field.allow_none else list(names)
    return all_names if len(all_names) > 1 else all_names[0]


def _refuses_repetition(field: Field) -> bool:
    """Ask the validators: two items pass if they differ, and only then."""
    return _passes(field, ["a", "b"]) and not _passes(field, ["a", "a"])


def _passes(field: Field, items: list[str]) -> bool:
    try:
        for check in field.validators:
            check(items)
    except ValidationError:
        return False
    return True


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value
