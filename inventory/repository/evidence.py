"""What a check needs to know of the documents, read off them; of what else they say, nothing.

A document that was not written by the service may be of any shape, and must not end the check.
"""

from collections.abc import Callable, Mapping
from decimal import InvalidOperation
from typing import Any, TypeVar

from bson import ObjectId

from inventory import limits
from inventory.domain.integrity.documents import Held, SoldLine
from inventory.domain.integrity.product import SaleTerms
from inventory.domain.movements import Entry, Kind, Movement
from inventory.domain.reservations import State
from inventory.repository.decimals import decimal_from_bson
from inventory.repository.entries import customer_limit_from

T = TypeVar("T")
TERMS_FIELDS = (
    *("price", "currency", "oversell_limit", "low_stock_threshold"),
    *("max_per_order", "max_per_customer"),
)
ROW_FIELDS = (
    *("product_id", "version", "balance", "held_balance", "kind", "delta", "held_delta"),
    *("at", "reason", "purchase_id", "reservation_id"),
)
_KINDS = {str(kind): kind for kind in Kind}


class UnreadableDocument(Exception):
    """A document is not of the shape that the service writes."""

    def __init__(self, collection: str, document: Mapping[str, Any]) -> None:
        self.collection = collection
        self.id = str(document.get("_id"))
        super().__init__(f"{collection} {self.id}")


def read_as(collection: str, document: Mapping[str, Any], read: Callable[[Any], T]) -> T:
    """Read a document; raise `UnreadableDocument` if that cannot be done."""
    try:
        return read(document)
    except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation) as error:
        raise UnreadableDocument(collection, document) from error


def sale_terms_from(document: Mapping[str, Any]) -> SaleTerms:
    """Return the terms that counters have to go by, of a catalogue entry."""
    return SaleTerms(
        price=decimal_from_bson(document["price"]),
        currency=document["currency"],
        oversell_limit=int(document["oversell_limit"]),
        low_stock_threshold=int(document["low_stock_threshold"]),
        order_max=int(document["max_per_order"] or limits.QUANTITY_MAX),
        customer_limit=customer_limit_from(document["max_per_customer"]),
    )


def row_from(document: Mapping[str, Any]) -> Movement:
    """Return a row with what checks look at; for what else there is, ask the ledger."""
    purchase_id, reservation_id = document.get("purchase_id"), document.get("reservation_id")
    entry = Entry(
        str(document["_id"]),
        _KINDS[document["kind"]],
        int(document["delta"]),
        document["at"],
        int(document.get("held_delta", 0)),
        document.get("reason"),
        purchase_id=None if purchase_id is None else str(purchase_id),
        reservation_id=None if reservation_id is None else str(reservation_id),
    )
    return Movement(
        str(document["product_id"]),
        int(document["version"]),
        int(document["balance"]),
        int(document["held_balance"]),
        entry,
    )


def sold_lines(document: Mapping[str, Any]) -> list[SoldLine]:
    """Return the lines of a purchase."""
    purchase_id = str(document["_id"])
    return [
        SoldLine(
            purchase_id,
            str(line["product_id"]),
            int(line["quantity"]),
            int(line["remaining_stock"]),
            int(line["stock_version"]),
            int(line["returned"]),
        )
        for line in document["lines"]
    ]


def quantities(document: Mapping[str, Any]) -> list[tuple[ObjectId, int]]:
    """Return how many units of which products a document speaks of."""
    return [(line["product_id"], int(line["quantity"])) for line in document["lines"]]


def held_from(document: Mapping[str, Any]) -> Held:
    """Return what became of a reservation."""
    purchase_id = document["purchase_id"]
    return Held(State(document["state"]), None if purchase_id is None else str(purchase_id))
