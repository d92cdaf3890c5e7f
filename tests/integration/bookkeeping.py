"""A store in which everything has happened once, for those who check its books or spoil them."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from bson import ObjectId
from pymongo.collection import Collection

from inventory.domain.lines import Line
from inventory.domain.movements import Reason
from inventory.domain.products import Terms
from inventory.repository.mongo import Document
from inventory.services.lines import AskedLine
from tests.integration.conftest import Process

# The versions at which the plain product has a purchase, and an adjustment among other movements.
SALE, ADJUSTMENT = 3, 4


@dataclass(slots=True)
class Store:
    """A store, and the names of what is in it."""

    process: Process
    # Everything happened to it, and its tail is in the ledger; a second one in the same cart.
    plain: str = ""
    other: str = ""
    # What happened to it is in the ledger and in its tail.
    tailed: str = ""
    # It left the catalogue.
    gone: str = ""
    # It stands below what its lowered limit allows.
    below: str = ""
    sale: str = ""
    cart: str = ""
    committed: str = ""
    bought: str = ""
    released: str = ""
    held: str = ""

    def collection(self, name: str) -> Collection[Document]:
        """Return a collection, to read and to spoil."""
        return self.process.database[name]

    def set(self, name: str, id: str, **values: Any) -> None:
        """Set fields of a document; two underscores stand for a dot."""
        change = {"$set": {field.replace("__", "."): value for field, value in values.items()}}
        assert self.collection(name).update_one({"_id": ObjectId(id)}, change).modified_count == 1

    def add(self, name: str, id: str, **numbers: int) -> None:
        """Add to numbers in a document; two underscores stand for a dot."""
        change = {"$inc": {field.replace("__", "."): by for field, by in numbers.items()}}
        assert self.collection(name).update_one({"_id": ObjectId(id)}, change).modified_count == 1

    def delete(self, name: str, id: str) -> None:
        """Delete a document."""
        assert self.collection(name).delete_one({"_id": ObjectId(id)}).deleted_count == 1

    def row(self, version: int, product_id: str | None = None) -> str:
        """Return the id of a row in the ledger, of the plain product if no other is named."""
        query = {"product_id": ObjectId(product_id or self.plain), "version": version}
        found = self.collection("movements").find_one(query)
        assert found is not None
        return str(found["_id"])

    def last(self, product_id: str | None = None) -> str:
        """Return the id of the last row of a product's ledger."""
        return self.row(self.version(product_id), product_id)

    def version(self, product_id: str | None = None) -> int:
        """Return the version that a product's counters have."""
        snapshot = self.process.stock.get(product_id or self.plain)
        assert snapshot is not None
        return snapshot.version

    def keep_tails(self) -> None:
        """Let no tail be left behind yet, however long whoever looks at it takes to start."""
        later = {"$set": {"tail_since": self.process.clock.now() + timedelta(hours=1)}}
        self.collection("stock").update_many({"tail_since": {"$exists": True}}, later)

    def everything(self) -> dict[str, list[Document]]:
        """Return every document of every collection."""
        database = self.process.database
        names = sorted(database.list_collection_names())
        return {name: list(database[name].find().sort("_id")) for name in names}


def build(process: Process) -> Store:
    """Let everything happen once."""
    store = Store(process)
    store.plain = process.create(stock=30, sku="PLAIN")
    store.other = process.create(stock=30, sku="OTHER", oversell_limit=3)
    process.adjusting.adjust_stock(store.plain, 5, Reason.RECEIVED)
    store.sale = process.purchasing.purchase_product(store.plain, 2, customer_id="ann")[0].id
    process.adjusting.adjust_stock(store.plain, -1, Reason.DAMAGED)
    _buy(store)
    _hold(store)
    process.counting.take_stock([AskedLine(20, sku="PLAIN")])
    process.adjusting.adjust_stock(store.plain, 1, Reason.FOUND)
    _settle(process, store.plain, store.other)
    _come_and_go(store)
    return store


def _settle(process: Process, *product_ids: str) -> None:
    """Empty tails; a majority read may see a row a moment after it was written."""
    deadline = time.monotonic() + 10
    while waiting := [s for s in process.stock.list_many(product_ids) if s.tail]:
        assert time.monotonic() < deadline
        process.archive.settle(waiting)


def _buy(store: Store) -> None:
    purchasing = store.process.purchasing
    cart = [AskedLine(3, sku="PLAIN"), AskedLine(2, sku="OTHER")]
    store.cart = purchasing.buy_cart(cart)[0].id
    purchasing.return_units(store.cart, [Line(store.plain, 1)], "too small")
    purchasing.return_units(store.cart, [Line(store.other, 2)], "broken", restock=False)


def _hold(store: Store) -> None:
    reserving = store.process.reserving
    lines = [AskedLine(3, sku="PLAIN"), AskedLine(1, sku="OTHER")]
    store.committed = reserving.hold(lines, 60)[0].id
    store.bought = reserving.commit(store.committed, [Line(store.plain, 2)], None)[0].id
    store.released = reserving.hold(lines, 60)[0].id
    reserving.release(store.released, None)
    store.held = reserving.hold(lines, 60)[0].id
    # One that has run out, and nobody has noticed.
    forgotten = reserving.hold(lines, 60)[0]
    past = forgotten.created_at - timedelta(seconds=1)
    store.set("reservations", forgotten.id, expires_at=past)
    # One that had run out when it was committed, and whose units could be had once more.
    late = reserving.hold(lines, 60)[0]
    store.set("reservations", late.id, expires_at=past)
    reserving.commit(late.id, None, None)


def _come_and_go(store: Store) -> None:
    process = store.process
    store.tailed = process.create(stock=9)
    for _ in range(3):
        process.purchasing.purchase_product(store.tailed, 1)
    process.catalogue.edit_product(store.tailed, None, _dearer)
    process.adjusting.adjust_stock(store.tailed, 2, Reason.FOUND)
    store.gone = process.create(stock=2)
    process.purchasing.purchase_product(store.gone, 1)
    process.catalogue.delete_product(store.gone, None)
    store.below = process.create(stock=1, oversell_limit=5)
    process.purchasing.purchase_product(store.below, 4)
    process.catalogue.edit_product(store.below, None, _stricter)


def _dearer(terms: Terms) -> Terms:
    return replace(terms, price=terms.price * 2)


def _stricter(terms: Terms) -> Terms:
    return replace(terms, oversell_limit=0)


Spoil = Callable[[Store], object]
