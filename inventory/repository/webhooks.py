"""Endpoints of webhooks: what they want, what signs for them, and who serves each of them.

Whose lease it is the database decides, by its own clock. Every taking of a lease gives it a higher
token, and what only its holder may change is changed under that token alone.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bson import Int64, ObjectId
from pymongo import ASCENDING, DESCENDING, ReturnDocument
from pymongo.database import Database

from inventory import limits
from inventory.domain.events import EventType
from inventory.domain.webhooks import Outcome, PauseReason, Secret, Webhook, WebhookState
from inventory.errors import WebhookNotFound
from inventory.repository.mongo import DURABLE, MAJORITY, Document, object_id, reading, writing

_ACTIVE, _PAUSED = str(WebhookState.ACTIVE), str(WebhookState.PAUSED)
# Not one of the deliverers: what all of them have done.
_OUTCOMES = {"_id": "outcomes"}
_NOT_FAILING = {"failing_since": None, "failed_attempts": 0}


@dataclass(frozen=True, slots=True)
class Held:
    """An endpoint together with the token of the lease under which it is served."""

    webhook: Webhook
    token: int


class WebhookRepository:
    """Endpoints by their id. What was answered no failover can take."""

    def __init__(self, database: Database[Document]) -> None:
        self._webhooks = database.get_collection(
            "webhook_endpoints", read_concern=MAJORITY, write_concern=DURABLE
        )
        self._deliverers = database["webhook_deliverers"]

    def add(self, webhook: Webhook) -> None:
        """Keep a new endpoint."""
        with writing():
            self._webhooks.insert_one(_document(webhook))

    def count(self) -> int:
        """Return how many there are."""
        with reading():
            return self._webhooks.count_documents({})

    def count_by_state(self) -> dict[WebhookState, int]:
        """Return how many there are in each state."""
        with reading():
            found = Counter(d["state"] for d in self._webhooks.find({}, {"state": True}))
        return {state: found[state] for state in WebhookState}

    def get(self, webhook_id: str) -> Webhook:
        """Return an endpoint; raise `WebhookNotFound`."""
        with reading():
            document = self._webhooks.find_one({"_id": object_id(webhook_id)})
        return _found(document, webhook_id)

    def list_newest(self, before: str | None, count: int) -> list[Webhook]:
        """Return endpoints, the newest first, from the one after `before`."""
        query: Document = {} if before is None else {"_id": {"$lt": ObjectId(before)}}
        with reading():
            found = self._webhooks.find(query).sort("_id", DESCENDING).limit(count)
            return [_webhook(document) for document in found]

    def edit(self, webhook_id: str, changes: Mapping[str, Any], now: datetime) -> Webhook:
        """Change what clients may say of an endpoint; raise `WebhookNotFound`.

        Whoever pauses it or lets it go on leaves the failures behind.
        """
        changed = _plain(changes) | {"updated_at": now}
        if "state" in changes:
            paused = changes["state"] is WebhookState.PAUSED
            changed |= _NOT_FAILING | {
                "paused_reason": str(PauseReason.REQUESTED) if paused else None,
                "paused_at": now if paused else None,
            }
        return self._change(webhook_id, {"$set": changed})

    def rotate(self, webhook_id: str, secret: str, now: datetime) -> Webhook:
        """Sign with a new secret, for a while with the one before as well."""
        ends = now + timedelta(seconds=limits.WEBHOOK_SECRET_OVERLAP_SECONDS)
        ending: Document = {
            "$map": {
                "input": "$secrets",
                "in": {
                    "value": "$$this.value",
                    "ends_at": {"$ifNull": ["$$this.ends_at", ends]},
                },
            }
        }
        # A literal, so that no character of it is read as the name of a field.
        first: Document = {"value": {"$literal": secret}, "ends_at": None}
        secrets: Document = {
            "$slice": [{"$concatArrays": [[first], ending]}, limits.WEBHOOK_SECRETS_MAX]
        }
        return self._change(webhook_id, [{"$set": {"secrets": secrets, "updated_at": now}}])

    def _change(self, webhook_id: str, update: Any) -> Webhook:
        with writing():
            document = self._webhooks.find_one_and_update(
                {"_id": object_id(webhook_id)}, update, return_document=ReturnDocument.AFTER
            )
        return _found(document, webhook_id)

    def remove(self, webhook_id: str) -> None:
        """Forget an endpoint; raise `WebhookNotFound`."""
        with writing():
            gone = self._webhooks.delete_one({"_id": object_id(webhook_id)})
        if not gone.deleted_count:
            raise WebhookNotFound(webhook_id)

    def succeeded(self, webhook_id: str, now: datetime) -> None:
        """Note that an endpoint has taken something."""
        with writing():
            self._webhooks.update_one(
                {"_id": ObjectId(webhook_id)}, {"$set": {"last_success_at": now} | _NOT_FAILING}
            )

    def failed(
        self, webhook_id: str, now: datetime, dead_seconds: float, dead_attempts: int
    ) -> Webhook | None:
        """Note that an attempt failed, and pause who took nothing for too long; return it then."""
        long_ago = now - timedelta(seconds=dead_seconds)
        failing: Document = {
            "failing_since": {"$ifNull": ["$failing_since", now]},
            "failed_attempts": {"$add": ["$failed_attempts", 1]},
        }
        dead: Document = {
            "$and": [
                {"$eq": ["$state", _ACTIVE]},
                {"$lte": ["$failing_since", long_ago]},
                {"$gte": ["$failed_attempts", dead_attempts]},
            ]
        }
        paused: Document = {
            name: {"$cond": [dead, value, f"${name}"]}
            for name, value in _paused(PauseReason.FAILING, now).items()
        }
        with writing():
            document = self._webhooks.find_one_and_update(
                {"_id": ObjectId(webhook_id)},
                [{"$set": failing}, {"$set": paused}],
                return_document=ReturnDocument.AFTER,
            )
        return _webhook(document) if document and document["paused_at"] == now else None

    def pause(self, webhook_id: str, reason: PauseReason, now: datetime) -> None:
        """Send an endpoint nothing any more, unless that is so already."""
        with writing():
            self._webhooks.update_one(
                {"_id": ObjectId(webhook_id), "state": _ACTIVE}, {"$set": _paused(reason, now)}
            )

    def introduce(self, owner: str, seconds: float) -> int:
        """Say that a deliverer is there; return how many have said so within `seconds`."""
        with writing():
            self._deliverers.update_one(
                {"_id": owner}, {"$currentDate": {"seen_at": True}}, upsert=True
            )
        since: Document = {"$subtract": ["$$NOW", int(seconds * 1000)]}
        with reading():
            return self._deliverers.count_documents({"$expr": {"$gt": ["$seen_at", since]}})

    def add_outcomes(self, counts: Mapping[str, int]) -> None:
        """Add to what became of all attempts; a number that is lost here is lost."""
        with writing():
            self._deliverers.update_one(_OUTCOMES, {"$inc": dict(counts)}, upsert=True)

    def outcomes(self) -> dict[str, int]:
        """Return what became of all attempts, whoever made them."""
        with reading():
            found = self._deliverers.find_one(_OUTCOMES) or {}
        return {outcome: int(found.get(outcome, 0)) for outcome in Outcome}

    def take(self, owner: str, seconds: float, but: Iterable[str]) -> Held | None:
        """Take the lease of an endpoint that nobody serves, `but` not of these; None if of none."""
        free: Document = {"$expr": {"$lt": ["$lease.until", "$$NOW"]}}
        with writing():
            document = self._webhooks.find_one_and_update(
                free | {"_id": {"$nin": [ObjectId(id) for id in but]}},
                [{"$set": {"lease": _lease(owner, seconds)}}],
                sort=[("_id", ASCENDING)],
                return_document=ReturnDocument.AFTER,
            )
        return _held(document) if document else None

    def renew(self, owner: str, seconds: float) -> list[Held]:
        """Make all leases of an owner last for `seconds` from now; return what it holds."""
        lasting: Document = {"lease.until": {"$add": ["$$NOW", int(seconds * 1000)]}}
        with writing():
            self._webhooks.update_many({"lease.owner": owner}, [{"$set": lasting}])
        with reading():
            return [_held(document) for document in self._webhooks.find({"lease.owner": owner})]

    def give_back(self, webhook_id: str, owner: str) -> None:
        """End a lease at once, so that somebody else can take it."""
        with writing():
            self._webhooks.update_one(
                {"_id": ObjectId(webhook_id), "lease.owner": owner},
                {"$set": {"lease.until": None, "lease.owner": None}},
            )

    def leave(self, owner: str) -> None:
        """Say that a deliverer is not there any more."""
        with writing():
            self._deliverers.delete_one({"_id": owner})

    def advance(self, webhook_id: str, token: int, cursor: int) -> bool:
        """Note how far deliveries were made, under a lease; False if it is another's by now."""
        with writing():
            done = self._webhooks.update_one(
                {"_id": ObjectId(webhook_id), "lease.token": token},
                {"$max": {"cursor": Int64(cursor)}},
            )
        return done.matched_count > 0


