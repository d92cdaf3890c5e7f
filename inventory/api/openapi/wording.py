"""What the fields mean, in a sentence each, and one example of every body and answer.

Knows names only: bounds and types come from the schemas.
"""

from collections.abc import Mapping
from typing import Any

from inventory.api.openapi.overview_wording import OVERVIEW_EXAMPLES
from inventory.api.openapi.rehearsal_wording import REHEARSAL_EXAMPLES
from inventory.api.openapi.webhook_wording import WEBHOOK_EXAMPLES

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
    "max_per_customer": "The most units that one customer may buy or hold within a window of time; "
    "whoever wants any must say for whom.",
    "window_seconds": "The length of the window that the limit looks back.",
    "stock": "Units that can be bought.",
    "lines": "Products and how many units of each; the same product counts as one line.",
    "product_id": "The product's id; in a line, this or `sku`.",
    "ttl_seconds": "For how many seconds from now the units are held.",
    "restock": "Whether the units can be sold again.",
    "counted": "What lies on the shelf: what can be bought and what is held together.",
    "counted_at": "When it was counted, in RFC 3339 with its offset, at most a day ago; now, if "
    "nothing is said. What was sold since then stays sold.",
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
    "low_stock": "Only products whose `availability` is (true) or is not (false) `low_stock`: "
    "`low_stock_threshold` units or less can be bought, but more than none.",
    "client": "Whose key it is. Keys of the same client share what is answered to its retries, and "
    "its limits.",
    "scopes": "What the key is good for; `admin` may do everything.",
    "publishable": "Whether the key may stand in a page; then it is good for `catalog:read` and "
    "`stock:purchase` at most.",
    "expires_at": "When it ends; null: never.",
    "after": "Only events after the one with this `sequence`: `next_after` of the page before. 0 "
    "begins with the oldest that is kept; `newest` answers nothing but where the next one will be.",
    "types": "Only events of these types, separated by commas.",
    "on_error": "`reject_all`: nothing is written if any row is found wrong beforehand; "
    "`reject_failed`: the other rows are.",
    "dry_run": "Answer what would become of the rows, and write nothing.",
    "format": "`csv` or `ndjson`.",
    "id": "The product's id, which names it where there is no sku; beside a sku it says nothing.",
    "version": "The version of the product that this was made from; if it has another one by now, "
    "its catalogue fields are not changed.",
    "stock_delta": "By how many units the stock of a product that there is changes.",
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

_LINES: list[dict[str, Any]] = [
    {"product_id": _PRODUCT_ID, "quantity": 2},
    {"sku": "AR-42-BLUE", "quantity": 1},
]

_SOLD: dict[str, Any] = {
    "product_id": _PRODUCT_ID,
    "quantity": 2,
    "unit_price": "89.90",
    "remaining_stock": 248,
    "stock_version": 2,
    "backordered": 0,
}

_PURCHASE: dict[str, Any] = {
    "id": _PURCHASE_ID,
    **_SOLD,
    "total": "179.80",
    "currency": "EUR",
    "customer_id": "c-1001",
    "reference": "order 2026-0815",
    "created_at": "2026-01-31T12:30:00.000Z",
    "reservation_id": None,
    "reacquired": False,
    "lines": [{**_SOLD, "total": "179.80", "returned": 0}],
}

_RESERVATION: dict[str, Any] = {
    "id": "66f1c0ffee66f1c0ffee0004",
    "state": "held",
    "lines": [{"product_id": _PRODUCT_ID, "quantity": 3, "backordered": 0}],
    "customer_id": "c-1001",
    "reference": None,
    "created_at": _CREATED_AT,
    "expires_at": "2026-01-31T12:10:00.000Z",
    "extendable_until": "2026-02-07T12:00:00.000Z",
    "ended_at": None,
    "purchase_id": None,
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
    "actor": "66f1c0ffee66f1c0ffee0007",
    "purchase_id": None,
    "reservation_id": None,
    "at": "2026-02-01T08:30:00.000Z",
}

_API_KEY: dict[str, Any] = {
    "id": "66f1c0ffee66f1c0ffee0007",
    "client": "web shop",
    "publishable": False,
    "scopes": ["catalog:read", "stock:purchase"],
    "hint": "inv_sk_0000",
    "created_at": _CREATED_AT,
    "expires_at": None,
    "revoked_at": None,
    "last_used_at": None,
}

