"""What the problem documents of a kind say besides what all of them say, as JSON Schema."""

from collections.abc import Mapping

from inventory import errors, limits
from inventory.api import problems
from inventory.api.openapi.building import (
    JSONSchema,
    balance,
    identifier,
    nullable,
    reference,
    text,
    whole,
)
from inventory.errors import InventoryError


def _asked(description: str) -> JSONSchema:
    return {"type": "array", "items": text(), "minItems": 1, "description": description}


def _lines(description: str, members: Mapping[str, JSONSchema], least: int = 1) -> JSONSchema:
    line = {
        "type": "object",
        "required": list(members),
        "properties": dict(members),
        "additionalProperties": False,
    }
    return {"type": "array", "items": line, "minItems": least, "description": description}


_SHORTAGE: Mapping[str, JSONSchema] = {
    "product_id": identifier("The product that is short."),
    "requested": whole(1, limits.DELTA_MAX, "How many units were asked for."),
    "available": balance("How many units there are, before anything is oversold."),
    "held": whole(0, limits.STOCK_MAX, "How many units are set aside for somebody."),
    "next_release_at": nullable(
        reference("Moment")
        | {"description": "When the next of the held units is set free, if that is known."}
    ),
}
_EXCESS: Mapping[str, JSONSchema] = {
    "product_id": text("The product of which there is less."),
    "requested": whole(1, limits.DELTA_MAX, "How many units were named."),
    "remaining": whole(0, limits.DELTA_MAX, "How many units there are."),
}
_RESERVATION: Mapping[str, JSONSchema] = {"reservation_id": identifier("The reservation.")}

FACTS: Mapping[type[InventoryError], Mapping[str, JSONSchema]] = {
    errors.ProductNotFound: {
        "product_id": text("What was asked for; of several, the first."),
        "product_ids": _asked("All ids, or all skus, that there are no products for."),
    },
    errors.ApiKeyNotFound: {"key_id": text("What was asked for.")},
    errors.InsufficientScope: {"required_scope": text("The scope that it needs.")},
    errors.PurchaseNotFound: {"purchase_id": text("What was asked for.")},
    errors.ReservationNotFound: {"reservation_id": text("What was asked for.")},
    errors.WebhookNotFound: {"webhook_id": text("What was asked for.")},
    errors.DeliveryNotFound: {"delivery_id": text("What was asked for.")},
    errors.WebhookLimitReached: {
        "limit": whole(1, limits.WEBHOOKS_MAX, "How many webhooks there may be.")
    },
    errors.RehearsalNotFound: {"rehearsal_id": text("What was asked for.")},
    errors.RehearsalRunning: {"rehearsal_id": identifier("The rehearsal that is under way.")},
    errors.InsufficientStock: {
        **{name: nullable(schema) for name, schema in _SHORTAGE.items()},
        "lines": _lines("Every product that is short; of one alone also at the top.", _SHORTAGE),
    },
    errors.StaleStock: {
        "product_id": identifier("The product whose stock it is."),
        "expected": whole(-limits.STOCK_MAX, limits.STOCK_MAX, "What the caller expected."),
        "available": balance("What the stock is."),
    },
    errors.PurchaseLimitExceeded: {
        "product_id": identifier("The product with the limit."),
        "requested": whole(1, limits.DELTA_MAX, "How many units were asked for."),
        "limit": whole(1, limits.QUANTITY_MAX, "The most that can be had."),
        "already": nullable(
            whole(0, limits.STOCK_MAX, "Units that the customer bought in the window, or holds.")
        ),
        "window_seconds": nullable(
            whole(1, limits.WINDOW_SECONDS_MAX, "How far the limit looks back; null: one order.")
        ),
    },
    errors.CustomerRequired: {"product_id": identifier("The product with the limit.")},
    errors.MixedCurrencies: {"currencies": _asked("The currencies of the products.")},
    errors.StockLimitExceeded: {
        "product_id": identifier("The product whose stock it is."),
        "delta": whole(1, limits.DELTA_MAX, "How many units were to be added."),
        "available": balance("What the stock is."),
        "limit": whole(0, limits.STOCK_MAX, "The most that can be counted."),
    },
    errors.CountBelowHeld: {
        "product_id": identifier("What was counted."),
        "counted": whole(0, limits.STOCK_INITIAL_MAX, "How many units were counted."),
        "available": balance("What the stock is."),
        "held": whole(0, limits.STOCK_MAX, "How many units are set aside for somebody."),
    },
    errors.ReservationExpired: {
        **_RESERVATION,
        "lines": _lines("The products of which too few units are left.", _SHORTAGE, least=0),
    },
    errors.ReservationReleased: _RESERVATION,
    errors.ReservationCommitted: {
        **_RESERVATION,
        "purchase_id": identifier("The purchase that it became."),
    },
    errors.CommitExceedsHeld: {"lines": _lines("Where less is held than was named.", _EXCESS)},
    errors.ReturnExceedsPurchased: {
        "lines": _lines("Where less can be returned than was named.", _EXCESS)
    },
    errors.EventsForgotten: {
        "after": whole(0, 2**53, "The event after which more was asked for."),
        "kept_after": whole(0, 2**53, "All events after this one are kept."),
    },
    errors.ImportUnfinished: {
        "rows_done": whole(0, 2**53, "So many rows, the first ones, have been done.")
    },
    errors.DuplicateSku: {"sku": text("The sku that another product has.")},
    errors.StaleVersion: {
        "current_version": whole(1, 2**53, "The version that the product has now.")
    },
    problems.ValidationFailed: {
        "errors": {
            "type": "object",
            "description": "What is wrong, by field: `tags.0`, `max_per_customer.quantity`; "
            "`body` for the body as a whole.",
            "minProperties": 1,
            "additionalProperties": {"type": "array", "items": text(), "minItems": 1},
            "examples": [{"quantity": ["Must be greater than or equal to 1."]}],
        }
    },
}
