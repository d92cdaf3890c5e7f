"""Deliveries of events to endpoints: what waits, and the log of what became of the rest.

A delivery's id follows from its endpoint and its event, so whoever makes it a second time makes
nothing. While it waits, and only then, it says in which lane (`waits_in`: endpoint and lane); of
a lane only the oldest is ever looked at.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bson import Int64, ObjectId
from pymongo import ASCENDING, DESCENDING, ReturnDocument
from pymongo.database import Database

from inventory import limits
from inventory.domain.events import Event
from inventory.domain.webhooks import Attempt, Delivery, DeliveryState, Failure
from inventory.errors import DeliveryNotFound
from inventory.repository.mongo import DURABLE, MAJORITY, Document, object_id, reading, writing
from inventory.repository.movements import insert_missing

_WAITING = {"state": str(DeliveryState.WAITING)}
# Of ids and what stands between them; no digit comes after the last.
_BETWEEN, _AFTER_ALL = ":", "~"


def delivery_id(webhook_id: str, event: Event) -> str:
    """Return the id of an event's delivery to an endpoint; ids sort by when it happened."""
    named = f"{webhook_id}:{event.sequence}".encode()
    happened = int(event.occurred_at.timestamp()).to_bytes(4)
    return (happened + hashlib.sha256(named).digest()[:8]).hex()


class DeliveryRepository:
    """Deliveries by endpoint. What was answered, and what was sent, no failover can take."""

    def __init__(self, database: Database[Document]) -> None:
        self._deliveries = database.get_collection(
            "webhook_deliveries", read_concern=MAJORITY, write_concern=DURABLE
        )

    def add_missing(self, deliveries: Sequence[Delivery]) -> None:
        """Keep those of `deliveries` that there are not yet."""
        insert_missing(self._deliveries, [_document(delivery) for delivery in deliveries])

    def get(self, webhook_id: str, delivery_id: str) -> Delivery:
        """Return a delivery of an endpoint; raise `DeliveryNotFound`."""
        with reading():
            document = self._deliveries.find_one(_of(webhook_id, delivery_id))
        return _found(document, delivery_id)

    def list_newest(
        self, webhook_id: str, state: DeliveryState | None, before: str | None, count: int
    ) -> list[Delivery]:
        """Return deliveries to an endpoint, the newest first, from the one after `before`."""
        query: Document = {"webhook_id": ObjectId(webhook_id)}
        if state is not None:
            query["state"] = str(state)
        if before is not None:
            query["_id"] = {"$lt": ObjectId(before)}
        with reading():
            found = self._deliveries.find(query).sort("_id", DESCENDING).limit(count)
            return [_delivery(document) for document in found]

    def send_again(self, webhook_id: str, delivery_id: str, now: datetime) -> Delivery:
        """Let a delivery be sent now; raise `DeliveryNotFound`.

        One that waits keeps its place. One that is done has none any more, so it gets a lane of its
        own, in which it holds nobody up.
        """
        waits: Document = {"$eq": ["$state", _WAITING["state"]]}
        again: Document = {
            "waits_in": {"$cond": [waits, "$waits_in", _place(webhook_id, delivery_id)]},
            "state": _WAITING["state"],
            "next_at": now,
            "tries": 0,
        }
        with writing():
            document = self._deliveries.find_one_and_update(
                _of(webhook_id, delivery_id),
                [{"$set": again}],
                return_document=ReturnDocument.AFTER,
            )
        return _found(document, delivery_id)

    def remove_of(self, webhook_id: str) -> None:
        """Forget all deliveries to an endpoint."""
        with writing():
            self._deliveries.delete_many({"webhook_id": ObjectId(webhook_id)})

    # --- the queue --------------------------------------------------------------------------------

    def due_lanes(self, webhook_id: str, now: datetime, count: int) -> list[str]:
        """Return lanes whose oldest waiting delivery is due, those that wait longest first.

        MongoDB jumps from lane to lane, so it costs as much as there are lanes, not deliveries.
        """
        # A filter for anything but the lane, and it would look at all of them.
        within = {"$gt": _place(webhook_id, ""), "$lt": _place(webhook_id, _AFTER_ALL)}
        pipeline: list[Document] = [
            {"$match": {"waits_in": within}},
            {"$sort": {"waits_in": ASCENDING, "sequence": ASCENDING}},
            {"$group": {"_id": "$waits_in", "next_at": {"$first": "$next_at"}}},
            {"$match": {"next_at": {"$lte": now}}},
            {"$sort": {"next_at": ASCENDING}},
            {"$limit": count},
        ]
        with reading():
            found = self._deliveries.aggregate(pipeline)
            return [document["_id"].partition(_BETWEEN)[2] for document in found]

    def head(self, webhook_id: str, lane: str) -> Delivery | None:
        """Return the oldest waiting delivery of a lane, due or not."""
        query = {"waits_in": _place(webhook_id, lane)}
        with reading():
            document = self._deliveries.find_one(query, sort=[("sequence", ASCENDING)])
        return _delivery(document) if document else None

    def note(
        self,
        delivery: Delivery,
        attempt: Attempt,
        state: DeliveryState,
        next_at: datetime | None = None,
    ) -> None:
        """Note what became of an attempt; noted twice, it counts once."""
        query = {"_id": ObjectId(delivery.id), **_WAITING, "tries": delivery.tries}
        changed: Document = {"state": str(state), "tries": delivery.tries + 1}
        if next_at is not None:
            changed["next_at"] = next_at
        kept = {"$each": [_attempt_document(attempt)], "$slice": -limits.WEBHOOK_ATTEMPTS_KEPT}
        update: Document = {"$set": changed, "$push": {"attempts": kept}}
        if state is not DeliveryState.WAITING:
            update["$unset"] = {"waits_in": True}
        with writing():
            self._deliveries.update_one(query, update)

    def waiting(self, now: datetime) -> tuple[int, float]:
        """Return how many deliveries wait, and for how many seconds the oldest has."""
        with reading():
            count = self._deliveries.count_documents(
                _WAITING, hint="oldest_waiting", limit=limits.WEBHOOK_WAITING_COUNTED_MAX
            )
            oldest = self._deliveries.find_one(
                _WAITING, {"created_at": True}, sort=[("created_at", ASCENDING)]
            )
        age = (now - oldest["created_at"]).total_seconds() if oldest else 0.0
        return count, max(0.0, age)


