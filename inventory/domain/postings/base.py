"""What all postings have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from inventory.domain.books import Books
from inventory.domain.counts import Stocktake
from inventory.domain.lines import Line
from inventory.domain.movements import Kind, Movement
from inventory.domain.purchases import Purchase, Return
from inventory.domain.reservations import Reservation
from inventory.domain.stock import Operation

Result = Purchase | Reservation | Return | Stocktake | Movement


@dataclass(frozen=True, slots=True)
class Needs:
    """What a posting has to find in the books.

    The counters of products, one reservation with the purchase that it may have become, one
    purchase, what a customer has bought and holds of the products, and the stock at a time.
    """

    product_ids: tuple[str, ...] = ()
    reservation_id: str | None = None
    purchase_id: str | None = None
    customer_id: str | None = None
    counted_at: datetime | None = None


class Posting(Protocol):
    """One change, as somebody asked for it."""

    def needs(self) -> Needs:
        """Return what `decide` will look for."""

    def decide(self, books: Books) -> Result:
        """Write what follows into `books`; raise an `InventoryError` that says why not."""


def products_of(lines: Sequence[Line]) -> tuple[str, ...]:
    """Return whose lines these are."""
    return tuple(line.product_id for line in lines)


def products_in(result: Result) -> tuple[str, ...]:
    """Return the products that a result speaks of."""
    if isinstance(result, Movement):
        return (result.product_id,)
    return tuple(line.product_id for line in result.lines)


@dataclass(frozen=True, slots=True)
class Single:
    """A change of one product's stock that more than its counters has a say in."""

    operation: Operation

    def needs(self) -> Needs:
        """The product, and the customer if it is a sale."""
        entry = self.operation.entry
        customer_id = entry.customer_id if entry.kind is Kind.PURCHASE else None
        return Needs((self.operation.product_id,), customer_id=customer_id)

    def decide(self, books: Books) -> Movement:
        """Raise what the counters say, or `CustomerRequired` or `PurchaseLimitExceeded`."""
        return books.carry_out(self.operation)
