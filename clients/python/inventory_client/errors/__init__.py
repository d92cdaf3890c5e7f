"""What a call can end with, besides its result.

    InventoryError                     `idempotency_key`, `may_have_happened`
    ├── Unavailable                    nothing was decided in time; call again, with the same key
    │   ├── Unreachable                the service could not be connected to
    │   ├── NoAnswer                   the request was sent, and no whole answer came
    │   └── and also a Problem:        IdempotencyInProgress, RateLimited, StorageUnavailable,
    │                                  Overloaded, DatabaseNotReady, OutcomeUnknown,
    │                                  RequestTimedOut, ImportUnfinished, ServerProblem
    ├── Problem                        `code`, `status`, `title`, `detail`, `request_id`
    │   ├── Refused                    a definite no that changed nothing
    │   │   ├── InsufficientStock, StaleStock, PurchaseLimitExceeded, CustomerRequired
    │   │   ├── MixedCurrencies, StockLimitExceeded, CountBelowHeld, DuplicateSku
    │   │   ├── ReservationExpired, ReservationReleased, ReservationCommitted
    │   │   ├── CommitExceedsHeld, ReturnExceedsPurchased
    │   │   └── StaleVersion, WebhookLimitReached, RehearsalRunning
    │   ├── EventsForgotten            read anew what you need, then go on from there
    │   ├── NotFound                   Product-, Purchase-, Reservation-, ApiKey-, Webhook-,
    │   │                              Delivery-, RehearsalNotFound
    │   ├── AccessRefused              AuthenticationRequired, InvalidApiKey, InsufficientScope,
    │   │                              SecretKeyRequired, ForeignPage, SessionExpired,
    │   │                              InvalidCsrfToken
    │   └── InvalidRequest             ValidationFailed, IdempotencyKeyReused
    └── UnexpectedAnswer               not what the service's document promises

A problem's facts are its attributes, typed; `CODES` finds a class by the stable `code`.
"""

from inventory_client.errors.access import (
    AccessRefused,
    AuthenticationRequired,
    ForeignPage,
    InsufficientScope,
    InvalidApiKey,
    InvalidCsrfToken,
    SecretKeyRequired,
    SessionExpired,
)
from inventory_client.errors.base import (
    InventoryError,
    NoAnswer,
    Problem,
    Unavailable,
    UnexpectedAnswer,
    Unreachable,
)
from inventory_client.errors.codes import CODES, problem_of
from inventory_client.errors.refusals import (
    ApiKeyNotFound,
    CommitExceedsHeld,
    CountBelowHeld,
    CustomerRequired,
    DeliveryNotFound,
    DuplicateSku,
    EventsForgotten,
    Excess,
    IdempotencyKeyReused,
    InsufficientStock,
    InvalidRequest,
    MixedCurrencies,
    NotFound,
    ProductNotFound,
    PurchaseLimitExceeded,
    PurchaseNotFound,
    Refused,
    RehearsalNotFound,
    RehearsalRunning,
    ReservationCommitted,
    ReservationExpired,
    ReservationNotFound,
    ReservationReleased,
    ReturnExceedsPurchased,
    Shortage,
    StaleStock,
    StaleVersion,
    StockLimitExceeded,
    ValidationFailed,
    WebhookLimitReached,
    WebhookNotFound,
)
from inventory_client.errors.unavailable import (
    DatabaseNotReady,
    IdempotencyInProgress,
    ImportUnfinished,
    OutcomeUnknown,
    Overloaded,
    RateLimited,
    RequestTimedOut,
    ServerProblem,
    StorageUnavailable,
)

__all__ = [
    "CODES",
    "AccessRefused",
    "ApiKeyNotFound",
    "AuthenticationRequired",
    "CommitExceedsHeld",
    "CountBelowHeld",
    "CustomerRequired",
    "DatabaseNotReady",
    "DeliveryNotFound",
    "DuplicateSku",
    "EventsForgotten",
    "Excess",
    "ForeignPage",
    "IdempotencyInProgress",
    "IdempotencyKeyReused",
    "ImportUnfinished",
    "InsufficientScope",
    "InsufficientStock",
    "InvalidApiKey",
    "InvalidCsrfToken",
    "InvalidRequest",
    "InventoryError",
    "MixedCurrencies",
    "NoAnswer",
    "NotFound",
    "OutcomeUnknown",
    "Overloaded",
    "Problem",
    "ProductNotFound",
    "PurchaseLimitExceeded",
    "PurchaseNotFound",
    "RateLimited",
    "Refused",
    "RehearsalNotFound",
    "RehearsalRunning",
    "RequestTimedOut",
    "ReservationCommitted",
    "ReservationExpired",
    "ReservationNotFound",
    "ReservationReleased",
    "ReturnExceedsPurchased",
    "SecretKeyRequired",
    "ServerProblem",
    "SessionExpired",
    "Shortage",
    "StaleStock",
    "StaleVersion",
    "StockLimitExceeded",
    "StorageUnavailable",
    "Unavailable",
    "UnexpectedAnswer",
    "Unreachable",
    "ValidationFailed",
    "WebhookLimitReached",
    "WebhookNotFound",
    "problem_of",
]
