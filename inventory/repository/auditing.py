"""The books as they are at one moment, read for those who check them.

Everything that one `Moment` reads is of the same snapshot, so what is written meanwhile can make no
two documents disagree. MongoDB keeps the past for five minutes, hence one moment for some products,
never for a whole store.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo import DESCENDING, MongoClient
from pymongo.database import Database
from pymongo.errors import OperationFailure

from inventory import limits
from inventory.domain.integrity.documents import Documents, SoldLine
from inventory.domain.integrity.history import Summary
from inventory.domain.integrity.product import ProductRecord, SaleTerms
from inventory.domain.movements import Entry, Kind, Movement
from inventory.domain.reservations import State
from inventory.domain.stock import Snapshot
from inventory.repository import survey
from inventory.repository.entries import snapshot_from
from inventory.repository.evidence import (
    ROW_FIELDS,
    TERMS_FIELDS,
    held_from,
    quantities,
    read_as,
    row_from,
    sale_terms_from,
    sold_lines,
)
from inventory.repository.mongo import (
    DatabaseClock,
    Document,
    Session,
    object_id,
    reading,
    time_limit,
)
from inventory.repository.spans import Span

_TYPE_MISMATCH = 14
# From here on MongoDB numbers what an operator of a pipeline says about a value it cannot take.
_OPERATOR_CODES = 15_000


@dataclass(slots=True)
class _Wanted:
    """What some movements speak of."""

    purchases: set[ObjectId] = field(default_factory=set)
    reservations: set[ObjectId] = field(default_factory=set)


class AuditRepository:
    """Reads for checks; writes nothing."""

    def __init__(
        self,
        client: MongoClient[Document],
        database: Database[Document],
        clock: DatabaseClock,
    ) -> None:
        self._client = client
        self._database = database
        self._clock = clock

    def count_products(self) -> int:
        """Return about how many products there are to be checked."""
        with reading():
            return self._database["stock"].estimated_document_count()

    @contextmanager
    def moment(self) -> Iterator["Moment"]:
        """Yield the books as they are now, and stay, until the block ends."""
        with (
            reading(),
            time_limit(limits.SNAPSHOT_SECONDS_MAX),
            self._client.start_session(snapshot=True) as session,
        ):
            yield Moment(self._database, session, self._clock.now())


class Moment:
    """The books at one moment. Products come in descending order of their ids, as indexes do."""

    def __init__(self, database: Database[Document], session: Session, now: datetime) -> None:
        self._database = database
        self._session = session
        self._now = now

    def next_span(self, high: str | None, count: int) -> Span:
        """Return the span of the next `count` products below `high`; without `low` at the end."""
        return self._next(("stock", "products", "deleted_products"), "_id", high, count)

    def next_returned(self, high: str | None, count: int) -> Span:
        """Return the span of purchases below `high` of which the next `count` units came back."""
        return self._next(("returns",), "purchase_id", high, count)

    def uncounted_returns(self, purchases: Span) -> set[str] | None:
        """Return the products of which more came back than a span of purchases counts.

        None if one of the documents cannot be read.
        """
        found = self._aggregate("returns", survey.uncounted_returns(purchases.query()))
        return None if found is None else {str(document["_id"]) for document in found}

    def _next(self, names: Iterable[str], field: str, high: str | None, count: int) -> Span:
        ids: set[ObjectId] = set()
        lows = []
        query = {field: Span(None, high).query()}
        for name in names:
            cursor = self._find(name, query, {field: True}).sort(field, DESCENDING).limit(count)
            found = [document[field] for document in cursor]
            ids |= set(found)
            if len(found) == count:
                # There may be more of them below.
                lows.append(found[-1])
        lows += sorted(ids, reverse=True)[count - 1 : count]
        return Span(str(max(lows)) if lows else None, high)

    def records(self, span: Span) -> list[ProductRecord]:
        """Return what is on record about the products of a span, besides their ledgers."""
        query = {"_id": span.query()}
        listed = self._terms("products", query)
        gone = self._terms("deleted_products", query)
        stock = {document["_id"]: document for document in self._find("stock", query)}
        held = self._held(span)
        return [
            ProductRecord(
                product_id=str(id),
                terms=listed.get(id) or gone.get(id),
                deleted=id not in listed and id in gone,
                counters=read_as("stock", stock[id], self._snapshot) if id in stock else None,
                headroom=int(stock[id].get("headroom", 0)) if id in stock else 0,
                held=held.get(id, 0),
            )
            for id in sorted({*listed, *gone, *stock, *held}, reverse=True)
        ]

    def summaries(self, span: Span) -> dict[str, Summary] | None:
        """Return what the ledgers of a span come to, by product; None if one cannot be read."""
        found = self._aggregate("movements", survey.summaries(span.query()))
        if found is None:
            return None
        return {summary.product_id: summary for summary in map(survey.summary_from, found)}

    def restocked(self, span: Span) -> dict[str, int] | None:
        """Return how many units of which products returns have put on sale again.

        None if one of the documents cannot be read.
        """
        found = self._aggregate("returns", survey.restocked(span.query()))
        if found is None:
            return None
        return {str(document["_id"]): int(document["units"]) for document in found}

    def suspects(self, span: Span) -> set[str] | None:
        """Return the products of a span whose documents may not fit; None: all of them."""
        products = span.query()
        asked = [
            self._aggregate("movements", survey.unlike_sales(products)),
            self._aggregate("movements", survey.lost_documents(products)),
            self._aggregate("purchases", survey.miscounted_returns(products)),
        ]
        if None in asked:
            return None
        found = {str(document["_id"]) for documents in asked for document in documents or ()}
        return {product_id for product_id in found if product_id in span}

    def _aggregate(self, name: str, pipeline: list[Document]) -> list[Document] | None:
        """Return what a pipeline finds; None if it stumbles over a value of the wrong type."""
        try:
            found = self._database[name].aggregate(
                pipeline, session=self._session, allowDiskUse=True
            )
            return found.to_list()
        except OperationFailure as error:
            code = error.code or 0
            if code == _TYPE_MISMATCH or code >= _OPERATOR_CODES:
                return None
            raise

    def rows(self, span: Span) -> Iterator[Movement]:
        """Yield the ledger of a span, product by product, each in the order of versions."""
        cursor = self._find("movements", {"product_id": span.query()}, ROW_FIELDS)
        # The index of the history, read backwards.
        for document in cursor.sort({"product_id": -1, "version": 1}):
            yield read_as("movements", document, row_from)

    def documents(self, entries: Iterable[Entry]) -> Documents:
        """Return the documents of which entries speak, those that there are."""
        wanted = _wanted(entries)
        reservations = {
            str(document["_id"]): read_as("reservations", document, held_from)
            for document in self._by_id("reservations", wanted.reservations, "state", "purchase_id")
        }
        committed = {object_id(held.purchase_id or "") for held in reservations.values()}
        wanted.purchases |= {id for id in committed if id is not None}
        lines: dict[tuple[str, str], SoldLine] = {}
        purchases = set()
        for document in self._by_id("purchases", wanted.purchases, "lines"):
            purchases.add(str(document["_id"]))
            for line in read_as("purchases", document, sold_lines):
                lines[line.purchase_id, line.product_id] = line
        returned = self._returned(wanted.purchases)
        return Documents(frozenset(purchases), lines, returned, reservations)

    def count_lines(self, span: Span) -> int:
        """Return how many lines of purchases speak of the products of a span."""
        mine = {"$and": [{op: ["$$this.product_id", id]} for op, id in span.bounds()]}
        lines = {"$filter": {"input": "$lines", "cond": mine}}
        pipeline: list[Document] = [
            {"$match": {"lines": {"$elemMatch": {"product_id": span.query()}}}},
            {"$group": {"_id": None, "count": {"$sum": {"$size": lines}}}},
        ]
        found = self._database["purchases"].aggregate(pipeline, session=self._session).to_list()
        return int(found[0]["count"]) if found else 0

    def lines(self, span: Span) -> Iterator[SoldLine]:
        """Yield the lines of purchases that speak of the products of a span."""
        query = {"lines": {"$elemMatch": {"product_id": span.query()}}}
        for document in self._find("purchases", query, {"lines": True}):
            for line in read_as("purchases", document, sold_lines):
                if line.product_id in span:
                    yield line

    def sales_at(self, lines: Iterable[SoldLine]) -> dict[tuple[str, int], Movement]:
        """Return the rows at the places that lines of purchases name, by product and version."""
        places = [
            {"product_id": ObjectId(line.product_id), "version": line.stock_version}
            for line in lines
        ]
        found = self._find("movements", {"$or": places}, ROW_FIELDS) if places else ()
        rows = [read_as("movements", document, row_from) for document in found]
        return {(row.product_id, row.version): row for row in rows}

    def _find(self, name: str, query: Document, fields: Any = None) -> Any:
        return self._database[name].find(
            query, fields, session=self._session, batch_size=limits.CHECK_ROWS
        )

    def _by_id(self, name: str, ids: set[ObjectId], *fields: str) -> Iterable[Document]:
        found: Iterable[Document] = self._find(name, {"_id": {"$in": list(ids)}}, fields)
        return found if ids else ()

    def _terms(self, name: str, query: Document) -> dict[ObjectId, SaleTerms]:
        return {
            document["_id"]: read_as(name, document, sale_terms_from)
            for document in self._find(name, query, TERMS_FIELDS)
        }

    def _snapshot(self, document: Mapping[str, Any]) -> Snapshot:
        return snapshot_from(document, self._now)

    def _held(self, span: Span) -> dict[ObjectId, int]:
        query = {"state": str(State.HELD), "lines": {"$elemMatch": {"product_id": span.query()}}}
        held: dict[ObjectId, int] = {}
        for document in self._find("reservations", query, {"lines": True}):
            for id, quantity in read_as("reservations", document, quantities):
                if str(id) in span:
                    held[id] = held.get(id, 0) + quantity
        return held

    def _returned(self, purchases: set[ObjectId]) -> dict[tuple[str, str], int]:
        returned: dict[tuple[str, str], int] = {}
        query = {"purchase_id": {"$in": list(purchases)}}
        for document in self._find("returns", query) if purchases else ():
            purchase_id = str(document["purchase_id"])
            for id, quantity in read_as("returns", document, quantities):
                place = (purchase_id, str(id))
                returned[place] = returned.get(place, 0) + quantity
        return returned


def _wanted(entries: Iterable[Entry]) -> _Wanted:
    wanted = _Wanted()
    for entry in entries:
        if entry.reservation_id is not None:
            wanted.reservations.add(ObjectId(entry.reservation_id))
        if entry.purchase_id is not None:
            wanted.purchases.add(ObjectId(entry.purchase_id))
        elif entry.kind is Kind.PURCHASE:
            wanted.purchases.add(ObjectId(entry.operation_id))
    return wanted
