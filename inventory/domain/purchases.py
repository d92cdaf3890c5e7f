"""What a shopper bought."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from inventory.domain.stock import Movement


@dataclass(frozen=True, slots=True)
class PurchaseLine:
    """Units of one product, and what was left right after they were taken."""

    product_id: str
    quantity: int
    unit_price: Decimal
    remaining_stock: int
    stock_version: int

    @property
    def total(self) -> Decimal:
        """What the units cost together."""
        return self.unit_price * self.quantity

    @property
    def backordered(self) -> int:
        """Units of this line that were sold before they were there."""
        return max(0, min(self.quantity, -self.remaining_stock))


@dataclass(frozen=True, slots=True)
class Purchase:
    """A sale that happened; its id is that of the operation that made it."""

    id: str
    lines: tuple[PurchaseLine, ...]
    currency: str
    customer_id: str | None
    reference: str | None
    created_at: datetime

    @classmethod
    def of(cls, movement: Movement) -> "Purchase":
        """Read the purchase of one product off its movement, which knows all about it."""
        entry = movement.entry
        assert entry.price is not None
        assert entry.currency is not None
        line = PurchaseLine(
            product_id=movement.product_id,
            quantity=-entry.delta,
            unit_price=entry.price,
            remaining_stock=movement.balance,
            stock_version=movement.version,
        )
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