def _lease(owner: str, seconds: float) -> Document:
    return {
        "owner": owner,
        "until": {"$add": ["$$NOW", int(seconds * 1000)]},
        "token": {"$add": [{"$ifNull": ["$lease.token", 0]}, 1]},
    }


def _paused(reason: PauseReason, now: datetime) -> Document:
    return {"state": _PAUSED, "paused_reason": str(reason), "paused_at": now}


def _plain(changes: Mapping[str, Any]) -> Document:
    return {
        name: [str(type) for type in value] if name == "types" else str(value)
        for name, value in changes.items()
    }


def _document(webhook: Webhook) -> Document:
    return {
        "_id": ObjectId(webhook.id),
        "url": webhook.url,
        "types": [str(type) for type in webhook.types],
        "description": webhook.description,
        "state": str(webhook.state),
        "secrets": _secrets(webhook.secrets),
        "cursor": Int64(webhook.cursor),
        "lease": {"owner": None, "until": None, "token": 0},  # nosec B105 # a count, no secret
        "created_at": webhook.created_at,
        "updated_at": webhook.updated_at,
        "paused_reason": None,
        "paused_at": None,
        "last_success_at": None,
        **_NOT_FAILING,
    }


def _secrets(secrets: Sequence[Secret]) -> list[Document]:
    return [{"value": secret.value, "ends_at": secret.ends_at} for secret in secrets]


def _found(document: Mapping[str, Any] | None, webhook_id: str) -> Webhook:
    if document is None:
        raise WebhookNotFound(webhook_id)
    return _webhook(document)


def _held(document: Mapping[str, Any]) -> Held:
    return Held(_webhook(document), document["lease"]["token"])


def _webhook(document: Mapping[str, Any]) -> Webhook:
    reason = document["paused_reason"]
    return Webhook(
        id=str(document["_id"]),
        url=document["url"],
        types=tuple(EventType(type) for type in document["types"]),
        description=document["description"],
        state=WebhookState(document["state"]),
        secrets=tuple(Secret(s["value"], s["ends_at"]) for s in document["secrets"]),
        cursor=int(document["cursor"]),
        created_at=document["created_at"],
        updated_at=document["updated_at"],
        paused_reason=None if reason is None else PauseReason(reason),
        paused_at=document["paused_at"],
        last_success_at=document["last_success_at"],
        failing_since=document["failing_since"],
        failed_attempts=document["failed_attempts"],
    )
