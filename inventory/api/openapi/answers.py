"""What the service answers, as JSON Schema: one closed record for each function of `presenters`.

Every member is always there, null where there is nothing to say, so a client never has to tell an
absent member from an empty one.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from inventory import limits
from inventory.api.openapi.wording import EXAMPLES, FIELDS
from inventory.domain.products import Availability
from inventory.domain.stock import Kind, Reason

JSONSchema = dict[str, Any]


def reference(name: str) -> JSONSchema:
    """Return a reference to the schema with this name in the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def whole(least: int, most: int, description: str = "") -> JSONSchema:
    """Return the schema of a whole number in a range."""
    return _described({"type": "integer", "minimum": least, "maximum": most}, description)


def text(description: str = "", **keywords: Any) -> JSONSchema:
    """Return the schema of a text."""
    return _described({"type": "string", **keywords}, description)


def nullable(schema: JSONSchema) -> JSONSchema:
    """Return `schema` with null allowed as well."""
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
            name: _described(schema, schema.get("description") or FIELDS.get(name, ""))
            for name, schema in members.items()
        },
        "additionalProperties": False,
    }


def identifier(description: str) -> JSONSchema:
    """Return a reference to the schema of ids, saying whose id it is."""
    return _described(reference("Id"), description)


def answers() -> dict[str, JSONSchema]:
    """Return the schema of every answer by its name, and of what they have in common."""
    schemas = _common() | {
        "Product": _product(),
        "ProductPage": _page("Product", "Some products, in the order asked for."),
        "Purchase": _purchase(),
        "Movement": _movement(),
        "MovementPage": _page("Movement", "Some movements of a product, the newest first."),
        "Stock": _stock(),
        "Health": record("The process is up.", {"status": _constant("ok")}),
        "Readiness": _readiness(),
        "ProblemType": _problem_type(),
        "OpenAPI": {
            "type": "object",
            "description": "This document.",
            "required": ["openapi", "info", "paths", "components"],
        },
        "Page": text("A page for people."),
        "PageFile": {"description": "A file that the page is made of."},
    }
    for name, schema in schemas.items():
        if name in EXAMPLES:
            schema["examples"] = [EXAMPLES[name]]
    return schemas


def _common() -> dict[str, JSONSchema]:
    return {
        "Id": text(
            "24 hexadecimal digits in lower case; they sort by time of creation.",
            pattern="^[0-9a-f]{24}$",
        ),
        "Moment": text(
            "A time in UTC, to the millisecond (RFC 3339).",
            format="date-time",
            pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
        ),
        "Amount": text(
            "An exact amount of money, with the decimal places of its currency.",
            pattern=r"^[0-9]+(\.[0-9]+)?$",
            examples=["89.90"],
        ),
        "CustomerLimit": record(
            "How many units one customer may buy within a window of time.",
            {
                "quantity": whole(1, limits.QUANTITY_MAX),
                "window_seconds": whole(1, limits.WINDOW_SECONDS_MAX),
            },
        ),
    }


def _product() -> JSONSchema:
    attribute = {"type": ["string", "number", "boolean"]}
    return record(
        "A product with what can be bought of it now.",
        {
            "id": identifier("The product's id."),
            "sku": nullable(text()),
            "name": text(),
            "description": text(),
            "price": _amount("What one unit costs."),
            "currency": _currency(),
            "tags": {"type": "array", "items": text(), "maxItems": limits.TAGS_MAX},
            "attributes": {"type": "object", "additionalProperties": attribute},
            "low_stock_threshold": whole(0, limits.STOCK_INITIAL_MAX),
            "oversell_limit": whole(0, limits.OVERSELL_LIMIT_MAX),
            "max_per_order": nullable(whole(1, limits.QUANTITY_MAX)),
            "max_per_customer": nullable(reference("CustomerLimit")),
            "version": whole(1, 2**53, "Rises by one with every edit; sales do not change it."),
            "created_at": _moment("When it was created."),
            "updated_at": _moment("When it was last edited."),
            "stock": _balance("Units that can be bought; below zero if it was oversold."),
            "held": _held(),
            "stock_version": _stock_version(),
            "availability": _choice(Availability, "What a shopper may be told."),
        },
    )


