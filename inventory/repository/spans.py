"""Stretches of ids, by which a whole store is walked through without leaving anything out."""

from collections.abc import Iterator
from dataclasses import dataclass

from bson import ObjectId

from inventory.repository.mongo import Document

_LAST = 2**96 - 1


@dataclass(frozen=True, slots=True)
class Span:
    """Ids that are at least `low` and less than `high`; None: there is no bound.

    Nothing falls between two spans that follow each other, whatever ids there are.
    """

    low: str | None = None
    high: str | None = None

    @classmethod
    def only(cls, product_id: str) -> "Span":
        """Return the span of one product."""
        following = int(product_id, 16) + 1
        return cls(product_id, f"{following:024x}" if following <= _LAST else None)

    def query(self) -> Document:
        """Return the condition on an id."""
        return {"$type": "objectId"} | dict(self.bounds())

    def bounds(self) -> Iterator[tuple[str, ObjectId]]:
        """Yield the operators that an id is compared by, and what it is compared with."""
        if self.low is not None:
            yield "$gte", ObjectId(self.low)
        if self.high is not None:
            yield "$lt", ObjectId(self.high)

    def __contains__(self, id: str) -> bool:
        return (self.low is None or id >= self.low) and (self.high is None or id < self.high)
