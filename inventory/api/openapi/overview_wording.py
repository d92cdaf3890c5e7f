"""One example of an overview."""

from collections.abc import Mapping
from typing import Any

OVERVIEW_EXAMPLES: Mapping[str, Any] = {
    "Overview": {
        "at": "2026-01-31T12:00:00.000Z",
        "instance": "shop-1-5eedf00d",
        "workers": 3,
        "totals": {
            "requests": 90_210,
            "server_errors": 12,
            "turned_away": 12,
            "purchases": 1_410,
            "units_sold": 1_733,
            "refusals": {"insufficient_stock": 310, "overloaded": 12},
            "cache_hits": 80_015,
            "cache_misses": 402,
        },
        "purchase_seconds": {
            "bounds": [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0],
            "counts": [0, 0, 204, 1_117, 310, 71, 18, 0, 0, 0, 0, 0],
        },
        "holds": {"open": 41, "overdue": 0},
        "stores": {"mongodb": "ok", "redis": "ok"},
        "webhooks": {"active": 2, "paused": 0, "oldest_waiting_seconds": 0.0},
        "stock": {
            "products": 250,
            "low": 7,
            "empty": 12,
            "units_available": 48_209,
            "units_held": 66,
            "as_of": "2026-01-31T11:59:54.000Z",
        },
    },
}