def _purchase() -> JSONSchema:
    return record(
        "A sale that happened.",
        {
            "id": identifier("The purchase's id."),
            "product_id": identifier("What was bought."),
            "quantity": whole(1, limits.QUANTITY_MAX),
            "unit_price": _amount("The price of one unit at the time."),
            "total": _amount("The price of all units."),
            "remaining_stock": _balance("The stock right after this purchase."),
            "stock_version": whole(1, 2**53, "The version of the stock that it brought about."),
            "backordered": whole(
                0, limits.QUANTITY_MAX, "Units of it that were sold before they were there."
            ),
            "currency": _currency(),
            "customer_id": nullable(text()),
            "reference": nullable(text()),
            "created_at": _moment("When it happened."),
        },
    )


def _movement() -> JSONSchema:
    change = (-limits.DELTA_MAX, limits.DELTA_MAX)
    return record(
        "One immutable row of a product's ledger.",
        {
            "id": identifier("The movement's id; of a purchase, the purchase's id as well."),
            "product_id": identifier("Whose stock moved."),
            "version": whole(1, 2**53, "Its place in the product's ledger; there are no gaps."),
            "kind": _choice(Kind, "What brought it about."),
            "delta": whole(*change, "By how many units the stock changed."),
            "held_delta": whole(*change, "By how many units what is held changed."),
            "balance": _balance("The stock right after it."),
            "held_balance": whole(0, limits.STOCK_MAX, "What was held right after it."),
            "reason": nullable(_choice(Reason, "Why somebody adjusted the stock.")),
            "reference": nullable(text()),
            "note": nullable(text()),
            "customer_id": nullable(text()),
            "actor": nullable(text("Who asked for it, if that is known.")),
            "at": _moment("When it happened."),
        },
    )


def _stock() -> JSONSchema:
    return record(
        "The counters of a product at one moment.",
        {
            "available": _balance("Units that could be bought; below zero if oversold."),
            "held": _held(),
            "version": _stock_version(),
            "as_of": _moment("The moment."),
        },
    )


def _readiness() -> JSONSchema:
    redis = {"type": "string", "enum": ["ok", "degraded", "off"]}
    return record(
        "The service can do its work.",
        {
            "status": _constant("ready"),
            "mongodb": _constant("ok"),
            "redis": _described(redis, "Without Redis reads are slower, and nothing else."),
        },
    )


def _problem_type() -> JSONSchema:
    return record(
        "One kind of problem: what the `type` of a problem document points to.",
        {
            "type": text("Where this is found.", format="uri-reference"),
            "code": text("What programs tell problems apart by.", pattern="^[a-z_]+$"),
            "title": text("Its name for people."),
            "status": whole(400, 599, "The HTTP status that it comes with."),
            "description": text("What has happened."),
            "retry": text("Whether and how to try again."),
        },
    )


def _page(of: str, description: str) -> JSONSchema:
    items = {"type": "array", "items": reference(of), "maxItems": limits.PAGE_SIZE_MAX}
    cursor = text("`cursor` of the next page; null: this is the last one.", minLength=1)
    return record(
        description, {"items": _described(items, "The page."), "next_cursor": nullable(cursor)}
    )


def _described(schema: JSONSchema, description: str) -> JSONSchema:
    return schema | {"description": description} if description else schema


def _constant(value: str) -> JSONSchema:
    return {"type": "string", "enum": [value], "description": "Nothing else is said with 200."}


def _choice(choices: type[StrEnum], description: str) -> JSONSchema:
    return {"type": "string", "enum": [str(c) for c in choices], "description": description}


def _amount(description: str) -> JSONSchema:
    return _described(reference("Amount"), description)


def _moment(description: str) -> JSONSchema:
    return _described(reference("Moment"), description)


def _currency() -> JSONSchema:
    return text(pattern="^[A-Z]{3}$")


def _balance(description: str) -> JSONSchema:
    return whole(-limits.OVERSELL_LIMIT_MAX, limits.STOCK_MAX, description)


def _held() -> JSONSchema:
    return whole(0, limits.STOCK_MAX, "Units set aside for somebody, not to be bought by others.")


def _stock_version() -> JSONSchema:
    return whole(1, 2**53, "Rises by one with every movement of the stock.")
