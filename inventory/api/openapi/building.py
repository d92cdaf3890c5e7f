"""The pieces that schemas of answers are made of."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from inventory import limits
from inventory.api.openapi.wording import FIELDS

JSONSchema = dict[str, Any]


def reference(name: str) -> JSONSchema:
    """Return a reference to the schema with this name in the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def whole(least: int, most: int, description: str = "") -> JSONSchema:
    """Return the schema of a whole number in a range."""
    return described({"type": "integer", "minimum": least, "maximum": most}, description)


def text(description: str = "", **keywords: Any) -> JSONSchema:
    """Return the schema of a text."""
    return described({"type": "string", **keywords}, description)


def truth(description: str) -> JSONSchema:
    """Return the schema of true or false."""
    return {"type": "boolean", "description": description}


def nullable(schema: JSONSchema) -> JSONSchema:
    """Return `schema` with null allowed as well."""
    if "anyOf" in schema:
        return schema
    if "$ref" in schema:
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        return {"anyOf": [{"$ref": schema["$ref"]}, {"type": "null"}]} | rest
    values = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return schema | {"type": [schema["type"], "null"]} | values


def record(description: str, members: Mapping[str, JSONSchema]) -> JSONSchema:
    """Return the schema of an object with exactly these members."""
    return {
        "type": "object",
        "description": description,
        "required": list(members),
        "properties": {
            name: described(schema, schema.get("description") or FIELDS.get(name, ""))
            for name, schema in members.items()
        },
        "additionalProperties": False,
    }


def identifier(description: str) -> JSONSchema:
    """Return a reference to the schema of ids, saying whose id it is."""
    return described(reference("Id"), description)


def described(schema: JSONSchema, description: str) -> JSONSchema:
    """Return `schema` with a description, if there is one."""
    return schema | {"description": description} if description else schema


def constant(value: str) -> JSONSchema:
    """Return the schema of the one thing that is ever said."""
    return {"type": "string", "enum": [value], "description": "Nothing else is said with 200."}


def choice(choices: type[StrEnum], description: str) -> JSONSchema:
    """Return the schema of one of some words."""
    return {"type": "string", "enum": [str(c) for c in choices], "description": description}


def amount(description: str) -> JSONSchema:
    """Return the schema of an amount of money."""
    return described(reference("Amount"), description)


def moment(description: str) -> JSONSchema:
    """Return the schema of a time."""
    return described(reference("Moment"), description)


def currency() -> JSONSchema:
    """Return the schema of a currency's code."""
    return text(pattern="^[A-Z]{3}$")


def balance(description: str) -> JSONSchema:
    """Return the schema of a stock, which may be oversold."""
    return whole(-limits.OVERSELL_LIMIT_MAX, limits.STOCK_MAX, description)


def held() -> JSONSchema:
    """Return the schema of a number of held units."""
    return whole(0, limits.STOCK_MAX, "Units set aside for somebody, not to be bought by others.")


def stock_version() -> JSONSchema:
    """Return the schema of the version of a product's counters."""
    return whole(1, 2**53, "Rises by one with every movement of the stock.")
