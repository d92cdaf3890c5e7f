"""Events as they were derived from the ledger, in one order for everybody."""

from collections.abc import Collection as Members
from collections.abc import Mapping
from typing import Any

from bson import Int64, ObjectId
from pymongo import ASCENDING, DESCENDING
from pymongo.database import Database

from inventory.domain.events import Event, EventType
from inventory.repository.mongo import MAJORITY, Document, object_id, reading


class EventRepository:
    """Events by their sequence. Those that it returns no failover can take."""

    def __init__(self, database: Database[Document]) -> None:
        self._events = database["events"].with_options(read_concern=MAJORITY)

    def after(
        self,
        sequence: int,
        count: int,
        types: Members[EventType] | None = None,
        product_id: str | None = None,
        *,
        newest: int | None = None,
    ) -> list[Event]:
        """Return up to `count` events after `sequence` and up to `newest`, in their order."""
        query: Document = {"_id": {"$gt": Int64(sequence)}}
        if newest is not None:
            query["_id"]["$lte"] = Int64(newest)
        if product_id is not None:
            query["product_id"] = object_id(product_id)
        if types is not None:
            query["type"] = {"$in": [str(type) for type in types]}
        with reading():
            found = self._events.find(query).sort("_id", ASCENDING).limit(count)
            return [_event(document) for document in found]

    def oldest(self) -> int | None:
        """Return the sequence of the oldest event that is kept, None if there is none."""
        with reading():
            found = self._events.find_one({}, {"_id": True}, sort=[("_id", ASCENDING)])
        return None if found is None else int(found["_id"])

    def newest(self) -> int:
        """Return the sequence of the newest event, 0 if there is none."""
        with reading():
            found = self._events.find_one({}, {"_id": True}, sort=[("_id", DESCENDING)])
        return int(found["_id"]) if found else 0


def event_document(event: Event) -> Document:
    """Return an event as it is stored."""
    return {
        "_id": Int64(event.sequence),
        "id": event.id,
        "type": str(event.type),
        "product_id": ObjectId(event.product_id),
        "occurred_at": event.occurred_at,
        "data": dict(event.data),
    }


def _event(document: Mapping[str, Any]) -> Event:
    return Event(
        sequence=int(document["_id"]),
        id=document["id"],
        type=EventType(document["type"]),
        product_id=str(document["product_id"]),
        occurred_at=document["occurred_at"],
        data=document["data"],
    )
