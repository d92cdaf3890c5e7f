"""Stocktakes: what was counted, and what the books had to be told."""

from collections.abc import Mapping, Sequence
from typing import Any

from bson import Int64, ObjectId
from pymongo.database import Database

from inventory.domain.counts import CountedLine, Stocktake
from inventory.repository.mongo import Document, Session

_NUMBERS = ("expected", "counted", "stock", "held", "stock_version")


class StocktakeRepository:
    """Stocktakes by id; written in the transaction that posts their differences."""

    def __init__(self, database: Database[Document]) -> None:
        self._stocktakes = database["stocktakes"]

    def add(self, stocktakes: Sequence[Stocktake], session: Session) -> None:
        """Write new stocktakes inside a transaction."""
        if stocktakes:
            documents = [stocktake_document(one) for one in stocktakes]
            self._stocktakes.insert_many(documents, ordered=False, session=session)


def stocktake_document(stocktake: Stocktake) -> Document:
    """Return a stocktake as it is stored."""
    return {
        "_id": ObjectId(stocktake.id),
        "lines": [
            {"product_id": ObjectId(line.product_id)}
            | {name: Int64(getattr(line, name)) for name in _NUMBERS}
            for line in stocktake.lines
        ],
        "reference": stocktake.reference,
        "counted_at": stocktake.counted_at,
        "created_at": stocktake.created_at,
    }


def stocktake_from(document: Mapping[str, Any]) -> Stocktake:
    """Return the stocktake that a document holds."""
    return Stocktake(
        id=str(document["_id"]),
        lines=tuple(
            CountedLine(str(line["product_id"]), **{name: int(line[name]) for name in _NUMBERS})
            for line in document["lines"]
        ),
        reference=document["reference"],
        counted_at=document["counted_at"],
        created_at=document["created_at"],
    )
