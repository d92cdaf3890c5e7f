"""The books of a shop that has traded for a while, written straight into the database.

Every product has ten movements that fit together, as the service would have written them one by
one. Knows how documents are stored; checks nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from bson import Int64, ObjectId
from pymongo.database import Database
from pymongo.write_concern import WriteConcern

from inventory.domain.movements import Entry, Kind, Movement, Reason
from inventory.domain.products import Product, Terms
from inventory.domain.purchases import Purchase, PurchaseLine
from inventory.domain.reservations import HeldLine, Reservation, State
from inventory.repository.mongo import Document
from inventory.repository.movements import movement_document
from inventory.repository.products import product_document
from inventory.repository.purchases import purchase_document
from inventory.repository.reservations import reservation_document
from inventory.repository.updates import mirrored

MOVEMENTS_PER_PRODUCT = 10
_SALES = 6
_STOCK = 1_000
_PRODUCTS_AT_ONCE = 500
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_TERMS = Terms.of(name="Air Runner", price=Decimal("89.90"))


@dataclass(slots=True)
class _Pile:
    """Documents that wait to be written, by collection."""

    documents: dict[str, list[Document]] = field(default_factory=dict)

    def add(self, name: str, document: Document) -> None:
        self.documents.setdefault(name, []).append(document)

    def write(self, database: Database[Document]) -> None:
        for name, documents in self.documents.items():
            collection = database.get_collection(name, write_concern=WriteConcern(w=1))
            collection.insert_many(documents, ordered=False)
        self.documents.clear()


def fill(database: Database[Document], products: int) -> int:
    """Write the books of `products` products; return how many movements they have."""
    pile = _Pile()
    for number in range(1, products + 1):
        _trade(pile)
        if number % _PRODUCTS_AT_ONCE == 0 or number == products:
            pile.write(database)
    return products * MOVEMENTS_PER_PRODUCT


def _trade(pile: _Pile) -> None:
    product_id = str(ObjectId())
    pile.add("products", product_document(Product(product_id, _TERMS, 1, _BEGAN, _BEGAN)))
    version = balance = held = 0
    for entry in _entries(product_id, pile):
        version, balance, held = version + 1, balance + entry.delta, held + entry.held_delta
        movement = Movement(product_id, version, balance, held, entry)
        pile.add("movements", movement_document(movement))
        if entry.kind is Kind.PURCHASE:
            pile.add("purchases", purchase_document(Purchase.of(movement)))
        elif entry.kind is Kind.COMMIT:
            pile.add("purchases", purchase_document(_bought(movement)))
    counters: Document = {
        "_id": ObjectId(product_id),
        "available": Int64(balance),
        "held": Int64(held),
        "headroom": Int64(balance),
        "version": Int64(version),
        "closed": False,
        "tail": [],
        "trimmed_at": _BEGAN + timedelta(minutes=version),
        "terms_version": Int64(1),
    }
    pile.add("stock", counters | mirrored(_TERMS))


def _entries(product_id: str, pile: _Pile) -> Iterator[Entry]:
    at = _BEGAN
    common: dict[str, Any] = {"price": _TERMS.price, "currency": _TERMS.currency}
    yield Entry(product_id, Kind.OPENING, _STOCK, at, **common)
    for number in range(_SALES):
        at += timedelta(minutes=1)
        yield Entry(str(ObjectId()), Kind.PURCHASE, -1 - number % 3, at, **common)
    yield Entry(str(ObjectId()), Kind.ADJUSTMENT, 5, at, reason=Reason.RECEIVED, **common)
    reservation = _reservation(product_id, at)
    pile.add("reservations", reservation_document(reservation))
    names: dict[str, Any] = {"reservation_id": reservation.id, **common}
    yield Entry(str(ObjectId()), Kind.HOLD, -2, at, held_delta=2, **names)
    bought: dict[str, Any] = {"purchase_id": reservation.purchase_id, **names}
    yield Entry(str(ObjectId()), Kind.COMMIT, 0, at, held_delta=-2, **bought)


def _reservation(product_id: str, at: datetime) -> Reservation:
    return Reservation(
        id=str(ObjectId()),
        state=State.COMMITTED,
        lines=(HeldLine(product_id, 2),),
        customer_id=None,
        reference=None,
        created_at=at,
        expires_at=at + timedelta(minutes=10),
        ended_at=at,
        purchase_id=str(ObjectId()),
    )


def _bought(movement: Movement) -> Purchase:
    entry = movement.entry
    return Purchase(
        id=str(entry.purchase_id),
        lines=(PurchaseLine.of(movement, -entry.held_delta, 0),),
        currency=_TERMS.currency,
        customer_id=None,
        reference=None,
        created_at=entry.at,
        reservation_id=entry.reservation_id,
    )
