"""Counts of the shelf: what lay there, and what should have."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class CountedLine:
    """What was counted of one product, and the difference that went into the ledger.

    `expected` is what should have lain on the shelf at the time: available and held together, and
    nothing where more was sold than there was.
    """

    product_id: str
    expected: int
    counted: int
    stock: int
    held: int
    stock_version: int

    @property
    def difference(self) -> int:
        """Units found; negative: units missing."""
        return self.counted - self.expected


@dataclass(frozen=True, slots=True)
class Stocktake:
    """Counts of some products at one time; its id is that of the operation that posted it."""

    id: str
    lines: tuple[CountedLine, ...]
    reference: str | None
    counted_at: datetime
    created_at: datetime
