"""The ledger's own words: what moved, why, and what the counters were right after it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class Kind(StrEnum):
    """Why a movement happened, as far as the service itself is concerned."""

    OPENING = "opening"
    PURCHASE = "purchase"
    ADJUSTMENT = "adjustment"
    # Units set aside for a checkout, and what becomes of them: sold, given back, or expired.
    HOLD = "hold"
    COMMIT = "commit"
    RELEASE = "release"
    EXPIRY = "expiry"
    RETURN = "return"
    STOCKTAKE = "stocktake"


class Reason(StrEnum):
    """Why people adjust stock; each has a direction, `correction` has both."""

    RECEIVED = "received"
    RETURNED = "returned"
    FOUND = "found"
    DAMAGED = "damaged"
    LOST = "lost"
    THEFT = "theft"
    EXPIRED = "expired"
    SAMPLE = "sample"
    INTERNAL_USE = "internal_use"
    VENDOR_RETURN = "vendor_return"
    CORRECTION = "correction"

    def allows(self, delta: int) -> bool:
        """Tell whether a change by `delta` can have this reason."""
        if self is Reason.CORRECTION:
            return delta != 0
        rises = self in (Reason.RECEIVED, Reason.RETURNED, Reason.FOUND)
        return delta > 0 if rises else delta < 0


@dataclass(frozen=True, slots=True)
class Entry:
    """What an operation writes: its own facts, before it has a place in the ledger."""

    operation_id: str
    kind: Kind
    delta: int
    at: datetime
    held_delta: int = 0
    reason: str | None = None
    reference: str | None = None
    note: str | None = None
    customer_id: str | None = None
    actor: str | None = None
    # The document that an entry belongs to, if it is written together with others; the entry of a
    # sale of one product by itself has none, because its purchase bears its own id.
    purchase_id: str | None = None
    reservation_id: str | None = None
    # Set when the product's price changes while the entry waits for the ledger; else the price is
    # that of the counters it was applied to.
    price: Decimal | None = None
    currency: str | None = None

    @property
    def is_purchase(self) -> bool:
        """Tell whether it is a purchase by itself, and no part of one that was written with it."""
        return self.kind is Kind.PURCHASE and self.purchase_id is None

    @property
    def units_sold(self) -> int:
        """How many units somebody bought by it, be they taken from sale or from a hold."""
        if self.kind is Kind.PURCHASE:
            return -self.delta
        return -self.held_delta if self.kind is Kind.COMMIT else 0


@dataclass(frozen=True, slots=True)
class Movement:
    """One immutable row of the ledger: an entry, and what the counters were right after it."""

    product_id: str
    version: int
    balance: int
    held_balance: int
    entry: Entry
