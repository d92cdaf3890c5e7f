"""Definite answers: each changed nothing, and the same request would be told the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from inventory_client.errors.base import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """One product of which fewer units can be had than were asked for.

    `next_release_at` is when the next of the held units may come free.
    """

    product_id: str
    requested: int
    available: int
    held: int
    next_release_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """One product of which more was named than there is."""

    product_id: str
    requested: int
    remaining: int


class InvalidRequest(Problem):
    """The request itself is at fault; it would fail again as it is."""


class ValidationFailed(InvalidRequest):
    """Fields are missing, unknown or out of bounds; `errors` says what is wrong, by field."""

    code = "validation_failed"

    errors: Mapping[str, tuple[str, ...]]


class IdempotencyKeyReused(InvalidRequest):
    """The key was used before, for something else."""

    code = "idempotency_key_reused"


class NotFound(Problem):
    """What was asked for does not exist, or no longer."""

    code = "not_found"


class ProductNotFound(NotFound):
    """No product has this id, or none of them this sku; `product_ids` are all that are missing."""

    code = "product_not_found"

    product_id: str
    product_ids: tuple[str, ...]


class PurchaseNotFound(NotFound):
    """No purchase has this id."""

    code = "purchase_not_found"

    purchase_id: str


class ReservationNotFound(NotFound):
    """No reservation has this id."""

    code = "reservation_not_found"

    reservation_id: str


class ApiKeyNotFound(NotFound):
    """No API key has this id."""

    code = "api_key_not_found"

    key_id: str


class EventsForgotten(Problem):
    """The events that come next are not kept any more; those after `kept_after` are."""

    code = "events_forgotten"

    after: int
    kept_after: int


class WebhookNotFound(NotFound):
    """No webhook has this id."""

    code = "webhook_not_found"

    webhook_id: str


class DeliveryNotFound(NotFound):
    """The webhook has no delivery with this id, or it is kept no longer."""

    code = "delivery_not_found"

    delivery_id: str


class RehearsalNotFound(NotFound):
    """No rehearsal has this id, or it is kept no longer."""

    code = "rehearsal_not_found"

    rehearsal_id: str


class Refused(Problem):
    """A definite no that changed nothing, for a reason of the shop."""


class InsufficientStock(Refused):
    """Fewer units can be had than were asked for.

    `lines` has every product that is short; the other attributes are those of the only one, or
    None if there are several.
    """

    code = "insufficient_stock"

    product_id: str | None
    requested: int | None
    available: int | None
    held: int | None
    next_release_at: datetime | None
    lines: tuple[Shortage, ...]


class StaleStock(Refused):
    """The stock is not what the caller expected."""

    code = "stale_stock"

    product_id: str
    expected: int
    available: int


class PurchaseLimitExceeded(Refused):
    """More than one order may have (`window_seconds` is None), or one customer in a window."""

    code = "purchase_limit_exceeded"

    product_id: str
    requested: int
    limit: int
    already: int | None
    window_seconds: int | None


class CustomerRequired(Refused):
    """The product is limited per customer, and no `customer_id` was said."""

    code = "customer_id_required"

    product_id: str


class MixedCurrencies(Refused):
    """The lines have prices in different currencies, so there is no total."""

    code = "mixed_currencies"

    currencies: tuple[str, ...]


class StockLimitExceeded(Refused):
    """The change would raise the stock above what the service counts."""

    code = "stock_limit_exceeded"

    product_id: str
    delta: int
    available: int
    limit: int


class CountBelowHeld(Refused):
    """Fewer units were counted than are promised to shoppers."""

    code = "count_below_held"

    product_id: str
    counted: int
    available: int
    held: int


class ReservationExpired(Refused):
    """The hold has run out; `lines` are the products whose units were sold meanwhile."""

    code = "reservation_expired"

    reservation_id: str
    lines: tuple[Shortage, ...]


class ReservationReleased(Refused):
    """The hold was given back."""

    code = "reservation_released"

    reservation_id: str


class ReservationCommitted(Refused):
    """The hold has become a purchase."""

    code = "reservation_committed"

    reservation_id: str
    purchase_id: str


class CommitExceedsHeld(Refused):
    """More units were to be bought than the reservation holds."""

    code = "commit_exceeds_held"

    lines: tuple[Excess, ...]


class ReturnExceedsPurchased(Refused):
    """More units were to be given back than were bought and not given back yet."""

    code = "return_exceeds_purchased"

    lines: tuple[Excess, ...]


class DuplicateSku(Refused):
    """Another product already has this sku."""

    code = "duplicate_sku"

    sku: str


class WebhookLimitReached(Refused):
    """There are as many webhooks as there may be."""

    code = "webhook_limit_reached"

    limit: int


class RehearsalRunning(Refused):
    """A rehearsal is under way, and there is one at a time."""

    code = "rehearsal_running"

    rehearsal_id: str


class StaleVersion(Refused):
    """The product was edited since it was read: read it again, then decide anew."""

    code = "stale_version"

    current_version: int
