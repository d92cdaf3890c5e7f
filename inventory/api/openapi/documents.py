"""Purchases, reservations, returns and stocktakes, as JSON Schema."""

from typing import Any

from inventory import limits
from inventory.api.openapi.building import (
    JSONSchema,
    amount,
    balance,
    choice,
    currency,
    described,
    held,
    identifier,
    moment,
    nullable,
    record,
    reference,
    text,
    whole,
)
from inventory.domain.reservations import State

_VERSION_MAX = 2**53


def documents() -> dict[str, JSONSchema]:
    """Return the schemas of the documents that changes of stock make, by their names."""
    return {
        "PurchaseLine": _purchase_line(),
        "Purchase": _purchase(),
        "HeldLine": record("Units of one product that are held.", _held_line()),
        "Reservation": _reservation(),
        "ReturnedLine": _returned_line(),
        "Return": _return(),
        "CountedLine": _counted_line(),
        "Stocktake": _stocktake(),
    }


def lines(of: str) -> JSONSchema:
    """Return the schema of one line or more."""
    items = {"type": "array", "items": reference(of), "minItems": 1}
    return described(items | {"maxItems": limits.CART_LINES_MAX}, "One line for each product.")


def _quantity(description: str, least: int = 1) -> JSONSchema:
    return whole(least, limits.QUANTITY_MAX, description)


def _sold() -> dict[str, JSONSchema]:
    return {
        "product_id": identifier("What was bought."),
        "quantity": _quantity("How many units."),
        "unit_price": amount("The price of one unit at the time."),
        "remaining_stock": balance("The stock right after this purchase."),
        "stock_version": whole(1, _VERSION_MAX, "The version of the stock that it brought about."),
        "backordered": _quantity("Units of it that were sold before they were there.", 0),
    }


def _purchase_line() -> JSONSchema:
    more: dict[str, Any] = {
        "total": amount("The price of all units."),
        "returned": _quantity("Units of it that have come back since.", 0),
    }
    return record("Units of one product that were bought.", _sold() | more)


def _purchase() -> JSONSchema:
    return record(
        "A sale that happened. What its line says stands at the top as well, if there is one only.",
        {
            "id": identifier("The purchase's id."),
            **{name: nullable(schema) for name, schema in _sold().items()},
            "total": amount("The price of all units of all lines."),
            "currency": currency(),
            "customer_id": nullable(text()),
            "reference": nullable(text()),
            "created_at": moment("When it happened."),
            "reservation_id": nullable(identifier("The reservation that it was before.")),
            "reacquired": {
                "type": "boolean",
                "description": "Whether the reservation had expired, and its units could be taken "
                "once more.",
            },
            "lines": lines("PurchaseLine"),
        },
    )


def _held_line() -> dict[str, JSONSchema]:
    return {
        "product_id": identifier("What is held."),
        "quantity": _quantity("How many units."),
        "backordered": _quantity("Units of it that were promised before they were there.", 0),
    }


def _reservation() -> JSONSchema:
    return record(
        "Units set aside for somebody.",
        {
            "id": identifier("The reservation's id."),
            "state": choice(State, "What became of it; all but `held` is for good."),
            "lines": lines("HeldLine"),
            "customer_id": nullable(text()),
            "reference": nullable(text()),
            "created_at": moment("When it was made."),
            "expires_at": moment("Until when the units are held, unless it is extended."),
            "extendable_until": moment("Nobody can extend it beyond this."),
            "ended_at": nullable(moment("When it was committed, released, or found expired.")),
            "purchase_id": nullable(identifier("The purchase that it became.")),
        },
    )


def _returned_line() -> JSONSchema:
    return record(
        "Units of one product that came back.",
        {
            "product_id": identifier("What came back."),
            "quantity": _quantity("How many units."),
            "remaining": _quantity("Units of the purchase that may still come back.", 0),
        },
    )


def _return() -> JSONSchema:
    return record(
        "Units of a purchase that came back.",
        {
            "id": identifier("The return's id."),
            "purchase_id": identifier("The purchase that they were part of."),
            "lines": lines("ReturnedLine"),
            "reason": text("Why they came back."),
            "restocked": {"type": "boolean", "description": "Whether they are on sale again."},
            "created_at": moment("When it was recorded."),
        },
    )


def _counted_line() -> JSONSchema:
    change = limits.STOCK_MAX
    return record(
        "What was counted of one product.",
        {
            "product_id": identifier("What was counted."),
            "expected": whole(0, 2 * limits.STOCK_MAX, "What should have lain there at the time."),
            "counted": whole(0, limits.STOCK_INITIAL_MAX, "What did lie there."),
            "difference": whole(-2 * change, change, "Units found; negative: units missing."),
            "stock": balance("The stock right after it."),
            "held": held(),
            "stock_version": whole(1, _VERSION_MAX, "The version of the stock right after it."),
        },
    )


def _stocktake() -> JSONSchema:
    return record(
        "Counts of the shelf, and the differences that they made.",
        {
            "id": identifier("The stocktake's id."),
            "lines": lines("CountedLine"),
            "reference": nullable(text()),
            "counted_at": moment("When it was counted."),
            "created_at": moment("When it was posted."),
        },
    )
