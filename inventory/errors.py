"""What can go wrong, in the words of the field. No HTTP, no driver, no framework.

    InventoryError
    ├── NotFound
    │   ├── ProductNotFound
    │   └── PurchaseNotFound
    ├── Refused                      definite, kept for retries with the same Idempotency-Key
    │   ├── InsufficientStock
    │   ├── StaleStock
    │   ├── PurchaseLimitExceeded
    │   └── StockLimitExceeded
    ├── DuplicateSku
    ├── StaleVersion
    ├── InvalidValue                 valid one by one, wrong together
    ├── IdempotencyKeyReused
    ├── IdempotencyInProgress
    └── Unavailable                  nothing was decided, or nobody knows: retry
        ├── DatabaseNotReady         an operator has to do something first
        ├── StorageUnavailable       certainly not applied
        ├── Overloaded               certainly not applied
        └── OutcomeUnknown           applied or not: a retry with the same key tells

Each class has a stable `code` and a `title`, and carries its facts in `details`, as JSON values.
"""

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
    """No product has this id."""

    code = "product_not_found"
    title = "Product not found"

    def __init__(self, product_id: str) -> None:
        super().__init__(f"There is no product {product_id!r}.", product_id=product_id)


class PurchaseNotFound(NotFound):
    """No purchase has this id."""

    code = "purchase_not_found"
    title = "Purchase not found"

    def __init__(self, purchase_id: str) -> None:
        super().__init__(f"There is no purchase {purchase_id!r}.", purchase_id=purchase_id)


class Refused(InventoryError):
    """A definite no that changed nothing."""


class InsufficientStock(Refused):
    """Fewer units can be had than were asked for."""

    code = "insufficient_stock"
    title = "Insufficient stock"

    def __init__(
        self,
        product_id: str,
        requested: int,
        available: int,
        held: int,
        next_release_at: str | None = None,
    ) -> None:
        super().__init__(
            f"{requested} requested, {max(available, 0)} available.",
            product_id=product_id,
            requested=requested,
            available=available,
            held=held,
            next_release_at=next_release_at,
        )


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
    """More was asked for than one order or one customer may have."""

    code = "purchase_limit_exceeded"
    title = "Purchase limit exceeded"

    def __init__(self, product_id: str, requested: int, limit: int) -> None:
        super().__init__(
            f"{requested} requested, at most {limit} an order.",
            product_id=product_id,
            requested=requested,
            limit=limit,
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


class Unavailable(InventoryError):
    """Something that the service needs did not answer in time."""


class StorageUnavailable(Unavailable):
    """The database could not be reached or did not finish; nothing was changed."""

    code = "storage_unavailable"
    title = "Storage unavailable"

    def __init__(self) -> None:
        super().__init__("The database did not answer in time. Nothing was changed; try again.")


class DatabaseNotReady(Unavailable):
    """The database cannot serve; the message says why and what to do."""

    code = "database_not_ready"
    title = "Database not ready"


class Overloaded(Unavailable):
    """Too many requests are waiting; this one was not begun."""

    code = "overloaded"
    title = "Overloaded"

    def __init__(self) -> None:
        super().__init__("Too many requests are waiting. Nothing was changed; try again.")


class OutcomeUnknown(Unavailable):
    """The database broke off in the middle; nobody knows yet whether the change was applied."""

    code = "outcome_unknown"
    title = "Outcome unknown"

    def __init__(self) -> None:
        super().__init__(
            "The database broke off in the middle of the change. A retry with the same "
            "Idempotency-Key tells what became of it; without a key, look before you repeat it."
        )


def restore(kept: Mapping[str, Any]) -> InventoryError:
    """Return the error that was kept as `{code, message, details}`."""
    kind = _KEPT[kept["code"]]
    error = kind.__new__(kind)
    InventoryError.__init__(error, kept["message"], **kept["details"])
    return error


_KEPT: dict[str, type[InventoryError]] = {
    kind.code: kind
    for kind in (
        ProductNotFound,
        InsufficientStock,
        StaleStock,
        PurchaseLimitExceeded,
        StockLimitExceeded,
        DuplicateSku,
    )
}
