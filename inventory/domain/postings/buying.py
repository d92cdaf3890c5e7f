"""Carts, bought whole or not at all, and units of a purchase that come back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from inventory.domain.books import Books
from inventory.domain.lines import Line
from inventory.domain.movements import Entry, Kind
from inventory.domain.postings.base import Needs, products_of
from inventory.domain.purchases import Purchase, PurchaseLine, Return, backordered
from inventory.errors import Excess, PurchaseNotFound, ReturnExceedsPurchased


@dataclass(frozen=True, slots=True)
class BuyCart:
    """Buy all lines or none; there is one line for each product."""

    lines: tuple[Line, ...]
    customer_id: str | None = None
    reference: str | None = None

    def needs(self) -> Needs:
        """The products, and the customer."""
        return Needs(products_of(self.lines), customer_id=self.customer_id)

    def decide(self, books: Books) -> Purchase:
        """Raise what `Books.require` raises."""
        books.require(self.lines, self.customer_id)
        purchase = sell(books, self.lines, self.customer_id, self.reference)
        books.purchases[purchase.id] = purchase
        return purchase


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Record that units of a purchase have come back, and put them on sale again if they can be.

    A product that has left the catalogue takes its units back as well: its history goes on.
    """

    purchase_id: str
    lines: tuple[Line, ...]
    reason: str
    restock: bool = True

    def needs(self) -> Needs:
        """The purchase and the products."""
        return Needs(products_of(self.lines), purchase_id=self.purchase_id)

    def decide(self, books: Books) -> Return:
        """Raise `PurchaseNotFound`, `ReturnExceedsPurchased` or `StockLimitExceeded`."""
        purchase = books.purchases.get(self.purchase_id)
        if purchase is None:
            raise PurchaseNotFound(self.purchase_id)
        returnable = {line.product_id: line.returnable for line in purchase.lines}
        excesses = [
            Excess(line.product_id, line.quantity, returnable.get(line.product_id, 0))
            for line in self.lines
            if line.quantity > returnable.get(line.product_id, 0)
        ]
        if excesses:
            raise ReturnExceedsPurchased(excesses)
        coming = {line.product_id: line.quantity for line in self.lines}
        if self.restock:
            for line in self.lines:
                self._restock(line, purchase, books)
        changed = tuple(
            replace(line, returned=line.returned + coming.get(line.product_id, 0))
            for line in purchase.lines
        )
        books.purchases[purchase.id] = replace(purchase, lines=changed)
        remaining = tuple(returnable[line.product_id] - line.quantity for line in self.lines)
        returned = Return(
            books.id, purchase.id, self.lines, remaining, self.reason, self.restock, books.now
        )
        books.returns.append(returned)
        return returned

    def _restock(self, line: Line, purchase: Purchase, books: Books) -> None:
        books.require_room(line.product_id, line.quantity)
        entry = Entry(
            books.new_id(),
            Kind.RETURN,
            line.quantity,
            books.now,
            reason=self.reason,
            reference=purchase.reference,
            customer_id=purchase.customer_id,
            purchase_id=purchase.id,
        )
        books.write(line.product_id, entry)


def sell(
    books: Books,
    lines: Sequence[Line],
    customer_id: str | None,
    reference: str | None,
    reservation_id: str | None = None,
) -> Purchase:
    """Take units that are on sale; the caller has made sure that they can be had."""
    sold = []
    for line in lines:
        entry = Entry(
            books.new_id(),
            Kind.PURCHASE,
            -line.quantity,
            books.now,
            reference=reference,
            customer_id=customer_id,
            purchase_id=books.id,
            reservation_id=reservation_id,
        )
        movement = books.write(line.product_id, entry)
        short = backordered(line.quantity, movement.balance)
        sold.append(PurchaseLine.of(movement, line.quantity, short))
    currency = books.currency_of(lines)
    return Purchase(books.id, tuple(sold), currency, customer_id, reference, books.now)
