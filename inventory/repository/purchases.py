"""Purchases: business documents, derived from the movements that took the units."""

from collections.abc import Iterable, Mapping
from typing import Any

from bson import Int64, ObjectId
from pymongo.database import Database

from inventory.domain.purchases import Purchase, PurchaseLine
from inventory.repository.mongo import (
    DERIVED,
    Document,
    decimal_from_bson,
    decimal_to_bson,
    object_id,
    reading,
)
from inventory.repository.movements import insert_missing


class PurchaseRepository:
    """Purchases by id, which is the id of the operation that made them."""

    def __init__(self, database: Database[Document]) -> None:
        self._purchases = database["purchases"]
        self._derived = self._purchases.with_options(write_concern=DERIVED)

    def add_missing(self, purchases: Iterable[Purchase]) -> None:
        """Write those of `purchases` that are not there yet; as durable as their movements."""
        insert_missing(self._derived, [_document(purchase) for purchase in purchases])

    def get(self, purchase_id: str) -> Purchase | None:
        """Return one purchase."""
        with reading():
            document = self._purchases.find_one({"_id": object_id(purchase_id)})
        return None if document is None else _purchase(document)


def _document(purchase: Purchase) -> Document:
    return {
        "_id": ObjectId(purchase.id),
        "lines": [
            {
                "product_id": ObjectId(line.product_id),
                "quantity": Int64(line.quantity),
                "unit_price": decimal_to_bson(line.unit_price),
                "remaining_stock": Int64(line.remaining_stock),
                "stock_version": Int64(line.stock_version),
            }
            for line in purchase.lines
        ],
        "currency": purchase.currency,
        "total": decimal_to_bson(purchase.total),
        "customer_id": purchase.customer_id,
        "reference": purchase.reference,
        "created_at": purchase.created_at,
    }


def _purchase(document: Mapping[str, Any]) -> Purchase:
    return Purchase(
        id=str(document["_id"]),
        lines=tuple(
            PurchaseLine(
                product_id=str(line["product_id"]),
                quantity=int(line["quantity"]),
                unit_price=decimal_from_bson(line["unit_price"]),
                remaining_stock=int(line["remaining_stock"]),
                stock_version=int(line["stock_version"]),
            )
            for line in document["lines"]
        ),
        currency=document["currency"],
        customer_id=document["customer_id"],
        reference=document["reference"],
        created_at=document["created_at"],
    )
