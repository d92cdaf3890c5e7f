"""Events, as JSON Schema."""

from inventory import limits
from inventory.api.openapi.building import (
    JSONSchema,
    balance,
    choice,
    described,
    held,
    identifier,
    moment,
    nullable,
    record,
    reference,
    stock_version,
    text,
    whole,
)
from inventory.domain.events import EventType
from inventory.domain.movements import Kind
from inventory.domain.products import Availability

_SEQUENCE_MAX = 2**53


def events() -> dict[str, JSONSchema]:
    """Return the schemas of what is told of events, by their names."""
    return {
        "StockCrossing": _stock_crossing(),
        "Event": _event(),
        "EventPage": record(
            "Some events, the oldest first.",
            {
                "items": described(
                    {
                        "type": "array",
                        "items": reference("Event"),
                        "maxItems": limits.PAGE_SIZE_MAX,
                    },
                    "The page.",
                ),
                "next_after": whole(0, _SEQUENCE_MAX, "What the next page comes after."),
                "read_at": nullable(moment("When the ledger was last looked at; null: never.")),
            },
        ),
    }


def _event() -> JSONSchema:
    told = ("Purchase", "Return", "Reservation", "StockCrossing")
    return record(
        "Something that happened to a product's stock.",
        {
            "sequence": whole(1, _SEQUENCE_MAX, "Its place among all events; there are no gaps."),
            "id": text("The event's id, the same however often it is told."),
            "type": choice(EventType, "What happened."),
            "product_id": identifier(
                "The product whose order it keeps; of several lines, that of the first."
            ),
            "occurred_at": moment("When it happened."),
            "data": described(
                {"anyOf": [reference(name) for name in told]},
                "The purchase, return or reservation as it was then, or the stock.",
            ),
        },
    )


def _stock_crossing() -> JSONSchema:
    change = (-limits.DELTA_MAX, limits.DELTA_MAX)
    return record(
        "Stock that became low, ran out or is back, and the movement that brought it about.",
        {
            "product_id": identifier("Whose stock it is."),
            "stock": balance("Units that could be bought right after it."),
            "held": held(),
            "stock_version": stock_version(),
            "availability": choice(Availability, "What a shopper may be told."),
            "low_stock_threshold": whole(0, limits.STOCK_INITIAL_MAX),
            "movement_id": identifier("The movement."),
            "kind": choice(Kind, "What brought the movement about."),
            "delta": whole(*change, "By how many units the stock changed."),
        },
    )