_EVENT: dict[str, Any] = {
    "sequence": 4711,
    "id": f"evt_{_PURCHASE_ID}_purchase_created",
    "type": "purchase.created",
    "product_id": _PRODUCT_ID,
    "occurred_at": "2026-01-31T12:30:00.000Z",
    "data": _PURCHASE,
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
    "CartRequest": {"lines": _LINES, "customer_id": "c-1001", "reference": "order 2026-0815"},
    "ReturnRequest": {
        "lines": [{"product_id": _PRODUCT_ID, "quantity": 1}],
        "reason": "too small",
    },
    "ReservationRequest": {"lines": _LINES, "ttl_seconds": 600, "customer_id": "c-1001"},
    "ExtensionRequest": {"ttl_seconds": 600},
    "CommitRequest": {"lines": [{"product_id": _PRODUCT_ID, "quantity": 1}]},
    "ReleaseRequest": {},
    "StocktakeRequest": {
        "lines": [{"sku": "AR-42-BLUE", "counted": 247}],
        "reference": "count 2026-W05",
    },
    "Purchase": _PURCHASE,
    "PurchasePage": {"items": [_PURCHASE], "next_cursor": None},
    "Reservation": _RESERVATION,
    "ReservationPage": {"items": [_RESERVATION], "next_cursor": None},
    "Return": {
        "id": "66f1c0ffee66f1c0ffee0005",
        "purchase_id": _PURCHASE_ID,
        "lines": [{"product_id": _PRODUCT_ID, "quantity": 1, "remaining": 1}],
        "reason": "too small",
        "restocked": True,
        "created_at": "2026-02-03T09:00:00.000Z",
    },
    "Stocktake": {
        "id": "66f1c0ffee66f1c0ffee0006",
        "lines": [
            {
                "product_id": _PRODUCT_ID,
                "expected": 248,
                "counted": 247,
                "difference": -1,
                "stock": 247,
                "held": 0,
                "stock_version": 3,
            }
        ],
        "reference": "count 2026-W05",
        "counted_at": _CREATED_AT,
        "created_at": _CREATED_AT,
    },
    "Movement": _MOVEMENT,
    "MovementPage": {"items": [_MOVEMENT], "next_cursor": "3"},
    "Stock": {
        "available": 272,
        "held": 0,
        "version": 3,
        "as_of": "2026-02-01T08:30:00.000Z",
    },
    "Integrity": {
        "ok": False,
        "complete": True,
        "checked": 250,
        "problems": [
            {
                "code": "headroom_differs",
                "product_id": _PRODUCT_ID,
                "detail": "Headroom: 249, where the books come to 248.",
            }
        ],
        "problems_total": 1,
        "next_cursor": None,
        "units": None,
    },
    "NewKeyRequest": {"client": "web shop", "scopes": ["catalog:read", "stock:purchase"]},
    "ApiKey": _API_KEY,
    "NewApiKey": {**_API_KEY, "key": f"inv_sk_{'0' * 49}"},
    "ApiKeyPage": {"items": [_API_KEY], "next_cursor": None},
    "SignInRequest": {"key": f"inv_sk_{'0' * 49}"},
    "Session": {
        "authentication": "on",
        "key_id": _API_KEY["id"],
        "name": "dashboard",
        "scopes": ["admin"],
        "expires_at": "2026-02-01T00:00:00.000Z",
        "csrf_token": "0f" * 32,
    },
    "StockCrossing": {
        "product_id": _PRODUCT_ID,
        "stock": 20,
        "held": 0,
        "stock_version": 41,
        "availability": "low_stock",
        "low_stock_threshold": 20,
        "movement_id": _PURCHASE_ID,
        "kind": "purchase",
        "delta": -2,
    },
    "Event": _EVENT,
    "EventPage": {
        "items": [_EVENT],
        "next_after": 4711,
        "read_at": "2026-01-31T12:30:00.250Z",
    },
    **WEBHOOK_EXAMPLES,
    **REHEARSAL_EXAMPLES,
    **OVERVIEW_EXAMPLES,
    "Health": {"status": "ok"},
    "Readiness": {"status": "ready", "mongodb": "ok", "redis": "ok"},
}
