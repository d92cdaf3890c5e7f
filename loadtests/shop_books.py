"""The books of a shop, written straight into the database: one that has traded, or a new one.

Every product has movements that fit together, as the service would have written them one by one.
Knows how documents are stored; checks nothing.
"""

from collections.abc import Callable, Iterator
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


# The movements of a product, from its id; what belongs to them goes onto the pile.
_Entries = Callable[[str, _Pile], Iterator[Entry]]


def fill(database: Database[Document], products: int) -> int:
    """Write the books of `products` products; return how many movements they have."""
    _write(database, products, _traded)
    return products * MOVEMENTS_PER_PRODUCT


def open_shop(database: Database[Document], products: int, stock: int) -> list[str]:
    """Write the books of `products` products that nobody has bought yet; return their ids."""
    return _write(database, products, lambda product_id, _: iter([_opening(product_id, stock)]))


def _write(database: Database[Document], products: int, entries: _Entries) -> list[str]:
    pile = _Pile()
    product_ids = []
    for number in range(1, products + 1):
        product_ids.append(str(ObjectId()))
        _enter(pile, product_ids[-1], entries)
        if number % _PRODUCTS_AT_ONCE == 0 or number == products:
            pile.write(database)
    return product_ids


def _enter(pile: _Pile, product_id: str, entries: _Entries) -> None:
    pile.add("products", product_document(Product(product_id, _TERMS, 1, _BEGAN, _BEGAN)))
    version = balance = held = 0
    for entry in entries(product_id, pile):
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


def _opening(product_id: str, stock: int) -> Entry:
    return Entry(
        *(product_id, Kind.OPENING, stock, _BEGAN),
        price=_TERMS.price,
        currency=_TERMS.currency,
    )


def _traded(product_id: str, pile: _Pile) -> Iterator[Entry]:
    at = _BEGAN
    common: dict[str, Any] = {"price": _TERMS.price, "currency": _TERMS.currency}
    yield _opening(product_id, _STOCK)
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
