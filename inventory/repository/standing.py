"""How the database stands at this moment: what waits in tails, what is held. For operators.

Cheap whatever it holds: partial indexes find the few that count, and of more than a bound nobody
needs to know how many more.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo.database import Database

from inventory import limits
from inventory.domain.reservations import State
from inventory.errors import StorageUnavailable
from inventory.repository.mongo import DatabaseClock, Document, reading, time_limit
from inventory.repository.updates import LOW

_IS_LOW = {"$and": [{"$gt": ["$available", 0]}, {"$lte": ["$available", "$low_stock_threshold"]}]}
_SUMS: Document = {
    "products": {"$sum": 1},
    "low": {"$sum": {"$cond": [_IS_LOW, 1, 0]}},
    "empty": {"$sum": {"$cond": [{"$lte": ["$available", 0]}, 1, 0]}},
    "units_available": {"$sum": {"$max": ["$available", 0]}},
    "units_held": {"$sum": "$held"},
}
_SHELVES: list[Document] = [{"$match": {"closed": False}}, {"$group": {"_id": None} | _SUMS}]


@dataclass(frozen=True, slots=True)
class Tails:
    """The tails that hold entries, `limits.SCRAPE_TAILS_MAX` of the oldest at most."""

    count: int
    entries: int
    longest: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class Holds:
    """Open holds, and those that have run out but were not taken back."""

    open: int
    overdue: int


@dataclass(frozen=True, slots=True)
class Shelves:
    """What the counters of all products on sale come to; None where that takes too long.

    `empty` are products of which there is nothing, be it that they can be ordered all the same.
    """

    products: int
    low: int | None
    empty: int | None
    units_available: int | None
    units_held: int | None
    as_of: datetime


class StandingRepository:
    """Numbers about everything; each takes a few milliseconds."""

    def __init__(self, database: Database[Document], clock: DatabaseClock) -> None:
        self._stock = database["stock"]
        self._reservations = database["reservations"]
        self._products = database["products"]
        self._clock = clock

    def tails(self) -> Tails:
        """Return what waits in tails."""
        length = {"$size": "$tail"}
        stages: list[Document] = [
            {"$match": {"tail_since": {"$exists": True}}},
            {"$sort": {"tail_since": 1, "_id": 1}},
            {"$limit": limits.SCRAPE_TAILS_MAX},
            {
                "$group": {
                    "_id": None,
                    "count": {"$sum": 1},
                    "entries": {"$sum": length},
                    "longest": {"$max": length},
                    "since": {"$min": "$tail_since"},
                }
            },
        ]
        with reading():
            found = self._stock.aggregate(stages, hint="untrimmed").to_list()
        if not found:
            return Tails(0, 0, 0, 0.0)
        (all_,) = found
        age = (self._clock.now() - all_["since"]).total_seconds()
        return Tails(all_["count"], all_["entries"], all_["longest"], max(0.0, age))

    def holds(self) -> Holds:
        """Return how many holds there are."""
        now = self._clock.now()
        return Holds(self._count("$gt", now), self._count("$lte", now))

    def shelves(self) -> Shelves:
        """Return what all counters come to, after one look at each.

        If that takes longer than `limits.OVERVIEW_SCAN_SECONDS`, what can be told without it.
        """
        now = self._clock.now()
        try:
            with time_limit(limits.OVERVIEW_SCAN_SECONDS), reading():
                found = self._stock.aggregate(_SHELVES).to_list()
        except StorageUnavailable:
            with reading():
                products = self._products.estimated_document_count()
                low = self._stock.count_documents(LOW, hint="low")
            return Shelves(products, low, None, None, None, now)
        sums = found[0] if found else dict.fromkeys(_SUMS, 0)
        return Shelves(**{name: int(sums[name]) for name in _SUMS}, as_of=now)

    def _count(self, comparison: str, now: datetime) -> int:
        query: dict[str, Any] = {"state": str(State.HELD), "expires_at": {comparison: now}}
        with reading():
            return self._reservations.count_documents(
                query, limit=limits.SCRAPE_RESERVATIONS_MAX, hint="due"
            )
