"""Which events there have to be, read off the documents: not how the service finds them."""

from collections import Counter
from collections.abc import Iterator

from pymongo.database import Database

from inventory.domain.events import EventType
from inventory.repository.mongo import Document

# The type of an event, and the id of what it is about.
Told = tuple[str, str]

_ENDS = {
    "committed": EventType.RESERVATION_COMMITTED,
    "released": EventType.RESERVATION_RELEASED,
    "expired": EventType.RESERVATION_EXPIRED,
}


def expected(database: Database[Document]) -> Counter[Told]:
    """Return every event that has to be there."""
    told: Counter[Told] = Counter()
    for purchase in database["purchases"].find({}, {"reacquired": True, "reservation_id": True}):
        told[EventType.PURCHASE_CREATED, str(purchase["_id"])] += 1
        if purchase["reacquired"]:
            # Its hold had run out, which the hold itself does not say any more.
            told[EventType.RESERVATION_EXPIRED, str(purchase["reservation_id"])] += 1
    for returned in database["returns"].find({}, {"_id": True}):
        told[EventType.PURCHASE_RETURNED, str(returned["_id"])] += 1
    for reservation in database["reservations"].find({}, {"state": True}):
        id = str(reservation["_id"])
        told[EventType.RESERVATION_HELD, id] += 1
        if reservation["state"] in _ENDS:
            told[_ENDS[reservation["state"]], id] += 1
    told.update(_crossings(database))
    return told


def _crossings(database: Database[Document]) -> Iterator[Told]:
    thresholds = {
        one["_id"]: one["low_stock_threshold"]
        for one in database["stock"].find({}, {"low_stock_threshold": True})
    }
    shown = {"product_id": True, "balance": True, "delta": True}
    for row in database["movements"].find({"version": {"$gt": 1}}, shown):
        type = _crossing(row, thresholds[row["product_id"]])
        if type is not None:
            yield type, str(row["_id"])


def _crossing(row: Document, low_stock_threshold: int) -> EventType | None:
    after, before = row["balance"], row["balance"] - row["delta"]
    if before > 0 >= after:
        return EventType.STOCK_OUT
    if before <= 0 < after:
        return EventType.STOCK_BACK
    return EventType.STOCK_LOW if before > low_stock_threshold >= after > 0 else None


def about(event: Document) -> Told:
    """Return the type of an event, as it is stored or answered, and the id of what it is about."""
    data = event["data"]
    return event["type"], data["movement_id"] if "movement_id" in data else data["id"]
