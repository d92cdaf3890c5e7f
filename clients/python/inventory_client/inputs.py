"""What callers say in records of their own, and how it becomes JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final, Literal

Reason = Literal[
    "received",
    "returned",
    "found",
    "damaged",
    "lost",
    "theft",
    "expired",
    "sample",
    "internal_use",
    "vendor_return",
    "correction",
]
Sort = Literal["-created_at", "created_at", "name", "-name", "price", "-price"]
ReservationState = Literal["held", "committed", "released", "expired"]
Money = Decimal | int | str


class Unset(Enum):
    """The type of what an edit says nothing about; None takes a value away."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class CartLine:
    """Units of a product that somebody wants; the product by its id or by its sku."""

    quantity: int
    product_id: str | None = None
    sku: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Units of a product that is part of a reservation or a purchase already."""

    product_id: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CountLine:
    """What lies on the shelf of a product; the product by its id or by its sku."""

    counted: int
    product_id: str | None = None
    sku: str | None = None


def encode(body: Any) -> bytes:
    """Return JSON; amounts of money as text, so that nobody makes a binary float of them."""
    return json.dumps(body, default=_plain, ensure_ascii=False, separators=(",", ":")).encode()


def given(**members: Any) -> dict[str, Any]:
    """Return the members that are not None."""
    return {name: value for name, value in members.items() if value is not None}


def changed(**members: Any) -> dict[str, Any]:
    """Return the members of a merge patch: None takes a value away, `UNSET` says nothing."""
    return {name: value for name, value in members.items() if value is not UNSET}


def numbered(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes whose exact numbers are JSON numbers; they have 15 digits at most."""
    return {
        name: float(value) if isinstance(value, Decimal) else value
        for name, value in attributes.items()
    }


def parameters(**members: Any) -> dict[str, str]:
    """Return the parameters of a query that are not None, as text."""
    return {name: _parameter(value) for name, value in given(**members).items()}


def _parameter(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(value)
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return _moment(value)
    if is_dataclass(value) and not isinstance(value, type):
        members = {field.name: getattr(value, field.name) for field in fields(value)}
        return given(**members)
    raise TypeError(f"{type(value).__name__} has no place in a request.")


def _moment(value: datetime) -> str:
    """Return a time as RFC 3339; one without an offset would mean nothing to anybody else."""
    if value.utcoffset() is None:
        raise ValueError(f"{value} has no time zone.")
    return value.isoformat()
