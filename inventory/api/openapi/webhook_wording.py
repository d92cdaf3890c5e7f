"""One example of every body and answer that is about webhooks."""

from collections.abc import Mapping
from typing import Any

_WEBHOOK: dict[str, Any] = {
    "id": "66f1c0ffee66f1c0ffee0008",
    "url": "https://shop.example/hooks/stock",
    "types": ["stock.low", "stock.out"],
    "description": "Tells the shop's search index.",
    "state": "active",
    "paused_reason": None,
    "paused_at": None,
    "last_success_at": None,
    "failing_since": None,
    "failed_attempts": 0,
    "created_at": "2026-01-31T12:00:00.000Z",
    "updated_at": "2026-01-31T12:00:00.000Z",
}

_DELIVERY: dict[str, Any] = {
    "id": "66f1c0ffee66f1c0ffee0009",
    "webhook_id": _WEBHOOK["id"],
    "event_id": "evt_66f1c0ffee66f1c0ffee0002_stock_out",
    "sequence": 4711,
    "type": "stock.out",
    "product_id": "66f1c0ffee66f1c0ffee0001",
    "state": "waiting",
    "attempts": [
        {
            "at": "2026-01-31T12:00:00.000Z",
            "status": 503,
            "failure": None,
            "duration_ms": 38,
            "response": "Come back later.",
        }
    ],
    "next_attempt_at": "2026-01-31T12:00:05.500Z",
    "created_at": "2026-01-31T12:00:00.000Z",
}

# By the name of the schema in the document.
WEBHOOK_EXAMPLES: Mapping[str, Any] = {
    "NewWebhookRequest": {name: _WEBHOOK[name] for name in ("url", "types", "description")},
    "WebhookPatchRequest": {"types": ["stock.out"], "state": "paused"},
    "Webhook": _WEBHOOK,
    "NewWebhook": {**_WEBHOOK, "secret": f"whsec_{'A' * 43}="},
    "WebhookPage": {"items": [_WEBHOOK], "next_cursor": None},
    "Delivery": _DELIVERY,
    "DeliveryPage": {"items": [_DELIVERY], "next_cursor": None},
}
