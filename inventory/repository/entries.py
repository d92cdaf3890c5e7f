"""How counters and their entries are written in MongoDB, and read back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bson import Int64, ObjectId

from inventory.domain.stock import Entry, Kind, Snapshot
from inventory.repository.mongo import Document, decimal_from_bson, decimal_to_bson

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
    )


def snapshot_from(document: Mapping[str, Any], now: datetime) -> Snapshot:
    """Return the counters that a `stock` document holds, as they were at `now`."""
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
        terms_version=int(document["terms_version"]),
        closed=document["closed"],
        as_of=now,
        tail=tuple(entry_from(entry) for entry in document.get("tail", ())),
        trimmed_at=document.get("trimmed_at"),
        voids=frozenset(str(void["op"]) for void in document.get("voids", ())),
    )
