"""What is written to counters: updates as MongoDB takes them, built without asking it."""

from collections.abc import Sequence
from datetime import datetime

from bson import Int64, ObjectId

from inventory import limits
from inventory.domain.movements import Entry
from inventory.domain.products import Terms
from inventory.domain.stock import Demand, Operation, Snapshot
from inventory.repository.decimals import decimal_to_bson
from inventory.repository.entries import customer_limit_document, entry_document
from inventory.repository.mongo import (
    Document,
    object_id,
)

# Units above the line at which stock is low. Derived from two other numbers, and kept because an
# index cannot compare two; every trim of a tail writes it anew.
SPARE: Document = {"$subtract": ["$available", "$low_stock_threshold"]}
# Products of which little is left, but something; what the index of that name is about.
LOW: Document = {"closed": False, "available": {"$gt": 0}, "spare": {"$lte": 0}}
# What a snapshot of counters needs besides the tail.
_COUNTERS = (
    "available",
    "held",
    "version",
    "price",
    "currency",
    "oversell_limit",
    "low_stock_threshold",
    "order_max",
    "customer_limit",
    "terms_version",
    "closed",
)


def mirrored(terms: Terms) -> Document:
    """Return what the counters know of a product's terms."""
    return {
        "price": decimal_to_bson(terms.price),
        "currency": terms.currency,
        "oversell_limit": Int64(terms.oversell_limit),
        "low_stock_threshold": Int64(terms.low_stock_threshold),
        "order_max": Int64(terms.max_per_order or limits.QUANTITY_MAX),
        "customer_limit": customer_limit_document(terms.max_per_customer),
    }


def opening(product_id: str, terms: Terms, available: int, at: datetime) -> Document:
    """Return the first counters of a product; their version is 1."""
    counters = {
        "_id": ObjectId(product_id),
        "available": Int64(available),
        "held": Int64(0),
        "headroom": Int64(available + terms.oversell_limit),
        "spare": Int64(available - terms.low_stock_threshold),
        "version": Int64(1),
        "closed": False,
        "tail": [],
        "trimmed_at": at,
        "terms_version": Int64(1),
    }
    return counters | mirrored(terms)


def follow_terms(terms: Terms, version: int) -> list[Document]:
    """Return the update that tells counters of the terms that a product's `version` has.

    Entries that still wait in the tail were sold at the old price, so it is written into them.
    """
    headroom = {"$add": ["$available", Int64(terms.oversell_limit)]}
    new: Document = {name: {"$literal": value} for name, value in mirrored(terms).items()}
    tail = {"tail": stamped_tail(), "headroom": headroom, "terms_version": Int64(version)}
    return [{"$set": new | tail}, {"$set": {"spare": SPARE}}]


def stamped_tail() -> Document:
    """Return the tail with their price in entries that have none: that of the counters as yet."""
    old_price = {"price": "$price", "currency": "$currency"}
    return {"$map": {"input": "$tail", "in": {"$mergeObjects": [old_price, "$$this"]}}}


def guarded_update(
    product_id: str, operations: Sequence[Operation]
) -> tuple[Document, Document] | None:
    """Return filter and update that apply all `operations` or nothing; None if that cannot be."""
    demand = Demand.of(operations)
    id = object_id(product_id)
    if demand is None or id is None:
        return None
    room = limits.TAIL_ENTRIES_MAX - len(operations)
    guard: Document = {"_id": id, "closed": False, f"tail.{room}": {"$exists": False}}
    available: Document = {}
    if demand.headroom_min is not None:
        guard["headroom"] = {"$gte": Int64(demand.headroom_min)}
    if demand.available_max is not None:
        available["$lte"] = Int64(demand.available_max)
    if demand.exact_available is not None:
        available["$eq"] = Int64(demand.exact_available)
    if available:
        guard["available"] = available
    if demand.order_quantity:
        guard["order_max"] = {"$gte": demand.order_quantity}
        # How much a customer has already is more than the counters know.
        guard["customer_limit"] = None
    if demand.fence is not None:
        # The database's own clock decides; a process that was frozen cannot apply on waking.
        guard["$expr"] = {"$lt": ["$$NOW", demand.fence]}
        fenced = [ObjectId(operation.id) for operation in operations if operation.fence]
        guard["voids.op"] = {"$nin": fenced}
    moved = dict.fromkeys(("available", "headroom", "spare"), demand.delta)
    increment = moved | {"held": demand.held_delta}
    counts = {name: Int64(number) for name, number in increment.items() if number}
    update = push([operation.entry for operation in operations])
    return guard, update | {"$inc": counts | {"version": Int64(len(operations))}}


def without_tail_before(count: int) -> Document:
    """Return the projection that replaces the tail by the time of what precedes `count` entries."""
    times = {"$slice": ["$tail.at", {"$subtract": [{"$size": "$tail"}, count]}]}
    counters = dict.fromkeys(_COUNTERS, True)
    return counters | {"before": {"$max": ["$trimmed_at", {"$max": times}]}}


def push(entries: Sequence[Entry]) -> Document:
    """Return the part of an update that adds entries to the tail."""
    return {
        "$push": {"tail": {"$each": [entry_document(entry) for entry in entries]}},
        "$min": {"tail_since": entries[0].at},
    }


def trim(version: int) -> list[Document]:
    """Return the update of a tail that keeps only the entries after `version`.

    The newest entry has the document's version and each older one the version before, so the
    number to keep follows from the two versions alone and repeating the trim changes nothing.
    """
    size = {"$size": "$tail"}
    keep = {"$max": [0, {"$min": [size, {"$subtract": ["$version", Int64(version)]}]}]}
    dropped = {"$slice": ["$tail", {"$max": [1, {"$toInt": "$drop"}]}]}
    kept = {"$slice": ["$tail", {"$toInt": {"$subtract": ["$drop", size]}}]}
    newest = {"$max": [{"$max": {"$map": {"input": dropped, "in": "$$this.at"}}}, "$trimmed_at"]}
    return [
        {"$set": {"drop": {"$subtract": [size, keep]}}},
        {
            "$set": {
                "trimmed_at": {"$cond": [{"$gt": ["$drop", 0]}, newest, "$trimmed_at"]},
                "tail": {"$cond": [{"$lt": ["$drop", size]}, kept, []]},
            }
        },
        {"$set": {"tail_since": {"$ifNull": [{"$first": "$tail.at"}, "$$REMOVE"]}, "spare": SPARE}},
        {"$unset": "drop"},
    ]


def follow(before: Snapshot, after: Snapshot) -> Document:
    """Return the update that takes counters, locked by the same transaction, to what follows.

    `after` has the tail of `before` and more, or none: then the ledger holds all of it.
    """
    increment = {
        "available": after.available - before.available,
        "headroom": after.headroom - before.headroom,
        "spare": after.spare - before.spare,
        "held": after.held - before.held,
        "version": after.version - before.version,
    }
    counts = {"$inc": {name: Int64(by) for name, by in increment.items() if by}}
    if after.tail:
        return push(after.tail[len(before.tail) :]) | counts
    emptied: Document = {"$set": {"tail": [], "trimmed_at": after.trimmed_at}}
    return emptied | {"$unset": {"tail_since": ""}} | counts