def _place(webhook_id: str, lane: str) -> str:
    return webhook_id + _BETWEEN + lane


def _of(webhook_id: str, delivery_id: str) -> Document:
    return {"_id": object_id(delivery_id), "webhook_id": object_id(webhook_id)}


def _document(delivery: Delivery) -> Document:
    return {
        "_id": ObjectId(delivery.id),
        "webhook_id": ObjectId(delivery.webhook_id),
        "event_id": delivery.event_id,
        "type": delivery.type,
        "product_id": delivery.product_id,
        "sequence": None if delivery.sequence is None else Int64(delivery.sequence),
        "waits_in": _place(delivery.webhook_id, delivery.lane),
        "body": delivery.body,
        "state": str(delivery.state),
        "created_at": delivery.created_at,
        "next_at": delivery.next_at,
        "tries": delivery.tries,
        "attempts": [_attempt_document(attempt) for attempt in delivery.attempts],
    }


def _attempt_document(attempt: Attempt) -> Document:
    return {
        "at": attempt.at,
        "status": attempt.status,
        "failure": None if attempt.failure is None else str(attempt.failure),
        "duration_ms": attempt.duration_ms,
        "excerpt": attempt.excerpt,
    }


def _found(document: Mapping[str, Any] | None, delivery_id: str) -> Delivery:
    if document is None:
        raise DeliveryNotFound(delivery_id)
    return _delivery(document)


def _delivery(document: Mapping[str, Any]) -> Delivery:
    sequence = document["sequence"]
    return Delivery(
        id=str(document["_id"]),
        webhook_id=str(document["webhook_id"]),
        event_id=document["event_id"],
        type=document["type"],
        product_id=document["product_id"],
        sequence=None if sequence is None else int(sequence),
        body=document["body"],
        state=DeliveryState(document["state"]),
        created_at=document["created_at"],
        next_at=document["next_at"],
        tries=document["tries"],
        attempts=tuple(_attempt(attempt) for attempt in document["attempts"]),
    )


def _attempt(document: Mapping[str, Any]) -> Attempt:
    failure = document["failure"]
    return Attempt(
        at=document["at"],
        status=document["status"],
        failure=None if failure is None else Failure(failure),
        duration_ms=document["duration_ms"],
        excerpt=document["excerpt"],
    )
