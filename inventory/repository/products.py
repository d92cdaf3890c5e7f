"""The catalogue: products without their counters."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from bson import Decimal128, Int64, ObjectId
from pymongo import ASCENDING, DESCENDING
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from inventory import limits
from inventory.domain.products import (
    Attribute,
    Availability,
    Position,
    Product,
    ProductFilter,
    SortKey,
    Terms,
    search_words,
    sort_name,
)
from inventory.errors import DuplicateSku
from inventory.repository.decimals import decimal_from_bson, decimal_to_bson
from inventory.repository.entries import customer_limit_document, customer_limit_from
from inventory.repository.mongo import (
    MAJORITY,
    Document,
    Session,
    object_id,
    reading,
)
from inventory.repository.updates import LOW

# The stored field that a sort compares; names are compared folded, as people read them.
_SORT_FIELDS = {"created_at": "created_at", "name": "name_key", "price": "price"}


class ProductRepository:
    """Catalogue entries by id. Deleted ones have a collection of their own, out of every list.

    Outside of transactions only what a majority has on its disk is read: readers and the cache are
    not to see what can still be lost.
    """

    def __init__(self, database: Database[Document]) -> None:
        self._products = database.get_collection("products", read_concern=MAJORITY)
        self._deleted = database["deleted_products"]
        self._stock = database["stock"]

    def add(self, product: Product, session: Session) -> None:
        """Write a new product inside a transaction; raise `DuplicateSku` if the sku is taken."""
        try:
            self._products.insert_one(product_document(product), session=session)
        except DuplicateKeyError as error:
            raise DuplicateSku(product.terms.sku or "") from error

    def replace(self, product: Product, session: Session) -> None:
        """Write an edited product inside the transaction that read the old one."""
        try:
            self._products.replace_one(
                {"_id": ObjectId(product.id)}, product_document(product), session=session
            )
        except DuplicateKeyError as error:
            raise DuplicateSku(product.terms.sku or "") from error

    def remove(self, product: Product, deleted_at: datetime, session: Session) -> None:
        """Move a product out of the catalogue inside the transaction that read it."""
        document = product_document(product) | {"deleted_at": deleted_at}
        self._deleted.insert_one(document, session=session)
        self._products.delete_one({"_id": document["_id"]}, session=session)

    def get_in(self, product_id: str, session: Session) -> Product | None:
        """Return one product as a transaction sees it; conflicts are left to the transaction."""
        document = self._products.find_one({"_id": object_id(product_id)}, session=session)
        return None if document is None else product_from(document)

    def list_many(self, product_ids: Iterable[str]) -> list[Product]:
        """Return those of the products that exist, in no particular order."""
        ids = [id for text in product_ids if (id := object_id(text))]
        with reading():
            return [
                product_from(document) for document in self._products.find({"_id": {"$in": ids}})
            ]

    def ids_by_sku(self, skus: Iterable[str]) -> dict[str, str]:
        """Return the ids of those of the products that bear these skus, by sku."""
        query = {"sku": {"$in": list(skus)}}
        with reading():
            found = self._products.find(query, {"sku": True}).to_list()
        return {document["sku"]: str(document["_id"]) for document in found}

    def page(
        self, wanted: ProductFilter, sort: SortKey, after: Position | None, count: int
    ) -> list[Product]:
        """Return up to `count` products after a position; a deep page costs what the first does.

        Whether a product is in stock, or low, only its counters know: they are asked for one batch
        of products after the other, until the page is full or the list at its end.
        """
        if not wanted.asks_for_stock:
            return self._page(wanted, sort, after, count)
        few = self._few_low() if wanted.low_stock else None
        found: list[Product] = []
        while True:
            batch = self._page(wanted, sort, after, limits.STOCK_BATCH_PRODUCTS, few)
            fitting = self._fitting(batch, wanted)
            found += [one for one in batch if one.id in fitting]
            if len(found) >= count or len(batch) < limits.STOCK_BATCH_PRODUCTS:
                return found[:count]
            after = Position.of(batch[-1], sort)

    def _page(
        self,
        wanted: ProductFilter,
        sort: SortKey,
        after: Position | None,
        count: int,
        among: list[ObjectId] | None = None,
    ) -> list[Product]:
        field = _SORT_FIELDS[sort.field]
        direction = DESCENDING if sort.descending else ASCENDING
        conditions = _conditions(wanted)
        if among is not None:
            conditions.append({"_id": {"$in": among}})
        if after is not None:
            conditions.append(_beyond(field, after, "$lt" if sort.descending else "$gt"))
        query: Document = {"$and": conditions} if conditions else {}
        with reading():
            cursor = self._products.find(query).sort({field: direction, "_id": direction})
            return [product_from(document) for document in cursor.limit(count)]

    def _few_low(self) -> list[ObjectId] | None:
        """Return the ids of all products of which little is left; None if they are many.

        Where they are many, a batch of any products has some of them.
        """
        with reading():
            low = self._stock.find(LOW, {"_id": True}).hint("low")
            found = low.limit(limits.LOW_PRODUCTS_MAX + 1).to_list()
        if len(found) > limits.LOW_PRODUCTS_MAX:
            return None
        return [document["_id"] for document in found]

    def _fitting(self, products: Iterable[Product], wanted: ProductFilter) -> set[str]:
        """Return the ids of those of the products whose counters are as wanted now."""
        query = {"_id": {"$in": [ObjectId(product.id) for product in products]}}
        shown = ("available", "low_stock_threshold", "headroom")
        with reading():
            found = self._stock.find(query, dict.fromkeys(shown, True)).to_list()
        return {str(counters["_id"]) for counters in found if _fits(counters, wanted)}


def _fits(counters: Document, wanted: ProductFilter) -> bool:
    available, threshold, headroom = (
        int(counters[name]) for name in ("available", "low_stock_threshold", "headroom")
    )
    low = Availability.of(available, threshold, headroom) is Availability.LOW_STOCK
    return wanted.in_stock in (None, headroom > 0) and wanted.low_stock in (None, low)


def _conditions(wanted: ProductFilter) -> list[Document]:
    # Folded words hold letters and digits only, so they are safe inside a pattern; an anchored
    # prefix is answered by the index.
    conditions: list[Document] = [{"words": {"$regex": f"^{word}"}} for word in wanted.words or ()]
    if wanted.words == ():
        conditions.append({"_id": {"$in": []}})
    if wanted.sku is not None:
        conditions.append({"sku": {"$eq": wanted.sku}})
    if wanted.tag is not None:
        conditions.append({"tags": {"$eq": wanted.tag}})
    if wanted.ids is not None:
        ids = [id for text in wanted.ids if (id := object_id(text))]
        conditions.append({"_id": {"$in": ids}})
    if wanted.min_price is not None:
        conditions.append({"price": {"$gte": decimal_to_bson(wanted.min_price)}})
    if wanted.max_price is not None:
        conditions.append({"price": {"$lte": decimal_to_bson(wanted.max_price)}})
    return conditions


def _beyond(field: str, after: Position, operator: str) -> Document:
    value: Any = after.value
    if isinstance(value, Decimal):
        value = decimal_to_bson(value)
    tie = {field: {"$eq": value}, "_id": {operator: object_id(after.id)}}
    return {"$or": [{field: {operator: value}}, tie]}


def product_document(product: Product) -> Document:
    """Return a product as the catalogue stores it."""
    terms = product.terms
    document: Document = {
        "_id": ObjectId(product.id),
        "name": terms.name,
        "name_key": sort_name(terms.name),
        "words": search_words(terms),
        "description": terms.description,
        "price": decimal_to_bson(terms.price),
        "currency": terms.currency,
        "tags": list(terms.tags),
        "attributes": {
            name: decimal_to_bson(value) if isinstance(value, Decimal) else value
            for name, value in terms.attributes.items()
        },
        "low_stock_threshold": Int64(terms.low_stock_threshold),
        "oversell_limit": Int64(terms.oversell_limit),
        "max_per_order": terms.max_per_order,
        "max_per_customer": customer_limit_document(terms.max_per_customer),
        "version": Int64(product.version),
        "created_at": product.created_at,
        "updated_at": product.updated_at,
    }
    # A partial unique index must see no sku at all, rather than many that are null.
    if terms.sku is not None:
        document["sku"] = terms.sku
    return document


def product_from(document: Mapping[str, Any]) -> Product:
    """Return the product that a catalogue document holds."""
    terms = Terms(
        name=document["name"],
        price=decimal_from_bson(document["price"]),
        currency=document["currency"],
        sku=document.get("sku"),
        description=document["description"],
        tags=tuple(document["tags"]),
        attributes={name: _attribute(value) for name, value in document["attributes"].items()},
        low_stock_threshold=int(document["low_stock_threshold"]),
        oversell_limit=int(document["oversell_limit"]),
        max_per_order=document["max_per_order"],
        max_per_customer=customer_limit_from(document["max_per_customer"]),
    )
    return Product(
        id=str(document["_id"]),
        terms=terms,
        version=int(document["version"]),
        created_at=document["created_at"],
        updated_at=document["updated_at"],
    )


def _attribute(value: Any) -> Attribute:
    return decimal_from_bson(value) if isinstance(value, Decimal128) else value
