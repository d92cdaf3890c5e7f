"""API keys: their digests, and what they are good for. The keys themselves are kept nowhere."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bson import Binary, ObjectId
from pymongo import DESCENDING, ReturnDocument
from pymongo.database import Database

from inventory.domain.keys import ApiKey, Scope
from inventory.errors import ApiKeyNotFound
from inventory.repository.mongo import (
    DERIVED,
    DURABLE,
    MAJORITY,
    Document,
    object_id,
    reading,
    writing,
)

# Nobody else can have this id, so of several processes that start first only one makes the key.
_FIRST_ID = ObjectId("0" * 24)


class KeyRepository:
    """Keys by digest and by id. A majority knows what was answered, revocations above all."""

    def __init__(self, database: Database[Document]) -> None:
        self._keys = database.get_collection(
            "api_keys", read_concern=MAJORITY, write_concern=DURABLE
        )
        self._touched = database.get_collection("api_keys", write_concern=DERIVED)

    def add(self, key: ApiKey, digest: bytes) -> None:
        """Keep a new key."""
        with writing():
            self._keys.insert_one(_document(key, digest))

    def add_first(self, key: ApiKey, digest: bytes) -> bool:
        """Keep the first key that may do everything; False if there is or ever was one."""
        with reading():
            if self._keys.find_one({"scopes": str(Scope.ADMIN)}, {"_id": True}):
                return False
        document = _document(key, digest) | {"_id": _FIRST_ID}
        del document["_id"]
        with writing():
            done = self._keys.update_one(
                {"_id": _FIRST_ID}, {"$setOnInsert": document}, upsert=True
            )
        return done.upserted_id is not None

    def find_by_digest(self, digest: bytes) -> ApiKey | None:
        """Return the key with this digest, be it valid or not."""
        with reading():
            document = self._keys.find_one({"digest": Binary(digest)})
        return _key(document) if document else None

    def find(self, key_id: str) -> ApiKey | None:
        """Return the key with this id, be it valid or not."""
        with reading():
            document = self._keys.find_one({"_id": object_id(key_id)})
        return _key(document) if document else None

    def get(self, key_id: str) -> ApiKey:
        """Return a key; raise `ApiKeyNotFound`."""
        key = self.find(key_id)
        if key is None:
            raise ApiKeyNotFound(key_id)
        return key

    def list_newest(self, before: str | None, count: int) -> list[ApiKey]:
        """Return keys, the newest first, from the one after `before`."""
        query: Document = {} if before is None else {"_id": {"$lt": ObjectId(before)}}
        with reading():
            return [_key(d) for d in self._keys.find(query).sort("_id", DESCENDING).limit(count)]

    def revoke(self, key_id: str, now: datetime) -> ApiKey:
        """Let a key open nothing any more; the first time counts. Raises `ApiKeyNotFound`."""
        id = object_id(key_id)
        with writing():
            document = self._keys.find_one_and_update(
                {"_id": id},
                [{"$set": {"revoked_at": {"$ifNull": ["$revoked_at", now]}}}],
                return_document=ReturnDocument.AFTER,
            )
        if document is None:
            raise ApiKeyNotFound(key_id)
        return _key(document)

    def touch(self, key_id: str, now: datetime) -> None:
        """Write down when a key was used; no answer depends on it."""
        with writing():
            self._touched.update_one({"_id": ObjectId(key_id)}, {"$max": {"last_used_at": now}})


def _document(key: ApiKey, digest: bytes) -> Document:
    return {
        "_id": ObjectId(key.id),
        "digest": Binary(digest),
        "client": key.client,
        "publishable": key.publishable,
        "scopes": [str(scope) for scope in key.scopes],
        "hint": key.hint,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
    }


def _key(document: Mapping[str, Any]) -> ApiKey:
    return ApiKey(
        id=str(document["_id"]),
        client=document["client"],
        publishable=document["publishable"],
        scopes=tuple(Scope(scope) for scope in document["scopes"]),
        hint=document["hint"],
        created_at=document["created_at"],
        expires_at=document["expires_at"],
        revoked_at=document["revoked_at"],
        last_used_at=document["last_used_at"],
    )
