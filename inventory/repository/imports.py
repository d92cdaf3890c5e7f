"""What imports write many of at once: products with their counters, and what became of rows.

A batch of rows is kept in the transaction that carries it out. So whoever tries it again finds it,
and two who try it at the same time cannot both have an effect. Counters are opened and follow their
terms here; they move in `inventory.repository.stock` alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo import ReplaceOne, UpdateOne
from pymongo.database import Database
from pymongo.errors import BulkWriteError, DuplicateKeyError

from inventory.domain.imports import Outcome, RowResult
from inventory.domain.movements import Entry, Kind, Movement
from inventory.domain.products import Product, Terms
from inventory.repository.mongo import MAJORITY, Document, Session, object_id, reading, writing
from inventory.repository.movements import movement_document
from inventory.repository.products import product_document, product_from
from inventory.repository.updates import follow_terms, mirrored, opening

_DUPLICATE_KEY = 11000
_PLAIN_FIELDS = ("sku", "product_id", "code", "detail")


class Overtaken(Exception):
    """Somebody else did the same meanwhile: look again before deciding anew."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A new product and the stock that it opens with."""

    product: Product
    available: int

    def movement(self, actor: str | None) -> Movement:
        """Return the first row of its ledger, whose id is the product's."""
        at = self.product.created_at
        entry = Entry(self.product.id, Kind.OPENING, self.available, at, actor=actor)
        return Movement(self.product.id, 1, self.available, 0, entry)


class ImportRepository:
    """Products by sku or id, many at a time, and the batches of imports."""

    def __init__(self, database: Database[Document]) -> None:
        self._products = database.get_collection("products", read_concern=MAJORITY)
        self._stock = database["stock"]
        self._movements = database["movements"]
        self._batches = database.get_collection("import_batches", read_concern=MAJORITY)

    def find(
        self, skus: Sequence[str], ids: Sequence[str], session: Session | None = None
    ) -> list[Product]:
        """Return the products with these skus or ids, as a majority or a transaction sees them."""
        spelled = [id for text in ids if (id := object_id(text))]
        # Each by its own index.
        queries = (
            ({"sku": {"$in": list(skus)}} if skus else None),
            ({"_id": {"$in": spelled}} if spelled else None),
        )
        found = [
            document
            for query in queries
            if query is not None
            for document in self._products.find(query, session=session).to_list()
        ]
        return [product_from(document) for document in found]

    def look(self, skus: Sequence[str], ids: Sequence[str]) -> list[Product]:
        """Return the same outside of a transaction; raise `StorageUnavailable`."""
        with reading():
            return self.find(skus, ids)

    def page(self, after: str | None, count: int) -> list[Product]:
        """Return up to `count` products by their ids, those after one of them."""
        query: Document = {} if after is None else {"_id": {"$gt": object_id(after)}}
        with reading():
            found = self._products.find(query).sort("_id").limit(count).to_list()
        return [product_from(document) for document in found]

    def count(self) -> int:
        """Return about how many products there are."""
        with reading():
            return self._products.estimated_document_count()

    def open(self, openings: Sequence[Opening], actor: str | None, session: Session) -> None:
        """Write new products inside a transaction; raise `Overtaken` if a sku is taken."""
        if not openings:
            return
        try:
            self._products.insert_many(
                [product_document(one.product) for one in openings], ordered=False, session=session
            )
        except BulkWriteError as error:
            _raise_if_overtaken(error)
            raise
        self._stock.insert_many(
            [
                opening(one.product.id, one.product.terms, one.available, one.product.created_at)
                for one in openings
            ],
            ordered=False,
            session=session,
        )
        self._movements.insert_many(
            [movement_document(one.movement(actor)) for one in openings],
            ordered=False,
            session=session,
        )

    def replace(self, edited: Sequence[tuple[Product, Terms]], session: Session) -> None:
        """Write edited products, each beside its old terms, in the transaction that read them."""
        if not edited:
            return
        self._products.bulk_write(
            [ReplaceOne({"_id": ObjectId(new.id)}, product_document(new)) for new, _ in edited],
            ordered=False,
            session=session,
        )
        # The counters of a product on sale are in demand: what a sale need not know leaves them be.
        told = [
            UpdateOne({"_id": ObjectId(new.id)}, follow_terms(new.terms, new.version))
            for new, old in edited
            if mirrored(old) != mirrored(new.terms)
        ]
        if told:
            self._stock.bulk_write(told, ordered=False, session=session)

    def keep(
        self,
        import_id: str,
        number: int,
        results: Sequence[RowResult],
        at: datetime,
        session: Session | None = None,
    ) -> None:
        """Keep what became of a batch; raise `Overtaken` if it is kept already."""
        document = {
            "_id": _batch_id(import_id, number),
            "created_at": at,
            "rows": [_result_document(result) for result in results],
        }
        try:
            if session is not None:
                self._batches.insert_one(document, session=session)
            else:
                with writing():
                    self._insert(document)
        except DuplicateKeyError as error:
            raise Overtaken from error

    def _insert(self, document: Document) -> None:
        try:
            self._batches.insert_one(document)
        except DuplicateKeyError as error:
            raise Overtaken from error

    def kept(self, import_id: str, number: int) -> list[RowResult] | None:
        """Return what became of a batch, None if nothing has yet that a majority knows of."""
        with reading():
            document = self._batches.find_one({"_id": _batch_id(import_id, number)})
        return None if document is None else [_result(row) for row in document["rows"]]

    def all_kept(self, import_id: str) -> Iterator[list[RowResult]]:
        """Yield what became of each batch, in their order."""
        number = 0
        while (results := self.kept(import_id, number)) is not None:
            yield results
            number += 1


def _raise_if_overtaken(error: BulkWriteError) -> None:
    failed = error.details.get("writeErrors", [])
    if failed and all(failure["code"] == _DUPLICATE_KEY for failure in failed):
        raise Overtaken from error


def _batch_id(import_id: str, number: int) -> Document:
    return {"import": import_id, "batch": number}


def _result_document(result: RowResult) -> Document:
    document: Document = {"row": result.number, "outcome": str(result.outcome)}
    for name in _PLAIN_FIELDS:
        if (value := getattr(result, name)) is not None:
            document[name] = value
    if result.errors:
        # As pairs: a field that a client made up may have any name.
        document["errors"] = [[name, list(told)] for name, told in result.errors.items()]
    return document


def _result(document: Mapping[str, Any]) -> RowResult:
    return RowResult(
        number=document["row"],
        outcome=Outcome(document["outcome"]),
        errors=dict(document.get("errors", ())),
        **{name: document.get(name) for name in _PLAIN_FIELDS},
    )
