"""The books of a shop, written straight into the database: one that has traded, or a new one.

Every product has movements that fit together, as the service would have written them one by one.
Knows how documents are stored; checks nothing.
"""

from collections.abc import Callable, Iterable, Iterator
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
_DOCUMENTS_AT_ONCE = 10_000
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_TERMS = Terms.of(name="Air Runner", price=Decimal("89.90"))


@dataclass(slots=True)
class _Pile:
    """Documents that wait to be written, by collection; written whenever there are many."""

    database: Database[Document]
    documents: dict[str, list[Document]] = field(default_factory=dict)
    waiting: int = 0

    def add(self, name: str, document: Document) -> None:
        self.documents.setdefault(name, []).append(document)
        self.waiting += 1
        if self.waiting >= _DOCUMENTS_AT_ONCE:
            self.write()

    def write(self) -> None:
        for name, documents in self.documents.items():
            collection = self.database.get_collection(name, write_concern=WriteConcern(w=1))
            collection.insert_many(documents, ordered=False)
        self.documents.clear()
        self.waiting = 0


# The movements of a product; what belongs to them goes onto the pile.
_Entries = Callable[[Product, _Pile], Iterator[Entry]]


def fill(database: Database[Document], products: int) -> int:
    """Write the books of `products` products; return how many movements they have."""
    _write(database, map(_usual, range(products)), _traded)
    return products * MOVEMENTS_PER_PRODUCT


def open_shop(database: Database[Document], products: int, stock: int) -> list[str]:
    """Write the books of `products` products that nobody has bought yet; return their ids."""
    return _write(
        database,
        map(_usual, range(products)),
        lambda product, _: iter([_opening(product, stock)]),
    )


def open_catalogue(
    database: Database[Document], products: int, stock: int
) -> list[tuple[str, datetime]]:
    """Write products that differ in name, price and age, the oldest first; nobody has bought any.

    Returns their ids and when they were created.
    """
    numbers = range(products)
    ids = _write(
        database,
        map(_one_of_many, numbers),
        lambda product, _: iter([_opening(product, stock)]),
    )
    return [(id, _created_at(number)) for id, number in zip(ids, numbers, strict=True)]


def write_bestseller(database: Database[Document], movements: int, stock: int) -> str:
    """Write a product with so many movements, all but its opening sales; return its id.

    It is older than all others, and `stock` units of it are left.
    """

    def sold(product: Product, _: _Pile) -> Iterator[Entry]:
        yield _opening(product, stock + movements - 1)
        common: dict[str, Any] = {"price": product.terms.price, "currency": product.terms.currency}
        for number in range(1, movements):
            yield Entry(str(ObjectId()), Kind.PURCHASE, -1, _created_at(number), **common)

    return _write(database, [_usual(0)], sold)[0]


def _usual(_: int) -> Product:
    return Product(str(ObjectId()), _TERMS, 1, _BEGAN, _BEGAN)


def _one_of_many(number: int) -> Product:
    terms = Terms(
        name=f"Air Runner {number}",
        price=_TERMS.price + number % 1_000,
        description="A light shoe for long runs on the road, with a knitted upper part.",
        tags=("sneaker", f"shelf-{number % 1_000}"),
    )
    at = _created_at(number)
    return Product(str(ObjectId()), terms, 1, at, at)


def _created_at(number: int) -> datetime:
    return _BEGAN + timedelta(seconds=number)


def _write(
    database: Database[Document], products: Iterable[Product], entries: _Entries
) -> list[str]:
    pile = _Pile(database)
    product_ids = []
    for product in products:
        product_ids.append(product.id)
        _enter(pile, product, entries)
    pile.write()
    return product_ids


def _enter(pile: _Pile, product: Product, entries: _Entries) -> None:
    pile.add("products", product_document(product))
    version = balance = held = 0
    at = product.created_at
    for entry in entries(product, pile):
        version, balance, held = version + 1, balance + entry.delta, held + entry.held_delta
        at = entry.at
        movement = Movement(product.id, version, balance, held, entry)
        pile.add("movements", movement_document(movement))
        if entry.kind is Kind.PURCHASE:
            pile.add("purchases", purchase_document(Purchase.of(movement)))
        elif entry.kind is Kind.COMMIT:
            pile.add("purchases", purchase_document(_bought(movement)))
    counters: Document = {
        "_id": ObjectId(product.id),
        "available": Int64(balance),
        "held": Int64(held),
        "headroom": Int64(balance),
        "spare": Int64(balance - product.terms.low_stock_threshold),
        "version": Int64(version),
        "closed": False,
        "tail": [],
        "trimmed_at": at,
        "terms_version": Int64(1),
    }
    pile.add("stock", counters | mirrored(product.terms))


def _opening(product: Product, stock: int) -> Entry:
    return Entry(
        *(product.id, Kind.OPENING, stock, product.created_at),
        price=product.terms.price,
        currency=product.terms.currency,
    )


def _traded(product: Product, pile: _Pile) -> Iterator[Entry]:
    at = _BEGAN
    common: dict[str, Any] = {"price": _TERMS.price, "currency": _TERMS.currency}
    yield _opening(product, _STOCK)
    for number in range(_SALES):
        at += timedelta(minutes=1)
        yield Entry(str(ObjectId()), Kind.PURCHASE, -1 - number % 3, at, **common)
    yield Entry(str(ObjectId()), Kind.ADJUSTMENT, 5, at, reason=Reason.RECEIVED, **common)
    reservation = _reservation(product.id, at)
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
