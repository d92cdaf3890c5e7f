"""Rehearsals of a flash sale: how each goes and what it came to, one of them at a time.

That only one is under way is an index's doing: whoever runs has the turn, of which there is one. It
is had for as long as whoever has it says so in time, by the database's clock; then it is over for
good, and anybody may put an end to it.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo import DESCENDING
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from inventory.domain.rehearsals import (
    Check,
    Figures,
    Plan,
    Rehearsal,
    RehearsalState,
    Verdict,
)
from inventory.errors import RehearsalNotFound
from inventory.repository.mongo import DURABLE, MAJORITY, Document, object_id, reading, writing

_TURN = 1
_HELD: Document = {"turn": _TURN, "$expr": {"$gt": ["$held_until", "$$NOW"]}}
_LOST: Document = {"turn": _TURN, "$expr": {"$lte": ["$held_until", "$$NOW"]}}


class RehearsalRepository:
    """Rehearsals by their id. What was answered no failover can take."""

    def __init__(self, database: Database[Document]) -> None:
        self._rehearsals = database.get_collection(
            "rehearsals", read_concern=MAJORITY, write_concern=DURABLE
        )

    def begin(self, rehearsal: Rehearsal) -> bool:
        """Keep a new rehearsal, which runs from now on; False while another one has the turn."""
        try:
            with writing():
                self._rehearsals.insert_one(_document(rehearsal))
        except DuplicateKeyError:
            return False
        return True

    def get(self, rehearsal_id: str) -> Rehearsal:
        """Return a rehearsal; raise `RehearsalNotFound`."""
        with reading():
            document = self._rehearsals.find_one({"_id": object_id(rehearsal_id)})
        if document is None:
            raise RehearsalNotFound(rehearsal_id)
        return _rehearsal(document)

    def list_newest(self, before: str | None, count: int) -> list[Rehearsal]:
        """Return rehearsals, the newest first, from the one after `before`."""
        query: Document = {} if before is None else {"_id": {"$lt": ObjectId(before)}}
        with reading():
            found = self._rehearsals.find(query).sort("_id", DESCENDING).limit(count)
            return [_rehearsal(document) for document in found]

    def running(self) -> Rehearsal | None:
        """Return the rehearsal that has the turn, be it that nobody is there for it any more."""
        return self._find({"turn": _TURN})

    def lost(self) -> Rehearsal | None:
        """Return the rehearsal that has the turn and whose worker has not told of it in time."""
        return self._find(_LOST)

    def _find(self, query: Document) -> Rehearsal | None:
        with reading():
            document = self._rehearsals.find_one(query)
        return None if document is None else _rehearsal(document)

    def tell(self, rehearsal_id: str, figures: Figures, seconds: float) -> bool:
        """Tell how it goes, and keep the turn for `seconds` more; False if it was lost."""
        told = {
            "figures": {"$literal": asdict(figures)},
            "held_until": {"$add": ["$$NOW", int(seconds * 1000)]},
        }
        return self._change(rehearsal_id, _HELD, [{"$set": told}])

    def finish(
        self,
        rehearsal_id: str,
        state: RehearsalState,
        figures: Figures,
        verdict: Verdict | None,
        now: datetime,
    ) -> bool:
        """Write down what it came to, and give the turn to others; False if it was lost."""
        ended = {
            "state": str(state),
            "figures": asdict(figures),
            "verdict": verdict and asdict(verdict),
            "ended_at": now,
        }
        return self._change(rehearsal_id, _HELD, {"$set": ended, "$unset": {"turn": True}})

    def abandon(self, rehearsal_id: str) -> bool:
        """Take the turn from a rehearsal that has lost it; False if it has not."""
        ended = {"state": str(RehearsalState.ABANDONED), "ended_at": "$held_until"}
        return self._change(rehearsal_id, _LOST, [{"$set": ended}, {"$unset": "turn"}])

    def _change(self, rehearsal_id: str, condition: Document, update: Any) -> bool:
        with writing():
            done = self._rehearsals.update_one({"_id": ObjectId(rehearsal_id), **condition}, update)
        return done.matched_count > 0

    def forget(self, rehearsal_id: str) -> None:
        """Forget a rehearsal that could not begin."""
        with writing():
            self._rehearsals.delete_one({"_id": ObjectId(rehearsal_id)})


def _document(rehearsal: Rehearsal) -> Document:
    return {
        "_id": ObjectId(rehearsal.id),
        "turn": _TURN,
        "product_id": ObjectId(rehearsal.product_id),
        "plan": asdict(rehearsal.plan),
        "state": str(rehearsal.state),
        "started_at": rehearsal.started_at,
        "held_until": rehearsal.held_until,
        "ended_at": None,
        "figures": asdict(rehearsal.figures),
        "verdict": None,
    }


def _rehearsal(document: Mapping[str, Any]) -> Rehearsal:
    return Rehearsal(
        id=str(document["_id"]),
        product_id=str(document["product_id"]),
        plan=Plan(**document["plan"]),
        state=RehearsalState(document["state"]),
        started_at=document["started_at"],
        held_until=document["held_until"],
        ended_at=document["ended_at"],
        figures=Figures(**document["figures"]),
        verdict=_verdict(document["verdict"]),
    )


def _verdict(document: Mapping[str, Any] | None) -> Verdict | None:
    if document is None:
        return None
    checks = tuple(Check(**check) for check in document["checks"])
    return Verdict(document["sold"], document["left"], document["stocked"], checks)
