"""Stocktakes: the books are made to agree with the shelf."""

from dataclasses import dataclass
from datetime import datetime

from inventory.domain.books import Books
from inventory.domain.counts import CountedLine, Stocktake
from inventory.domain.lines import Line
from inventory.domain.movements import Entry, Kind
from inventory.domain.postings.base import Needs, products_of
from inventory.errors import CountBelowHeld, ProductNotFound


@dataclass(frozen=True, slots=True)
class Count:
    """Make the books agree with what lay on the shelf at a time; sales since then stay sales."""

    lines: tuple[Line, ...]
    counted_at: datetime | None = None
    reference: str | None = None

    def needs(self) -> Needs:
        """The products, and what their stock was at that time."""
        return Needs(products_of(self.lines), counted_at=self.counted_at)

    def decide(self, books: Books) -> Stocktake:
        """Raise `ProductNotFound`, `CountBelowHeld` or `StockLimitExceeded`."""
        books.on_sale(self.lines)
        stocktake = Stocktake(
            id=books.id,
            lines=tuple(self._count(line, books) for line in self.lines),
            reference=self.reference,
            counted_at=self.counted_at or books.now,
            created_at=books.now,
        )
        books.stocktakes.append(stocktake)
        return stocktake

    def _count(self, line: Line, books: Books) -> CountedLine:
        product_id, counted = line.product_id, line.quantity
        counters = books.counters[product_id]
        shelf = counters.available + counters.held
        if self.counted_at is not None:
            then = books.then.get((product_id, self.counted_at))
            if then is None:
                # It did not exist yet, so nothing of it can have been counted.
                raise ProductNotFound(product_id)
            shelf = then.balance + then.held_balance
        expected = max(0, shelf)
        difference = counted - expected
        if counters.headroom + difference < min(0, counters.headroom):
            raise CountBelowHeld(
                product_id, counted, counters.available, counters.held, missing=-difference
            )
        books.require_room(product_id, difference)
        if difference:
            entry = Entry(
                books.new_id(), Kind.STOCKTAKE, difference, books.now, reference=self.reference
            )
            books.write(product_id, entry)
        after = books.counters[product_id]
        return CountedLine(
            product_id, expected, counted, after.available, after.held, after.version
        )
