"""How everything stands, as JSON Schema."""

from inventory import limits
from inventory.api.openapi.building import (
    JSONSchema,
    described,
    moment,
    nullable,
    record,
    reference,
    text,
    whole,
)
from inventory.telemetry.totals import BOUNDS

_MAX = 2**53
_SECONDS: JSONSchema = {"type": "number", "minimum": 0}


def overview() -> dict[str, JSONSchema]:
    """Return the schema of an overview and of its parts, by their names."""
    return {
        "Overview": _overview(),
        "Totals": _totals(),
        "PurchaseSeconds": _purchase_seconds(),
        "OpenHolds": _holds(),
        "Shelves": _shelves(),
        "Stores": _stores(),
        "WebhookStanding": _webhooks(),
    }


def _overview() -> JSONSchema:
    return record(
        "What an instance has counted, and how the stores stand. All of it is a second or two old "
        "at most, but for `stock`, which says how old it is.",
        {
            "at": moment("When the counters were read, by the instance's clock."),
            "instance": text(
                "Who counted: the name of the machine, and a mark of this start. The same for all "
                "workers; another one has counters of its own."
            ),
            "workers": whole(1, _MAX, "Workers that are alive."),
            "totals": described(reference("Totals"), "What the instance has counted."),
            "purchase_seconds": described(
                reference("PurchaseSeconds"), "How long its purchases took."
            ),
            "holds": _unless_away("OpenHolds", "Holds of the whole shop."),
            "stock": _unless_away("Shelves", "The counters of the whole shop."),
            "stores": described(reference("Stores"), "How the stores are."),
            "webhooks": _unless_away("WebhookStanding", "How endpoints of webhooks are."),
        },
    )


def _unless_away(name: str, description: str) -> JSONSchema:
    return nullable(reference(name)) | {
        "description": f"{description} Null: MongoDB did not say so in time."
    }


def _count(description: str) -> JSONSchema:
    return whole(0, _MAX, description)


def _totals() -> JSONSchema:
    refusals: JSONSchema = {"type": "object", "additionalProperties": whole(1, _MAX)}
    return record(
        "Counters of all workers of an instance, those that have ended included. They only rise.",
        {
            "requests": _count("Requests that were answered."),
            "server_errors": _count("Answers of 500 and above; overload is among them."),
            "turned_away": _count("Refused for being too many: `overloaded` and `rate_limited`."),
            "purchases": _count("Purchases made: of one product, carts, committed holds."),
            "units_sold": _count("Units that these took."),
            "refusals": described(
                refusals, "Problems that were answered, by their `code`; none that never was."
            ),
            "cache_hits": _count("Values that Redis knew."),
            "cache_misses": _count("Values that it did not know."),
        },
    )


def _purchase_seconds() -> JSONSchema:
    bounds: JSONSchema = {"type": "array", "items": _SECONDS}
    counts: JSONSchema = {"type": "array", "items": _count("")}
    return record(
        "A histogram of purchases, carts and commits that were made (201) or refused (409).",
        {
            "bounds": described(
                bounds | {"minItems": len(BOUNDS), "maxItems": len(BOUNDS)},
                "The longest time, in seconds, of each count but the last.",
            ),
            "counts": described(
                counts | {"minItems": len(BOUNDS) + 1, "maxItems": len(BOUNDS) + 1},
                "How many took longer than the bound before and no longer than their own: each "
                "counts once. The last count is of all that took longer than any bound.",
            ),
        },
    )


def _holds() -> JSONSchema:
    most = limits.SCRAPE_RESERVATIONS_MAX
    return record(
        f"Holds, counted to {most:,} each.",
        {
            "open": whole(0, most, "Holds that have not run out."),
            "overdue": whole(0, most, "Holds that ran out and were not taken back yet."),
        },
    )


def _shelves() -> JSONSchema:
    seconds = limits.OVERVIEW_STOCK_SECONDS
    return record(
        f"What all counters come to, counted about every {seconds:.0f} s. Null: there are so many "
        "that it takes too long. Deleted products do not count.",
        {
            "products": _count("Products; about so many where the rest is null."),
            "low": nullable(_count("Products that are `low_stock`: little is left, but some.")),
            "empty": nullable(_count("Products without a unit that is there to be bought.")),
            "units_available": nullable(_count("Units that can be bought.")),
            "units_held": nullable(_count("Units that are set aside for somebody.")),
            "as_of": moment("When they were counted, by the database's clock."),
        },
    )


def _stores() -> JSONSchema:
    return record(
        "What the service rests on.",
        {
            "mongodb": text("Without MongoDB nothing is sold.", enum=["ok", "unavailable"]),
            "redis": text("Without Redis reads are slower.", enum=["ok", "degraded", "off"]),
        },
    )


def _webhooks() -> JSONSchema:
    return record(
        "Endpoints of webhooks.",
        {
            "active": whole(0, limits.WEBHOOKS_MAX, "Endpoints that are told of events."),
            "paused": whole(0, limits.WEBHOOKS_MAX, "Endpoints that are told nothing."),
            "oldest_waiting_seconds": described(
                _SECONDS, "Age of the oldest event that an endpoint waits for; 0: none waits."
            ),
        },
    )
