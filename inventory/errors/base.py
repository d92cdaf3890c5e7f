"""The root of the tree, and what is wrong with a request before stock is asked."""

from collections.abc import Mapping
from typing import Any, ClassVar


class InventoryError(Exception):
    """Base of every error that the service raises on purpose."""

    code: ClassVar[str] = "inventory_error"
    title: ClassVar[str] = "Inventory error"

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class NotFound(InventoryError):
    """What was asked for does not exist, or no longer."""


class ProductNotFound(NotFound):
    """No product has this id, or none of them this sku."""

    code = "product_not_found"
    title = "Product not found"

    def __init__(self, product_id: str, *others: str) -> None:
        said = f"There is no product {product_id!r}."
        if others:
            said = f"There are no products {', '.join(map(repr, (product_id, *others)))}."
        super().__init__(said, product_id=product_id, product_ids=[product_id, *others])


class PurchaseNotFound(NotFound):
    """No purchase has this id."""

    code = "purchase_not_found"
    title = "Purchase not found"

    def __init__(self, purchase_id: str) -> None:
        super().__init__(f"There is no purchase {purchase_id!r}.", purchase_id=purchase_id)


class ReservationNotFound(NotFound):
    """No reservation has this id."""

    code = "reservation_not_found"
    title = "Reservation not found"

    def __init__(self, reservation_id: str) -> None:
        super().__init__(
            f"There is no reservation {reservation_id!r}.", reservation_id=reservation_id
        )


class EventsForgotten(InventoryError):
    """The events that come next are too old to be kept; who asks has to begin anew."""

    code = "events_forgotten"
    title = "Events forgotten"

    def __init__(self, after: int, kept_after: int) -> None:
        super().__init__(
            f"Not all events after {after} are kept any more, but those after {kept_after} are. "
            "Read what you need to know anew, then go on from there.",
            after=after,
            kept_after=kept_after,
        )


class DuplicateSku(InventoryError):
    """Another product already bears this sku."""

    code = "duplicate_sku"
    title = "Duplicate sku"

    def __init__(self, sku: str) -> None:
        super().__init__(f"Another product already has the sku {sku!r}.", sku=sku)


class StaleVersion(InventoryError):
    """The caller edited a version that is no longer the current one."""

    code = "stale_version"
    title = "Stale version"

    def __init__(self, current_version: int) -> None:
        super().__init__(
            f"The product has changed since; its version is now {current_version}.",
            current_version=current_version,
        )


class InvalidValue(InventoryError):
    """Fields that are valid one by one contradict each other."""

    code = "validation_failed"
    title = "Validation failed"

    def __init__(self, field: str, message: str) -> None:
        super().__init__("The request is not valid.", errors={field: [message]})


class InvalidRow(InventoryError):
    """Fields of one row are missing, unknown, of the wrong type or out of bounds."""

    code = "validation_failed"
    title = "Validation failed"

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        super().__init__("The row is not valid.", errors=dict(errors))


class MalformedTable(InventoryError):
    """The table is not CSV (RFC 4180) in UTF-8, or its first line does not name its columns."""

    code = "malformed_csv"
    title = "Malformed CSV"


class IdempotencyKeyReused(InventoryError):
    """The key was used before, for something else."""

    code = "idempotency_key_reused"
    title = "Idempotency key reused"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for another request; take a new key.")


class IdempotencyInProgress(InventoryError):
    """The first request with this key is still running."""

    code = "idempotency_in_progress"
    title = "Request in progress"

    def __init__(self) -> None:
        super().__init__("The first request with this Idempotency-Key is still running; try again.")
