"""Definite refusals: each changed nothing, and is kept for retries with the same key."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from inventory.errors.base import (
    DuplicateSku,
    InventoryError,
    ProductNotFound,
    PurchaseNotFound,
    ReservationNotFound,
)


class Refused(InventoryError):
    """A definite no that changed nothing."""


@dataclass(frozen=True, slots=True)
class Shortage:
    """One product of which fewer units can be had than were asked for.

    `next_release_at` is when the next unit that is held may come free, in RFC 3339.
    """

    product_id: str
    requested: int
    available: int
    held: int
    next_release_at: str | None = None


class InsufficientStock(Refused):
    """Fewer units can be had than were asked for; `lines` names every product that is short."""

    code = "insufficient_stock"
    title = "Insufficient stock"

    def __init__(self, *shortages: Shortage) -> None:
        first, *others = shortages
        message = f"{first.requested} requested, {max(first.available, 0)} available."
        if others:
            message = f"{len(shortages)} of the products are short."
        facts = asdict(first)
        if others:
            facts = dict.fromkeys(facts)
        super().__init__(message, **facts, lines=[asdict(shortage) for shortage in shortages])
        self.shortages = shortages


class StaleStock(Refused):
    """The stock is not what the caller based the change on."""

    code = "stale_stock"
    title = "Stock has changed"

    def __init__(self, product_id: str, expected: int, available: int) -> None:
        super().__init__(
            f"Expected a stock of {expected}, found {available}.",
            product_id=product_id,
            expected=expected,
            available=available,
        )


class PurchaseLimitExceeded(Refused):
    """More was asked for than one order, or one customer within a window of time, may have."""

    code = "purchase_limit_exceeded"
    title = "Purchase limit exceeded"

    def __init__(
        self,
        product_id: str,
        requested: int,
        limit: int,
        *,
        already: int | None = None,
        window_seconds: int | None = None,
    ) -> None:
        said = f"{requested} requested, at most {limit} an order."
        if already is not None:
            said = f"{requested} requested, {already} bought or held, at most {limit} a customer."
        super().__init__(
            said,
            product_id=product_id,
            requested=requested,
            limit=limit,
            already=already,
            window_seconds=window_seconds,
        )


class CustomerRequired(Refused):
    """The product is limited to so many units a customer, so the customer must be named."""

    code = "customer_id_required"
    title = "Customer id required"

    def __init__(self, product_id: str) -> None:
        super().__init__(
            "This product is limited per customer: send a customer_id.", product_id=product_id
        )


class MixedCurrencies(Refused):
    """The lines of one purchase have prices in different currencies, so there is no total."""

    code = "mixed_currencies"
    title = "Mixed currencies"

    def __init__(self, currencies: Sequence[str]) -> None:
        super().__init__(
            "All lines of a purchase must have one currency.", currencies=list(currencies)
        )


class StockLimitExceeded(Refused):
    """The change would raise the stock above what the service counts."""

    code = "stock_limit_exceeded"
    title = "Stock limit exceeded"

    def __init__(self, product_id: str, delta: int, available: int, limit: int) -> None:
        super().__init__(
            f"{available} and {delta} more would exceed the limit of {limit}.",
            product_id=product_id,
            delta=delta,
            available=available,
            limit=limit,
        )


class ReservationExpired(Refused):
    """The hold has run out, and its units cannot be had again."""

    code = "reservation_expired"
    title = "Reservation expired"

    def __init__(self, reservation_id: str, shortages: Sequence[Shortage] = ()) -> None:
        super().__init__(
            "The reservation has expired"
            + (", and its units were sold meanwhile." if shortages else "."),
            reservation_id=reservation_id,
            lines=[asdict(shortage) for shortage in shortages],
        )
        self.shortages = tuple(shortages)


class ReservationReleased(Refused):
    """The hold was given back; its units are on sale again."""

    code = "reservation_released"
    title = "Reservation released"

    def __init__(self, reservation_id: str) -> None:
        super().__init__("The reservation was released.", reservation_id=reservation_id)


class ReservationCommitted(Refused):
    """The hold has become a purchase."""

    code = "reservation_committed"
    title = "Reservation committed"

    def __init__(self, reservation_id: str, purchase_id: str) -> None:
        super().__init__(
            "The reservation was committed.", reservation_id=reservation_id, purchase_id=purchase_id
        )


@dataclass(frozen=True, slots=True)
class Excess:
    """One product of which more was named than there is; `remaining` is what there is."""

    product_id: str
    requested: int
    remaining: int


class CommitExceedsHeld(Refused):
    """More units were to be bought than the reservation holds."""

    code = "commit_exceeds_held"
    title = "Commit exceeds what is held"

    def __init__(self, excesses: Sequence[Excess]) -> None:
        super().__init__(
            "The reservation holds fewer units.", lines=[asdict(excess) for excess in excesses]
        )


class ReturnExceedsPurchased(Refused):
    """More units were to be given back than were bought and not given back yet."""

    code = "return_exceeds_purchased"
    title = "Return exceeds what was purchased"

    def __init__(self, excesses: Sequence[Excess]) -> None:
        super().__init__(
            "Fewer units of the purchase are left to be returned.",
            lines=[asdict(excess) for excess in excesses],
        )


class CountBelowHeld(Refused):
    """Fewer units were counted than are promised to shoppers."""

    code = "count_below_held"
    title = "Count below what is held"

    def __init__(
        self, product_id: str, counted: int, available: int, held: int, missing: int
    ) -> None:
        super().__init__(
            f"{counted} counted, {held} held: release or commit reservations first.",
            product_id=product_id,
            counted=counted,
            available=available,
            held=held,
        )
        self.shortages = (Shortage(product_id, missing, available, held),)


def restore(kept: Mapping[str, Any]) -> InventoryError:
    """Return the error that was kept as `{code, message, details}`."""
    kind = _KEPT[kept["code"]]
    error = kind.__new__(kind)
    InventoryError.__init__(error, kept["message"], **kept["details"])
    return error


def _keepable() -> Iterator[type[InventoryError]]:
    yield from (ProductNotFound, PurchaseNotFound, ReservationNotFound, DuplicateSku)
    yield from Refused.__subclasses__()


_KEPT: dict[str, type[InventoryError]] = {kind.code: kind for kind in _keepable()}
