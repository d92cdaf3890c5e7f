"""How far the ledger has been read for events, by whom, and what has come into it since.

One process at a time reads it. Whoever loses that right finds out when it writes, because every
write asks for it: nothing is told twice, however long somebody was frozen.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bson import Int64, ObjectId
from pymongo import ASCENDING, DESCENDING, ReturnDocument, UpdateOne
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from inventory import limits
from inventory.domain.events import Event
from inventory.domain.movements import Movement
from inventory.domain.purchases import Return
from inventory.repository.events import event_document
from inventory.repository.mongo import (
    MAJORITY,
    Document,
    Session,
    Transactions,
    object_id,
    reading,
    writing,
)
from inventory.repository.movements import movement_from
from inventory.repository.purchases import return_from
from inventory.repository.watching import LedgerWatch

_FEED = "ledger"
_SCANNED = limits.FEED_SCAN_PRODUCTS
_LEASE_END = {"$add": ["$$NOW", int(limits.FEED_LEASE_SECONDS * 1000)]}


class OvertakenReader(Exception):
    """Another process reads the ledger now."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Up to where events have been derived, and at what time by the database's clock.

    `began_at` is when that was first done here: what had happened before is not told. `token` says
    where the change stream goes on.
    """

    sequence: int
    began_at: datetime
    read_at: datetime
    token: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Position:
    """The last row of a product that was derived, and the last one that was seen."""

    derived: int
    seen: int


class FeedRepository:
    """The one place where events are written."""

    def __init__(self, database: Database[Document], transactions: Transactions) -> None:
        self._database = database
        self._transactions = transactions
        self._feed = database["event_feed"]
        self._committed = self._feed.with_options(read_concern=MAJORITY)
        self._positions = database["event_positions"]
        self._events = database["events"]
        self._movements = database["movements"].with_options(read_concern=MAJORITY)
        self._returns = database["returns"].with_options(read_concern=MAJORITY)
        self._stock = database["stock"].with_options(read_concern=MAJORITY)

    def lead(self, owner: str) -> Progress | None:
        """Become, or stay, the one who reads; return None while somebody else is.

        It lasts `limits.FEED_LEASE_SECONDS`, by the clock of the database.
        """
        with writing():
            found = self._lead(owner)
            if found is None and self._feed.find_one({"_id": _FEED}) is None:
                self._begin()
                found = self._lead(owner)
        if found is None:
            return None
        return Progress(int(found["sequence"]), found["began_at"], found["read_at"], found["token"])

    def _lead(self, owner: str) -> Document | None:
        mine_or_free = {"$or": [{"$eq": ["$owner", owner]}, {"$lt": ["$until", "$$NOW"]}]}
        return self._feed.find_one_and_update(
            {"_id": _FEED, "$expr": mine_or_free},
            [{"$set": {"owner": owner, "until": _LEASE_END}}],
            return_document=ReturnDocument.AFTER,
        )

    def _begin(self) -> None:
        """Remember from when on events are derived; the stream is open before that moment."""
        with self.watch(None) as watch:
            start = {
                "sequence": Int64(0),
                "began_at": "$$NOW",
                "read_at": "$$NOW",
                "until": "$$NOW",
                "token": {"$literal": watch.token},
            }
        # Another process may have been quicker.
        with suppress(DuplicateKeyError):
            self._feed.update_one(
                {"_id": _FEED, "began_at": {"$exists": False}}, [{"$set": start}], upsert=True
            )

    def resign(self, owner: str) -> None:
        """Let another process read at once, if this one was the one."""
        with writing():
            self._feed.update_one(
                {"_id": _FEED, "owner": owner}, [{"$set": {"owner": None, "until": "$$NOW"}}]
            )

    def read_until(self) -> tuple[int, datetime | None]:
        """Return the number of the newest event, and when the ledger was last looked at."""
        with reading():
            found = self._committed.find_one({"_id": _FEED})
        return (0, None) if found is None else (int(found["sequence"]), found["read_at"])

    def watch(self, token: Mapping[str, Any] | None) -> LedgerWatch:
        """Hear of what comes into the ledger, from `token` or from now on.

        Raises `HistoryLost` if what came next is not known any more.
        """
        return LedgerWatch(self._database, token)

    def positions(self, product_ids: Iterable[str]) -> dict[str, Position]:
        """Return how far each of the products has been read, for those that have been."""
        query = {"_id": {"$in": [ObjectId(text) for text in product_ids]}}
        with reading():
            found = self._positions.find(query).to_list()
        return {str(one["_id"]): Position(int(one["derived"]), int(one["seen"])) for one in found}

    def positions_behind(self) -> dict[str, int]:
        """Return the products of which rows were seen that are not derived, and the last seen."""
        with reading():
            found = self._positions.find({"behind": True}, {"seen": True}).to_list()
        return {str(one["_id"]): int(one["seen"]) for one in found}

    def rows_after(self, product_id: str, version: int, count: int) -> list[Movement]:
        """Return up to `count` rows of a product that come after `version`, the oldest first."""
        query = {"product_id": object_id(product_id), "version": {"$gt": Int64(version)}}
        with reading():
            found = self._movements.find(query).sort("version", ASCENDING).limit(count)
            return [movement_from(row) for row in found]

    def last_version(self, product_id: str, before: datetime) -> int:
        """Return the version of a product's last row before a time, 0 if there is none."""
        query = {"product_id": object_id(product_id), "at": {"$lt": before}}
        order = [("at", DESCENDING), ("version", DESCENDING)]
        with reading():
            row = self._movements.find_one(query, {"version": True}, sort=order)
        return 0 if row is None else int(row["version"])

    def missed(self, began_at: datetime) -> Iterator[dict[str, int]]:
        """Yield all products with rows that are not derived, some at a time, and their versions."""
        query: Document = {}
        while True:
            with reading():
                found = self._stock.find(query, {"version": True}).sort("_id", ASCENDING)
                some = {one["_id"]: int(one["version"]) for one in found.limit(_SCANNED)}
                derived = {
                    one["_id"]: int(one["derived"])
                    for one in self._positions.find({"_id": {"$in": list(some)}})
                }
                unknown = {"$in": [id for id in some if id not in derived]}
                moved = {
                    row["product_id"]
                    for row in self._movements.find(
                        {"product_id": unknown, "at": {"$gte": began_at}}, {"product_id": True}
                    )
                }
            if not some:
                return
            query = {"_id": {"$gt": max(some)}}
            yield {
                str(id): version
                for id, version in some.items()
                if derived.get(id, 0 if id in moved else version) < version
            }

    def returns_since(self, at: datetime) -> Iterator[list[Return]]:
        """Yield what came back since a time, some at a time, the oldest first."""
        last = ObjectId.from_datetime(at)
        while True:
            with reading():
                found = self._returns.find({"_id": {"$gt": last}}).sort("_id", ASCENDING)
                some = [return_from(one) for one in found.limit(limits.FEED_ROWS)]
            if not some:
                return
            last = ObjectId(some[-1].id)
            yield some

    def known_events(self, event_ids: Sequence[str]) -> set[str]:
        """Return which of these events there are already."""
        with reading():
            found = self._events.find({"id": {"$in": list(event_ids)}}, {"id": True}).to_list()
        return {one["id"] for one in found}

    def write(
        self,
        owner: str,
        progress: Progress,
        events: Sequence[Event],
        positions: Mapping[str, Position],
        token: Mapping[str, Any],
    ) -> Progress:
        """Write events and how far they go, all or nothing; raise `OvertakenReader` if too late."""
        sequence = Int64(progress.sequence + len(events))
        step = {
            "sequence": sequence,
            "token": {"$literal": token},
            "read_at": "$$NOW",
            "until": _LEASE_END,
        }
        mine = {"_id": _FEED, "owner": owner, "sequence": Int64(progress.sequence)}

        def work(session: Session | None) -> Document:
            moved = self._feed.find_one_and_update(
                mine,
                [{"$set": step}],
                return_document=ReturnDocument.AFTER,
                session=session,
            )
            if moved is None:
                raise OvertakenReader
            if events:
                documents = [
                    event_document(event) | {"derived_at": moved["read_at"]} for event in events
                ]
                self._events.insert_many(documents, session=session)
            if positions:
                self._positions.bulk_write(_moves(positions), ordered=False, session=session)
            return moved

        if events or positions:
            moved = self._transactions.run(work)
        else:
            with writing():
                moved = work(None)
        return Progress(int(sequence), progress.began_at, moved["read_at"], token)


def _moves(positions: Mapping[str, Position]) -> list[UpdateOne]:
    return [
        UpdateOne(
            {"_id": ObjectId(product_id)},
            [
                {
                    "$set": {
                        "derived": Int64(one.derived),
                        "seen": Int64(one.seen),
                        "behind": True if one.seen > one.derived else "$$REMOVE",
                    }
                }
            ],
            upsert=True,
        )
        for product_id, one in positions.items()
    ]
