"""What can go wrong, in the words of the field. No HTTP, no driver, no framework.

    InventoryError
    ├── NotFound
    │   ├── ProductNotFound
    │   ├── PurchaseNotFound
    │   ├── ReservationNotFound
    │   ├── WebhookNotFound, DeliveryNotFound
    │   ├── RehearsalNotFound
    │   └── ApiKeyNotFound
    ├── Refused                      definite, kept for retries with the same Idempotency-Key
    │   ├── InsufficientStock
    │   ├── StaleStock
    │   ├── PurchaseLimitExceeded, CustomerRequired, MixedCurrencies
    │   ├── StockLimitExceeded, CountBelowHeld
    │   ├── ReservationExpired, ReservationReleased, ReservationCommitted
    │   └── CommitExceedsHeld, ReturnExceedsPurchased
    ├── AuthenticationFailed         on whose behalf is it?
    │   ├── AuthenticationRequired
    │   ├── InvalidApiKey
    │   └── SessionExpired
    ├── InsufficientScope, SecretKeyRequired, InvalidCsrfToken
    ├── EventsForgotten
    ├── DuplicateSku, WebhookLimitReached, RehearsalRunning
    ├── StaleVersion
    ├── InvalidValue                 valid one by one, wrong together
    ├── InvalidRow, MalformedTable   of an import
    ├── IdempotencyKeyReused
    ├── IdempotencyInProgress
    └── Unavailable                  nothing was decided, or nobody knows: retry
        ├── DatabaseNotReady         an operator has to do something first
        ├── StorageUnavailable       certainly not applied
        ├── Overloaded               certainly not applied
        ├── ImportUnfinished         the first rows are applied, the others are not
        └── OutcomeUnknown           applied or not: a retry with the same key tells

Each class has a stable `code` and a `title`, and carries its facts in `details`, as JSON values.
"""

from inventory.errors.access import (
    ApiKeyNotFound,
    AuthenticationFailed,
    AuthenticationRequired,
    InsufficientScope,
    InvalidApiKey,
    InvalidCsrfToken,
    SecretKeyRequired,
    SessionExpired,
)
from inventory.errors.base import (
    DuplicateSku,
    EventsForgotten,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    InvalidRow,
    InvalidValue,
    InventoryError,
    MalformedTable,
    NotFound,
    ProductNotFound,
    PurchaseNotFound,
    ReservationNotFound,
    StaleVersion,
)
from inventory.errors.refusals import (
    CommitExceedsHeld,
    CountBelowHeld,
    CustomerRequired,
    Excess,
    InsufficientStock,
    MixedCurrencies,
    PurchaseLimitExceeded,
    Refused,
    ReservationCommitted,
    ReservationExpired,
    ReservationReleased,
    ReturnExceedsPurchased,
    Shortage,
    StaleStock,
    StockLimitExceeded,
    restore,
)
from inventory.errors.rehearsals import RehearsalNotFound, RehearsalRunning
from inventory.errors.unavailable import (
    DatabaseNotReady,
    ImportUnfinished,
    OutcomeUnknown,
    Overloaded,
    StorageUnavailable,
    Unavailable,
)
from inventory.errors.webhooks import DeliveryNotFound, WebhookLimitReached, WebhookNotFound

__all__ = [
    "ApiKeyNotFound",
    "AuthenticationFailed",
    "AuthenticationRequired",
    "CommitExceedsHeld",
    "CountBelowHeld",
    "CustomerRequired",
    "DatabaseNotReady",
    "DeliveryNotFound",
    "DuplicateSku",
    "EventsForgotten",
    "Excess",
    "IdempotencyInProgress",
    "IdempotencyKeyReused",
    "ImportUnfinished",
    "InsufficientScope",
    "InsufficientStock",
    "InvalidApiKey",
    "InvalidCsrfToken",
    "InvalidRow",
    "InvalidValue",
    "InventoryError",
    "MalformedTable",
    "MixedCurrencies",
    "NotFound",
    "OutcomeUnknown",
    "Overloaded",
    "ProductNotFound",
    "PurchaseLimitExceeded",
    "PurchaseNotFound",
    "Refused",
    "RehearsalNotFound",
    "RehearsalRunning",
    "ReservationCommitted",
    "ReservationExpired",
    "ReservationNotFound",
    "ReservationReleased",
    "ReturnExceedsPurchased",
    "SecretKeyRequired",
    "SessionExpired",
    "Shortage",
    "StaleStock",
    "StaleVersion",
    "StockLimitExceeded",
    "StorageUnavailable",
    "Unavailable",
    "WebhookLimitReached",
    "WebhookNotFound",
    "restore",
]
