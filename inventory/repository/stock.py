"""The counters of products: the one place where they move.

A product's `stock` document is rewritten at every sale, so it is small: its counters, what a sale
must know of the product, and a bounded `tail` of the newest entries. The tail is the durable truth
of an entry until the ledger has it; `inventory.stock` carries entries over and trims the tail.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bson import Int64, ObjectId
from pymongo import ReturnDocument, UpdateOne
from pymongo.database import Database

from inventory import limits
from inventory.domain.movements import Kind
from inventory.domain.products import Terms
from inventory.domain.stock import Operation, Snapshot
from inventory.repository.entries import snapshot_from
from inventory.repository.mongo import (
    DERIVED,
    MAJORITY,
    DatabaseClock,
    Document,
    Session,
    object_id,
    reading,
    writing,
)
from inventory.repository.updates import (
    follow,
    follow_terms,
    guarded_update,
    mirrored,
    opening,
    without_tail_before,
)
from inventory.repository.updates import trim as trim_to

TailPosition = tuple[datetime, ObjectId]
_WITHOUT_TAIL = {"tail": False, "voids": False}
_VOID_KEEP_MS = int(limits.VOID_KEEP_SECONDS * 1000)


@dataclass(frozen=True, slots=True)
class Waiting:
    """The operations in a product's tail, the oldest first, which has the version `first_version`.

    `purchase_ids` are those of them that are purchases by themselves.
    """

    product_id: str
    first_version: int
    operation_ids: list[str]
    purchase_ids: list[str]

    @classmethod
    def of(cls, document: Document) -> "Waiting":
        """Return what a `stock` document holds."""
        tail = document["tail"]
        sold = [one for one in tail if one["kind"] == Kind.PURCHASE and "purchase_id" not in one]
        return cls(
            str(document["_id"]),
            int(document["version"]) - len(tail) + 1,
            [str(entry["op"]) for entry in tail],
            [str(entry["op"]) for entry in sold],
        )


class StockRepository:
    """Counters by product id; every id that spells no ObjectId is simply not there.

    What is read here was on the disk of a majority, so nobody is told of a change that can still be
    lost. Only who decides next asks for the `newest`, which no majority may have yet.
    """

    def __init__(self, database: Database[Document], clock: DatabaseClock) -> None:
        self._stock = database["stock"]
        self._committed = self._stock.with_options(read_concern=MAJORITY)
        self._derived = self._stock.with_options(write_concern=DERIVED)
        self._clock = clock

    def get(self, product_id: str, *, newest: bool = False) -> Snapshot | None:
        """Return the counters with their whole tail."""
        return next(iter(self.list_many([product_id], newest=newest)), None)

    def list_many(
        self, product_ids: Iterable[str], *, tail: bool = True, newest: bool = False
    ) -> list[Snapshot]:
        """Return the counters of those of the products that exist, in no particular order."""
        ids = [id for text in product_ids if (id := object_id(text))]
        if not ids:
            return []
        counters = self._stock if newest else self._committed
        shown = None if tail else _WITHOUT_TAIL
        with reading():
            return self._snapshots(counters.find({"_id": {"$in": ids}}, shown).to_list())

    def list_waiting(self, product_ids: Iterable[str]) -> list["Waiting"]:
        """Return what waits in the tail of each of the products."""
        ids = [ObjectId(text) for text in product_ids]
        if not ids:
            return []
        shown = {"version": 1, "tail.op": 1, "tail.kind": 1, "tail.purchase_id": 1}
        with reading():
            documents = self._stock.find({"_id": {"$in": ids}}, shown).to_list()
        return [Waiting.of(document) for document in documents]

    def list_untrimmed(
        self, before: datetime, after: "TailPosition | None", count: int
    ) -> tuple[list[Snapshot], "TailPosition | None"]:
        """Return counters whose oldest tail entry was written before `before`, oldest first.

        Also returns where the next `count` of them begin, None at the end.
        """
        query: Document = {"tail_since": {"$lt": before}}
        if after is not None:
            since, id = after
            tie = {"tail_since": since, "_id": {"$gt": id}}
            query = {"$and": [query, {"$or": [{"tail_since": {"$gt": since}}, tie]}]}
        with reading():
            cursor = self._committed.find(query).sort({"tail_since": 1, "_id": 1}).limit(count)
            documents = cursor.to_list()
        more = len(documents) == count
        position = (documents[-1]["tail_since"], documents[-1]["_id"]) if more else None
        return self._snapshots(documents), position

    def find_by_entry(self, operation_id: str) -> Snapshot | None:
        """Return the counters in whose tail an operation's entry still waits.

        Looks through all tails that hold anything, which are few: ask for the exception only.
        """
        query = {"tail_since": {"$exists": True}, "tail.op": object_id(operation_id)}
        with reading():
            documents = self._committed.find(query, hint="untrimmed").limit(1).to_list()
        return next(iter(self._snapshots(documents)), None)

    def _snapshots(self, documents: Iterable[Document]) -> list[Snapshot]:
        now = self._clock.now()
        return [snapshot_from(document, now) for document in documents]

    def apply(self, product_id: str, operations: Sequence[Operation]) -> Snapshot | None:
        """Apply all `operations` to one product in one guarded update, or none of them.

        Returns the counters right after it, with no more of the tail than these operations, or None
        when the guard refused; `Snapshot.plan` tells why. Raises `StorageUnavailable` or
        `OutcomeUnknown`.
        """
        update = guarded_update(product_id, operations)
        if update is None:
            return None
        now = self._clock.now()
        with writing():
            document = self._stock.find_one_and_update(
                *update,
                without_tail_before(len(operations)),
                return_document=ReturnDocument.AFTER,
            )
        if document is None:
            return None
        # To an update that the driver sent a second time, MongoDB answers with the whole document.
        whole = "tail" in document
        return snapshot_from(document, now, None if whole else [one.entry for one in operations])

    def apply_many(self, groups: Mapping[str, Sequence[Operation]]) -> None:
        """Apply the operations of each product as `apply` does, each product by itself.

        An operation was applied if its entry is in the tail soon after, or in the ledger.
        """
        updates = [
            UpdateOne(*update) for group in groups.items() if (update := guarded_update(*group))
        ]
        if updates:
            with writing():
                self._stock.bulk_write(updates, ordered=False)

    def void(self, product_id: str, operation_id: str) -> bool:
        """Make sure that an operation that is not in the tail can never be applied from now on.

        Returns False, and changes nothing, where its entry is in the tail. After True the caller
        must look into the ledger: the entry may have been carried there before. The void stays
        `limits.VOID_KEEP_SECONDS`, which outlasts every update that MongoDB had begun; later ones
        are refused by the operation's fence.
        """
        id = ObjectId(operation_id)
        recent = {"$gt": ["$$this.at", {"$subtract": ["$$NOW", _VOID_KEEP_MS]}]}
        kept = {"$filter": {"input": {"$ifNull": ["$voids", []]}, "cond": recent}}
        voids = {"$concatArrays": [kept, [{"op": id, "at": "$$NOW"}]]}
        with writing():
            result = self._stock.update_one(
                {"_id": object_id(product_id), "tail.op": {"$ne": id}}, [{"$set": {"voids": voids}}]
            )
        return result.matched_count == 1

    def trim(self, up_to_versions: Mapping[str, int]) -> None:
        """Drop from each product's tail the entries up to and including a version.

        The caller has seen every one of them in the ledger by a majority read.
        """
        updates = [
            UpdateOne({"_id": ObjectId(product_id)}, trim_to(version))
            for product_id, version in up_to_versions.items()
        ]
        if updates:
            with writing():
                self._derived.bulk_write(updates, ordered=False)

    def add(
        self, product_id: str, terms: Terms, available: int, at: datetime, session: Session
    ) -> None:
        """Open the counters of a new product, inside a transaction; their version is 1."""
        self._stock.insert_one(opening(product_id, terms, available, at), session=session)

    def change_terms(
        self, product_id: str, old: Terms, terms: Terms, version: int, session: Session
    ) -> Snapshot:
        """Tell the counters what a sale must know of the edited product, inside a transaction.

        `version` is the edited product's. The counters of a product on sale are in demand: what a
        sale need not know leaves them be.
        """
        if mirrored(old) == mirrored(terms):
            document = self._stock.find_one({"_id": ObjectId(product_id)}, session=session)
            return _existing(document, self._clock.now())
        return self._change_in(product_id, follow_terms(terms, version), session)

    def close(self, product_id: str, session: Session) -> Snapshot:
        """Refuse every later change of the product's stock, inside a transaction."""
        return self._change_in(
            product_id, {"$set": {"closed": True}, "$inc": {"terms_version": 1}}, session
        )

    def lock(self, product_ids: Iterable[str], session: Session) -> list[Snapshot]:
        """Return counters that nobody else can change until the transaction ends.

        The first thing that a transaction does: what it reads next is then as new as the lock. The
        others who want to change these counters are made to try again, by MongoDB or its driver.
        """
        ids = sorted(id for text in product_ids if (id := object_id(text)))
        if not ids:
            return []
        query: Document = {"_id": {"$in": ids}}
        # A change of something, because MongoDB takes no lock for a change of nothing.
        turn = {"$inc": {"turns": Int64(1)}}
        if len(ids) == 1:
            document = self._stock.find_one_and_update(
                query, turn, return_document=ReturnDocument.AFTER, session=session
            )
            documents = [] if document is None else [document]
        else:
            self._stock.update_many(query, turn, session=session)
            documents = self._stock.find(query, session=session).to_list()
        return self._snapshots(documents)

    def write(self, changed: Iterable[tuple[Snapshot, Snapshot]], session: Session) -> None:
        """Take locked counters from what they were to what was decided."""
        updates = [
            UpdateOne({"_id": ObjectId(before.product_id)}, follow(before, after))
            for before, after in changed
        ]
        if updates:
            self._stock.bulk_write(updates, ordered=False, session=session)

    def _change_in(
        self, product_id: str, update: Document | list[Document], session: Session
    ) -> Snapshot:
        document = self._stock.find_one_and_update(
            {"_id": ObjectId(product_id)},
            update,
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        return _existing(document, self._clock.now())


def _existing(document: Document | None, now: datetime) -> Snapshot:
    assert document is not None, "a product always has its counters"
    return snapshot_from(document, now)
