"""Cells of CSV: which columns there are, and how a value becomes a cell and a cell a value.

A spreadsheet executes a cell that begins like a formula. So a text that does gets an apostrophe in
front, and so does a text that looks as if it had got one; an import takes away exactly that. Any
other apostrophe is the text's own.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from inventory import limits, strict_json
from inventory.encoding import encode

# Equals, plus, minus, at, their full-width forms, and what some programs skip before they look.
_FORMULA = "=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20"
_EXECUTED = re.compile(f"'*[{_FORMULA}]")
_DISARMED = re.compile(f"'+[{_FORMULA}]")
_WHOLE = re.compile(r"-?[0-9]{1,16}")
_SEPARATOR = ";"


def harmless(text: str) -> str:
    """Return a text as a cell that no spreadsheet executes."""
    return f"'{text}" if _EXECUTED.match(text) else text


def original(cell: str) -> str:
    """Return the text that `harmless` made a cell of."""
    return cell[1:] if _DISARMED.match(cell) else cell


def _text(cell: str) -> Any:
    return original(cell)


def _whole(cell: str) -> Any:
    # What is no number stays text, which the schema refuses.
    return int(cell) if _WHOLE.fullmatch(cell) else cell


def _plain(cell: str) -> Any:
    return cell


def _json(cell: str) -> Any:
    try:
        return strict_json.parse(original(cell).encode(errors="replace"))
    except strict_json.NotJSON:
        return cell


def _tags(cell: str) -> Any:
    text = original(cell)
    if text.startswith("["):
        return _json(cell)
    return [tag.strip() for tag in text.split(_SEPARATOR)]


def tags_cell(tags: tuple[str, ...]) -> str:
    """Return tags with semicolons between them, or as JSON where that would not come back."""
    cell = harmless(_SEPARATOR.join(tags))
    return cell if not tags or _tags(cell) == list(tags) else json_cell(list(tags))


def json_cell(value: Any) -> str:
    """Return a list or an object as a cell."""
    return encode(value).decode()


# How the cells of each column that an import takes are read.
COLUMNS: Mapping[str, Callable[[str], Any]] = {
    "id": _text,
    "sku": _text,
    "name": _text,
    "description": _text,
    "price": _plain,
    "currency": _plain,
    "tags": _tags,
    "attributes": _json,
    "low_stock_threshold": _whole,
    "oversell_limit": _whole,
    "max_per_order": _whole,
    "max_per_customer": _json,
    "stock": _whole,
    "expected_stock": _whole,
    "stock_delta": _whole,
    "version": _whole,
}
# An empty cell of these says that there is no such thing; of the others it says nothing.
TAKEN_AWAY = frozenset(
    {
        *("description", "tags", "attributes", "low_stock_threshold", "oversell_limit"),
        *("max_per_order", "max_per_customer"),
    }
)
# What an export writes. Not `stock_delta`: that is a wish.
EXPORTED = tuple(name for name in COLUMNS if name != "stock_delta")


def values_of(columns: list[str], cells: list[str]) -> dict[str, Any]:
    """Return what a line says, by column."""
    values: dict[str, Any] = {}
    for column, cell in zip(columns, cells, strict=True):
        if cell:
            values[column] = COLUMNS[column](cell)
        elif column in TAKEN_AWAY:
            values[column] = None
    return values


def unknown_columns(columns: list[str]) -> list[str]:
    """Return names that no column has, or that stand there twice; of very many the first."""
    wrong = [
        name
        for number, name in enumerate(columns)
        if name not in COLUMNS or name in columns[:number]
    ]
    return wrong[: limits.FAULTS_TOLD_MAX]
