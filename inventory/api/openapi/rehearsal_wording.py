"""One example of every body and answer that is about rehearsals."""

from collections.abc import Mapping
from typing import Any

_REHEARSAL: dict[str, Any] = {
    "id": "66f1c0ffee66f1c0ffee000a",
    "state": "done",
    "product_id": "66f1c0ffee66f1c0ffee000b",
    "buyers": 100,
    "stock": 50,
    "quantity_max": 1,
    "impatience": 0.3,
    "started_at": "2026-01-31T12:00:00.000Z",
    "ended_at": "2026-01-31T12:00:00.640Z",
    "figures": {
        "orders": 100,
        "sold": 50,
        "refused": 50,
        "repeated": 30,
        "unavailable": 0,
        "units_sold": 50,
        "seconds": 0.412,
        "purchases_per_second": 121.4,
        "p50_ms": 96.21,
        "p99_ms": 174.9,
    },
    "verdict": {
        "ok": True,
        "sold": 50,
        "left": 0,
        "stocked": 50,
        "checks": [
            {"name": "units_add_up", "ok": True, "detail": "50 sold and 0 left, of 50."},
        ],
    },
}

# By the name of the schema in the document.
REHEARSAL_EXAMPLES: Mapping[str, Any] = {
    "RehearsalRequest": {"buyers": 200, "stock": 50, "quantity_max": 2, "impatience": 0.3},
    "Rehearsal": _REHEARSAL,
    "RehearsalPage": {"items": [_REHEARSAL], "next_cursor": None},
}
