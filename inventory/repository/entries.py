"""How counters and their entries are written in MongoDB, and read back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bson import Int64, ObjectId

from inventory.domain.movements import Entry, Kind
from inventory.domain.products import CustomerLimit
from inventory.domain.stock import Snapshot
from inventory.repository.decimals import decimal_from_bson, decimal_to_bson
from inventory.repository.mongo import (
    Document,
)

_ID_FIELDS = ("purchase_id", "reservation_id")
_PLAIN_FIELDS = ("reason", "reference", "note", "customer_id", "actor", "currency")


def entry_document(entry: Entry) -> Document:
    """Return an entry as the tail holds it: short, without what is not known."""
    document: Document = {
        "op": ObjectId(entry.operation_id),
        "kind": str(entry.kind),
        "delta": Int64(entry.delta),
        "at": entry.at,
    }
    if entry.held_delta:
        document["held_delta"] = Int64(entry.held_delta)
    for name in _PLAIN_FIELDS:
        if (value := getattr(entry, name)) is not None:
            document[name] = value
    for name in _ID_FIELDS:
        if (id := getattr(entry, name)) is not None:
            document[name] = ObjectId(id)
    if entry.price is not None:
        document["price"] = decimal_to_bson(entry.price)
    return document


def entry_from(document: Mapping[str, Any]) -> Entry:
    """Return the entry that a tail or ledger document holds."""
    price = document.get("price")
    return Entry(
        operation_id=str(document["op"]),
        kind=Kind(document["kind"]),
        delta=int(document["delta"]),
        at=document["at"],
        held_delta=int(document.get("held_delta", 0)),
        price=None if price is None else decimal_from_bson(price),
        **{name: document.get(name) for name in _PLAIN_FIELDS},
        **{name: str(document[name]) for name in _ID_FIELDS if name in document},
    )


def customer_limit_document(limit: CustomerLimit | None) -> Document | None:
    """Return a limit per customer as product and counters store it."""
    if limit is None:
        return None
    return {"quantity": limit.quantity, "window_seconds": limit.window_seconds}


def customer_limit_from(document: Mapping[str, Any] | None) -> CustomerLimit | None:
    """Return the limit per customer that a document holds."""
    if document is None:
        return None
    return CustomerLimit(document["quantity"], document["window_seconds"])


def snapshot_from(
    document: Mapping[str, Any], now: datetime, newest: Sequence[Entry] | None = None
) -> Snapshot:
    """Return the counters that a `stock` document holds, as they were at `now`.

    With `newest`, which end its tail, the document need not hold the tail, but the time `before`
    of the last entry that precedes them.
    """
    if newest is None:
        tail = tuple(entry_from(entry) for entry in document.get("tail", ()))
        trimmed_at = document.get("trimmed_at")
    else:
        tail, trimmed_at = tuple(newest), document["before"]
    return Snapshot(
        product_id=str(document["_id"]),
        available=int(document["available"]),
        held=int(document["held"]),
        version=int(document["version"]),
        price=decimal_from_bson(document["price"]),
        currency=document["currency"],
        oversell_limit=int(document["oversell_limit"]),
        low_stock_threshold=int(document["low_stock_threshold"]),
        order_max=int(document["order_max"]),
        customer_limit=customer_limit_from(document.get("customer_limit")),
        terms_version=int(document["terms_version"]),
        closed=document["closed"],
        as_of=now,
        tail=tail,
        trimmed_at=trimmed_at,
        voids=frozenset(str(void["op"]) for void in document.get("voids", ())),
    )
