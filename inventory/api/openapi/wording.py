"""What the fields mean, in a sentence each, and one example of every body and answer.

Knows names only: bounds and types come from the schemas.
"""

from collections.abc import Mapping
from typing import Any

FIELDS: Mapping[str, str] = {
    "name": "What shoppers see it called.",
    "price": "What one unit costs: an exact decimal, with no more decimal places than the currency "
    "has. Accepted as a number or as text, always answered as text.",
    "currency": "ISO 4217 code of the price's currency.",
    "description": "Text for shoppers; line breaks are kept.",
    "sku": "The merchant's own identifier, unique among the products that are not deleted.",
    "tags": "Labels to find products by, without repetition.",
    "attributes": "Free facts: names with a text, a number of at most 15 digits, or a truth each.",
    "low_stock_threshold": "With this stock or less, but more than none, availability is "
    "`low_stock`.",
    "oversell_limit": "How far below zero sales may take the stock.",
    "max_per_order": "The most units that one purchase may have; null: no limit of its own.",
    "max_per_customer": (
        "The most units that one customer may buy within a window of time. "
        "Kept and shown so far, but not enforced yet."
    ),
    "window_seconds": "The length of the window that the limit looks back.",
    "stock": "Units that can be bought.",
    "quantity": "How many units.",
    "customer_id": "Whoever buys, in the shop's own words.",
    "reference": "What this belongs to in the caller's own books, such as an order number.",
    "delta": "By how many units the stock changes; negative takes away.",
    "reason": "Why the stock changes. `received`, `returned` and `found` add units, `correction` "
    "goes either way, all others take units away.",
    "note": "Whatever else people should know; line breaks are kept.",
    "expected_stock": "Change the stock only if this is what it is right before.",
    "as_of": "A time in the past, in RFC 3339 with its offset; a `+` is written `%2B` in a query.",
    "limit": "How many items a page has at most.",
    "cursor": "Where the page begins: `next_cursor` of the page before, with the same other "
    "parameters.",
    "kind": "Only movements of this kind.",
    "q": "Words that name, sku, tags or description begin with; all of them, 8 at most.",
    "ids": "Only these products: ids separated by commas, 100 at most.",
    "tag": "Only products with this tag.",
    "min_price": "Only products that cost at least this much.",
    "max_price": "Only products that cost at most this much.",
    "in_stock": "Only products that can (true) or cannot (false) be bought now.",
    "sort": "The order of the items; a minus reads it backwards.",
}

_PRODUCT_ID = "66f1c0ffee66f1c0ffee0001"
_PURCHASE_ID = "66f1c0ffee66f1c0ffee0002"
_CREATED_AT = "2026-01-31T12:00:00.000Z"

_NEW_PRODUCT: dict[str, Any] = {
    "name": "Air Runner",
    "price": "89.90",
    "currency": "EUR",
    "stock": 250,
    "sku": "AR-42-BLUE",
    "description": "A light shoe for long distances.",
    "tags": ["shoes", "running"],
    "attributes": {"size": 42, "colour": "blue", "waterproof": True},
    "low_stock_threshold": 20,
    "oversell_limit": 0,
    "max_per_order": 5,
    "max_per_customer": {"quantity": 2, "window_seconds": 86_400},
}

_PRODUCT: dict[str, Any] = {
    "id": _PRODUCT_ID,
    **_NEW_PRODUCT,
    "held": 0,
    "stock_version": 1,
    "availability": "in_stock",
    "version": 1,
    "created_at": _CREATED_AT,
    "updated_at": _CREATED_AT,
}

_MOVEMENT: dict[str, Any] = {
    "id": "66f1c0ffee66f1c0ffee0003",
    "product_id": _PRODUCT_ID,
    "version": 3,
    "kind": "adjustment",
    "delta": 24,
    "held_delta": 0,
    "balance": 272,
    "held_balance": 0,
    "reason": "received",
    "reference": "delivery 4711",
    "note": None,
    "customer_id": None,
    "actor": None,
    "at": "2026-02-01T08:30:00.000Z",
}

# By the name of the schema in the document.
EXAMPLES: Mapping[str, Any] = {
    "NewProductRequest": _NEW_PRODUCT,
    "ProductPatchRequest": {
        "price": "79.90",
        "description": None,
        "attributes": {"colour": None, "season": "summer"},
    },
    "PurchaseRequest": {"quantity": 2, "customer_id": "c-1001", "reference": "order 2026-0815"},
    "AdjustmentRequest": {"delta": 24, "reason": "received", "reference": "delivery 4711"},
    "Product": _PRODUCT,
    "ProductPage": {"items": [_PRODUCT], "next_cursor": None},
    "Purchase": {
        "id": _PURCHASE_ID,
        "product_id": _PRODUCT_ID,
        "quantity": 2,
        "unit_price": "89.90",
        "total": "179.80",
        "remaining_stock": 248,
        "stock_version": 2,
        "backordered": 0,
        "currency": "EUR",
        "customer_id": "c-1001",
        "reference": "order 2026-0815",
        "created_at": "2026-01-31T12:30:00.000Z",
    },
    "Movement": _MOVEMENT,
    "MovementPage": {"items": [_MOVEMENT], "next_cursor": "3"},
    "Stock": {
        "available": 272,
        "held": 0,
        "version": 3,
        "as_of": "2026-02-01T08:30:00.000Z",
    },
    "Health": {"status": "ok"},
    "Readiness": {"status": "ready", "mongodb": "ok", "redis": "ok"},
}
