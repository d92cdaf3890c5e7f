"""What a shopper bought."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from inventory.domain.lines import Line
from inventory.domain.movements import Movement


@dataclass(frozen=True, slots=True)
class PurchaseLine:
    """Units of one product, and what was left right after they were taken.

    `backordered` of them were sold before they were there, `returned` have come back since.
    """

    product_id: str
    quantity: int
    unit_price: Decimal
    remaining_stock: int
    stock_version: int
    backordered: int = 0
    returned: int = 0

    @classmethod
    def of(cls, movement: Movement, quantity: int, backordered: int) -> "PurchaseLine":
        """Return the line that a movement of a sale tells of."""
        assert movement.entry.price is not None
        return cls(
            product_id=movement.product_id,
            quantity=quantity,
            unit_price=movement.entry.price,
            remaining_stock=movement.balance,
            stock_version=movement.version,
            backordered=backordered,
        )

    @property
    def total(self) -> Decimal:
        """What the units cost together."""
        return self.unit_price * self.quantity

    @property
    def returnable(self) -> int:
        """How many of the units have not come back yet."""
        return self.quantity - self.returned


@dataclass(frozen=True, slots=True)
class Purchase:
    """A sale that happened; its id is that of the operation that made it.

    `reservation_id` is of the hold that it was before; it was `reacquired` if that had expired.
    """

    id: str
    lines: tuple[PurchaseLine, ...]
    currency: str
    customer_id: str | None
    reference: str | None
    created_at: datetime
    reservation_id: str | None = None
    reacquired: bool = False

    @classmethod
    def of(cls, movement: Movement) -> "Purchase":
        """Read the purchase of one product off its movement, which knows all about it."""
        entry = movement.entry
        assert entry.currency is not None
        quantity = -entry.delta
        line = PurchaseLine.of(movement, quantity, backordered(quantity, movement.balance))
        return cls(
            id=entry.operation_id,
            lines=(line,),
            currency=entry.currency,
            customer_id=entry.customer_id,
            reference=entry.reference,
            created_at=entry.at,
        )

    @property
    def total(self) -> Decimal:
        """What all lines cost together."""
        return sum((line.total for line in self.lines), Decimal(0))


def backordered(quantity: int, balance: int) -> int:
    """Return how many of the units that were just taken were not there."""
    return max(0, min(quantity, -balance))


@dataclass(frozen=True, slots=True)
class Return:
    """Units of a purchase that came back; `restocked` says whether they are on sale again.

    `remaining` counts, line by line, the units that may still come back.
    """

    id: str
    purchase_id: str
    lines: tuple[Line, ...]
    remaining: tuple[int, ...]
    reason: str
    restocked: bool
    created_at: datetime
