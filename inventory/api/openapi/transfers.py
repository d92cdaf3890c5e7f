"""Imports and exports, as JSON Schema: rows that come in, and what is told of them."""

from typing import Any

from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import Schema

from inventory import limits
from inventory.api.openapi.building import (
    JSONSchema,
    choice,
    identifier,
    nullable,
    record,
    reference,
    text,
    truth,
    whole,
)
from inventory.api.openapi.inputs import described_as
from inventory.domain.imports import Outcome, Policy

_JSON = "application/json"
_ROWS: list[dict[str, Any]] = [
    {"sku": "AR-42-BLUE", "name": "Air Runner", "price": "89.90", "stock": 250},
    {"sku": "AR-43-BLUE", "name": "Air Runner", "price": "89.90", "stock": 120},
]
_TEXTS = {
    "application/x-ndjson": (
        "A row a line, each an object as in the array of JSON.",
        '{"sku":"AR-42-BLUE","price":"79.90"}\n{"sku":"AR-43-BLUE","stock_delta":24}\n',
    ),
    "text/csv": (
        "RFC 4180, in UTF-8; the first line names the columns. An empty cell says nothing of what "
        "a product must have, and takes away what it need not. `tags` have semicolons between "
        "them, or are JSON; `attributes` and `max_per_customer` are JSON.",
        "sku,name,price,stock\r\nAR-42-BLUE,Air Runner,89.90,250\r\n",
    ),
}


def rows_body(
    schema: Schema, media_types: tuple[str, ...], converter: OpenAPIConverter
) -> dict[str, Any]:
    """Return the body that is many rows, each as `schema` has it."""
    row = described_as(schema, converter)
    array = {"type": "array", "items": row, "maxItems": limits.IMPORT_ROWS_MAX}
    content: dict[str, Any] = {_JSON: {"schema": array, "example": _ROWS}}
    content |= {
        media_type: {"schema": text(told), "example": example}
        for media_type, (told, example) in _TEXTS.items()
    }
    return {"required": True, "content": {one: content[one] for one in media_types}}


def transfers() -> dict[str, JSONSchema]:
    """Return the schemas of what is answered, by their names."""
    return {
        "RowResult": _result(),
        "Import": _import(),
        "Export": text("One product a line; a table begins with the names of its columns."),
    }


def _result() -> JSONSchema:
    errors = {"type": "array", "items": text(), "minItems": 1}
    return record(
        "What became of one row.",
        {
            "row": whole(1, 2**53, "The row's number, from 1; the names of columns are none."),
            "sku": nullable(text("The sku that it names.")),
            "id": nullable(identifier("The product, if there is one.")),
            "outcome": choice(
                Outcome,
                "`rejected`: nothing was wrong with it, but with another one.",
            ),
            "code": nullable(text("The code of the problem that a call about it would meet.")),
            "detail": nullable(text("What is wrong.")),
            "errors": {
                "type": "object",
                "description": "What is wrong, by field; `body` for the row as a whole.",
                "additionalProperties": errors,
            },
        },
    )


def _import() -> JSONSchema:
    counts = {str(one): whole(0, 2**53, f"How many rows were {one}.") for one in Outcome}
    results = {"type": "array", "items": reference("RowResult")}
    return record(
        "What became of an import.",
        {
            "import_id": identifier("The import's id, part of the reference of its movements."),
            "on_error": choice(Policy, "What was asked for."),
            "dry_run": truth("Whether nothing was written."),
            "rows": whole(0, 2**53, "How many rows there are."),
            **counts,
            "results": results | {"description": "A result for each row, in their order."},
        },
    )
