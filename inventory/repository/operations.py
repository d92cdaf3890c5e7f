"""Claims: which idempotent requests were begun, and which of them were refused.

A claim is made before its effect and survives a failover, so two processes never work for the same
key. What a successful request did is read off the ledger or the catalogue by the claim's operation
id, so it needs no second record; a refusal left no trace there, so it is kept here.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bson import ObjectId
from pymongo import UpdateOne
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from inventory.domain.claims import Claim
from inventory.repository.mongo import MAJORITY, Document, Session, reading, writing

_DUPLICATE_KEY = 11000
_OF_AN_ATTEMPT = ("operation_id", "product_id", "fence", "request_id", "attempt")


class OperationRepository:
    """Claims by id; the database removes those older than `limits.OPERATION_KEEP_SECONDS`."""

    def __init__(self, database: Database[Document]) -> None:
        self._operations = database["operations"]
        self._majority = self._operations.with_options(read_concern=MAJORITY)

    def add_many(self, claims: Sequence[Claim]) -> set[str]:
        """Make new claims; return the operation ids of those that somebody had made before."""
        if not claims:
            return set()
        with writing():
            try:
                self._operations.insert_many([_document(claim) for claim in claims], ordered=False)
            except BulkWriteError as error:
                failed = error.details.get("writeErrors", [])
                if any(failure["code"] != _DUPLICATE_KEY for failure in failed) or not failed:
                    raise
                if error.details.get("writeConcernErrors"):
                    # Nor is it certain of the others that a majority has them.
                    raise
                return {claims[failure["index"]].operation_id for failure in failed}
        return set()

    def get(self, claim_id: str) -> Claim | None:
        """Return a claim as a majority has it, so that what it says can be answered."""
        with reading():
            document = self._majority.find_one({"_id": claim_id})
        return None if document is None else _claim(document)

    def take_over(self, claim: Claim) -> bool:
        """Write the next attempt of a claim; tell whether nobody else was faster."""
        document = _document(claim)
        changes = {name: document[name] for name in _OF_AN_ATTEMPT}
        query = {"_id": claim.id, "attempt": claim.attempt - 1, "refusal": None, "result": None}
        with writing():
            return self._operations.update_one(query, {"$set": changes}).modified_count == 1

    def keep_refusals(self, refused: Sequence[Claim]) -> set[str]:
        """Make the refusals of these attempts definite, as durably as any success.

        An attempt that was taken over meanwhile is left alone, because its successor decides;
        returns the operation ids of those.
        """
        if not refused:
            return set()
        updates = [
            UpdateOne(_attempt(claim), {"$set": {"refusal": claim.refusal}}) for claim in refused
        ]
        with writing():
            result = self._operations.bulk_write(updates, ordered=False)
        if result.matched_count == len(refused):
            return set()
        held = [self.get(claim.id) for claim in refused]
        kept = {claim.operation_id for claim in held if claim and claim.refusal}
        return {claim.operation_id for claim in refused} - kept

    def extend(self, claim: Claim, session: Session) -> bool:
        """Let an attempt hold until the fence of `claim`; tell whether it is still the current one.

        Inside a transaction, which must be aborted if it is not.
        """
        query, change = _attempt(claim), {"$set": {"fence": claim.fence}}
        return self._operations.update_one(query, change, session=session).matched_count == 1

    def let_go(self, claim: Claim) -> None:
        """Let an attempt hold no longer than the fence of `claim`, so that the next may begin."""
        with writing():
            self._operations.update_one(_attempt(claim), {"$set": {"fence": claim.fence}})

    def complete(self, claim: Claim) -> None:
        """Keep the result of an attempt whose effects are durable; one taken over is left alone."""
        with writing():
            self._operations.update_one(_attempt(claim), {"$set": {"result": claim.result}})

    def finish(self, claims: Sequence[Claim], session: Session) -> set[str]:
        """Keep the results of attempts inside the transaction of their effects.

        Returns the operation ids of those that are no longer the current attempt: if there are any,
        the transaction must be aborted.
        """
        if not claims:
            return set()
        updates = [
            UpdateOne(_attempt(claim), {"$set": {"result": claim.result}}) for claim in claims
        ]
        result = self._operations.bulk_write(updates, ordered=False, session=session)
        if result.matched_count == len(claims):
            return set()
        ids = {"_id": {"$in": [claim.id for claim in claims]}}
        current = {
            (document["_id"], document["attempt"])
            for document in self._operations.find(ids, session=session)
            if document["refusal"] is None
        }
        return {claim.operation_id for claim in claims if (claim.id, claim.attempt) not in current}


def _attempt(claim: Claim) -> Document:
    return {"_id": claim.id, "attempt": claim.attempt, "refusal": None, "result": None}


def _document(claim: Claim) -> Document:
    return {
        "_id": claim.id,
        "fingerprint": claim.fingerprint,
        "product_id": claim.product_id,
        "operation_id": ObjectId(claim.operation_id),
        "fence": claim.fence,
        "created_at": claim.created_at,
        "request_id": claim.request_id,
        "attempt": claim.attempt,
        "refusal": claim.refusal,
        "result": claim.result,
    }


def _claim(document: Mapping[str, Any]) -> Claim:
    values = {
        name: document[name] for name in Claim.__slots__ if name not in ("id", "operation_id")
    }
    return Claim(id=document["_id"], operation_id=str(document["operation_id"]), **values)
