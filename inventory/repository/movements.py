"""The ledger: one immutable row for every change of a product's stock."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bson import Int64, ObjectId
from pymongo import DESCENDING
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from inventory.domain.movements import Movement
from inventory.repository.entries import entry_document, entry_from
from inventory.repository.mongo import (
    DERIVED,
    MAJORITY,
    Document,
    Session,
    object_id,
    reading,
    writing,
)

_DUPLICATE_KEY = 11000
LOCATION = "default"


class MovementRepository:
    """Ledger rows; (product, version) and the operation's id are each unique."""

    def __init__(self, database: Database[Document]) -> None:
        self._movements = database["movements"]
        self._derived = self._movements.with_options(write_concern=DERIVED)
        self._majority = self._movements.with_options(read_concern=MAJORITY)

    def add_missing(self, movements: Iterable[Movement]) -> None:
        """Write those of `movements` that the ledger lacks.

        It does not wait for the disk: until a majority has a row, the tail still holds its entry.
        """
        insert_missing(self._derived, [movement_document(movement) for movement in movements])

    def add(self, movements: Sequence[Movement], session: Session) -> None:
        """Write rows inside a transaction."""
        if movements:
            documents = [movement_document(movement) for movement in movements]
            self._movements.insert_many(documents, ordered=False, session=session)

    def last_in(self, product_id: str, at: datetime, session: Session) -> Movement | None:
        """Return, as a transaction sees it, the last row of a product that is not after `at`."""
        document = self._movements.find_one(
            {"product_id": object_id(product_id), "at": {"$lte": at}},
            sort=[("at", DESCENDING), ("version", DESCENDING)],
            session=session,
        )
        return None if document is None else movement_from(document)

    def get(self, operation_id: str) -> Movement | None:
        """Return the row that an operation wrote."""
        return self.get_many([operation_id]).get(operation_id)

    def get_many(
        self, operation_ids: Iterable[str], *, majority: bool = False
    ) -> dict[str, Movement]:
        """Return the rows that operations wrote; with `majority`, those that no failover can take.

        A row that is not among the latter yet has its entry in a tail.
        """
        rows = self._majority if majority else self._movements
        ids = [id for text in operation_ids if (id := object_id(text))]
        with reading():
            documents = rows.find({"_id": {"$in": ids}}).to_list()
        return {str(document["_id"]): movement_from(document) for document in documents}

    def known_ids(self, operation_ids: Sequence[str], *, majority: bool = False) -> set[str]:
        """Return which operations have a row; with `majority`, one that no failover can take."""
        rows = self._majority if majority else self._movements
        ids = [ObjectId(text) for text in operation_ids]
        with reading():
            found = rows.find({"_id": {"$in": ids}}, {"_id": True}).to_list()
        return {str(document["_id"]) for document in found}

    def known_in(self, operation_ids: Sequence[str], session: Session) -> set[str]:
        """Return which operations have a row, as a transaction sees it.

        If the transaction is committed to a majority, then so are the rows that it has seen.
        """
        if not operation_ids:
            return set()
        ids = [ObjectId(text) for text in operation_ids]
        found = self._movements.find({"_id": {"$in": ids}}, {"_id": True}, session=session)
        return {str(document["_id"]) for document in found}

    def newest(self, product_id: str, at: datetime | None = None) -> Movement | None:
        """Return the last row of a product, or the last one not after `at`."""
        query: Document = {"product_id": object_id(product_id)}
        order = [("version", DESCENDING)]
        if at is not None:
            query["at"] = {"$lte": at}
            order = [("at", DESCENDING), ("version", DESCENDING)]
        with reading():
            document = self._movements.find_one(query, sort=order)
        return None if document is None else movement_from(document)

    def page(
        self, product_id: str, before_version: int | None, kind: str | None, count: int
    ) -> list[Movement]:
        """Return up to `count` rows older than `before_version`, newest first."""
        query: Document = {"product_id": object_id(product_id)}
        if before_version is not None:
            query["version"] = {"$lt": Int64(before_version)}
        if kind is not None:
            query["kind"] = kind
        with reading():
            cursor = self._movements.find(query).sort("version", DESCENDING).limit(count)
            return [movement_from(document) for document in cursor]


def insert_missing(collection: Collection[Document], documents: list[Document]) -> None:
    """Insert those of `documents` that are not there yet, in any order.

    Whoever comes second derived the same document from the same entry, so a duplicate is success.
    """
    if not documents:
        return
    with writing():
        try:
            collection.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            failed = error.details.get("writeErrors", [])
            if any(failure["code"] != _DUPLICATE_KEY for failure in failed) or not failed:
                raise


def movement_document(movement: Movement) -> Document:
    """Return a row as the ledger stores it."""
    document = entry_document(movement.entry)
    return {
        "_id": document.pop("op"),
        "product_id": ObjectId(movement.product_id),
        "version": Int64(movement.version),
        "balance": Int64(movement.balance),
        "held_balance": Int64(movement.held_balance),
        "location": LOCATION,
    } | document


def movement_from(document: Mapping[str, Any]) -> Movement:
    return Movement(
        product_id=str(document["product_id"]),
        version=int(document["version"]),
        balance=int(document["balance"]),
        held_balance=int(document["held_balance"]),
        entry=entry_from({**document, "op": document["_id"]}),
    )
