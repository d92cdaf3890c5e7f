"""Purchases, and what came back of them: business documents that point to their movements.

The purchase of one product by itself is derived from its movement; every other is written in the
transaction that moves the units.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import Any

from bson import Int64, ObjectId
from pymongo import DESCENDING, ReplaceOne
from pymongo.database import Database

from inventory.domain.lines import Line
from inventory.domain.purchases import Purchase, PurchaseLine, Return
from inventory.repository.decimals import decimal_from_bson, decimal_to_bson
from inventory.repository.mongo import (
    DERIVED,
    MAJORITY,
    Document,
    Session,
    object_id,
    reading,
)
from inventory.repository.movements import insert_missing


class PurchaseRepository:
    """Purchases by id, which is the id of the operation that made them."""

    def __init__(self, database: Database[Document]) -> None:
        self._purchases = database["purchases"]
        self._derived = self._purchases.with_options(write_concern=DERIVED)
        self._majority = self._purchases.with_options(read_concern=MAJORITY)
        self._returns = database["returns"]

    def add_missing(self, purchases: Iterable[Purchase], *, durable: bool = False) -> None:
        """Write those of `purchases` that are not there yet; as durable as their movements.

        With `durable` it waits until no failover can take them.
        """
        collection = self._purchases if durable else self._derived
        insert_missing(collection, [purchase_document(purchase) for purchase in purchases])

    def known_ids(self, purchase_ids: Sequence[str], session: Session | None = None) -> set[str]:
        """Return which of the purchases no failover can take; in a transaction, which it sees."""
        if not purchase_ids:
            return set()
        purchases = self._purchases if session else self._majority
        query = {"_id": {"$in": [ObjectId(text) for text in purchase_ids]}}
        with reading() if session is None else nullcontext():
            found = purchases.find(query, {"_id": True}, session=session).to_list()
        return {str(document["_id"]) for document in found}

    def get(self, purchase_id: str) -> Purchase | None:
        """Return one purchase."""
        with reading():
            document = self._purchases.find_one({"_id": object_id(purchase_id)})
        return None if document is None else purchase_from(document)

    def list_many(self, purchase_ids: Iterable[str]) -> list[Purchase]:
        """Return those of the purchases that no failover can take, in no particular order."""
        ids = [ObjectId(text) for text in purchase_ids]
        if not ids:
            return []
        with reading():
            found = self._majority.find({"_id": {"$in": ids}}).to_list()
        return [purchase_from(document) for document in found]

    def page(
        self, customer_id: str | None, product_id: str | None, before: str | None, count: int
    ) -> list[Purchase]:
        """Return up to `count` purchases made before the one called `before`, newest first."""
        query: Document = {}
        if customer_id is not None:
            query["customer_id"] = {"$eq": customer_id}
        if product_id is not None:
            query["lines.product_id"] = object_id(product_id)
        if before is not None:
            query["_id"] = {"$lt": object_id(before)}
        with reading():
            cursor = self._purchases.find(query).sort("_id", DESCENDING).limit(count)
            return [purchase_from(document) for document in cursor]

    def list_in(
        self,
        purchase_ids: Iterable[str],
        customers: Mapping[str, tuple[Iterable[str], datetime]],
        session: Session,
    ) -> list[Purchase]:
        """Return, as a transaction sees them, purchases and what customers bought.

        `customers` names the products, and the time since when, of which somebody's are wanted.
        """
        wanted: list[Document] = [
            {
                "customer_id": {"$eq": customer},
                "lines.product_id": {"$in": [ObjectId(product) for product in products]},
                "created_at": {"$gt": since},
            }
            for customer, (products, since) in customers.items()
        ]
        if ids := [id for text in purchase_ids if (id := object_id(text))]:
            wanted.append({"_id": {"$in": ids}})
        if not wanted:
            return []
        found = self._purchases.find({"$or": wanted}, session=session)
        return [purchase_from(document) for document in found]

    def put(self, purchases: Iterable[Purchase], session: Session) -> None:
        """Write new and changed purchases inside a transaction."""
        writes = [
            ReplaceOne({"_id": ObjectId(one.id)}, purchase_document(one), upsert=True)
            for one in purchases
        ]
        if writes:
            self._purchases.bulk_write(writes, ordered=False, session=session)

    def add_returns(self, returns: Sequence[Return], session: Session) -> None:
        """Write what came back, inside the transaction that counts it on the purchases."""
        if returns:
            documents = [return_document(one) for one in returns]
            self._returns.insert_many(documents, ordered=False, session=session)


def purchase_document(purchase: Purchase) -> Document:
    """Return a purchase as it is stored."""
    document: Document = {
        "_id": ObjectId(purchase.id),
        "lines": [
            {
                "product_id": ObjectId(line.product_id),
                "quantity": Int64(line.quantity),
                "unit_price": decimal_to_bson(line.unit_price),
                "remaining_stock": Int64(line.remaining_stock),
                "stock_version": Int64(line.stock_version),
                "backordered": Int64(line.backordered),
                "returned": Int64(line.returned),
            }
            for line in purchase.lines
        ],
        "currency": purchase.currency,
        "total": decimal_to_bson(purchase.total),
        "reference": purchase.reference,
        "created_at": purchase.created_at,
        "reservation_id": purchase.reservation_id and ObjectId(purchase.reservation_id),
        "reacquired": purchase.reacquired,
    }
    # The index of customers leaves out who has not said who they are.
    if purchase.customer_id is not None:
        document["customer_id"] = purchase.customer_id
    return document


def purchase_from(document: Mapping[str, Any]) -> Purchase:
    """Return the purchase that a document holds."""
    reservation_id = document["reservation_id"]
    return Purchase(
        id=str(document["_id"]),
        lines=tuple(
            PurchaseLine(
                product_id=str(line["product_id"]),
                quantity=int(line["quantity"]),
                unit_price=decimal_from_bson(line["unit_price"]),
                remaining_stock=int(line["remaining_stock"]),
                stock_version=int(line["stock_version"]),
                backordered=int(line["backordered"]),
                returned=int(line["returned"]),
            )
            for line in document["lines"]
        ),
        currency=document["currency"],
        customer_id=document.get("customer_id"),
        reference=document["reference"],
        created_at=document["created_at"],
        reservation_id=None if reservation_id is None else str(reservation_id),
        reacquired=document["reacquired"],
    )


def return_document(one: Return) -> Document:
    """Return what came back as it is stored."""
    return {
        "_id": ObjectId(one.id),
        "purchase_id": ObjectId(one.purchase_id),
        "lines": [
            {
                "product_id": ObjectId(line.product_id),
                "quantity": Int64(line.quantity),
                "remaining": Int64(remaining),
            }
            for line, remaining in zip(one.lines, one.remaining, strict=True)
        ],
        "reason": one.reason,
        "restocked": one.restocked,
        "created_at": one.created_at,
    }


def return_from(document: Mapping[str, Any]) -> Return:
    """Return what came back, as a document says."""
    lines = document["lines"]
    return Return(
        id=str(document["_id"]),
        purchase_id=str(document["purchase_id"]),
        lines=tuple(Line(str(line["product_id"]), int(line["quantity"])) for line in lines),
        remaining=tuple(int(line["remaining"]) for line in lines),
        reason=document["reason"],
        restocked=document["restocked"],
        created_at=document["created_at"],
    )
