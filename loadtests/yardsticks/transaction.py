"""The textbook's way to a ledger: counter and row in one transaction a purchase.

Whoever meets another purchase of the same product is aborted by MongoDB and begins anew, as often
as it takes; the driver does that.
"""

import os
from datetime import UTC, datetime

from bson import ObjectId
from flask import Flask
from flask.typing import ResponseReturnValue
from pymongo import ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from loadtests.yardsticks.shop import (
    Document,
    connect,
    create_shop,
    id_of,
    quantity_asked,
    refuse,
    shown,
)

DURABLE = WriteConcern(w="majority", j=True)


def create_app() -> Flask:
    """Build the app of this process, after any fork, from MONGO_URL."""
    client = connect(os.environ["MONGO_URL"])
    products, movements = client["transaction"]["products"], client["transaction"]["movements"]
    app = create_shop("transaction", products)

    def take(session: ClientSession, product_id: ObjectId, quantity: int) -> Document | None:
        product = products.find_one_and_update(
            {"_id": product_id, "stock": {"$gte": quantity}},
            {"$inc": {"stock": -quantity}},
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        if product is not None:
            row = {"product_id": product_id, "delta": -quantity, "balance": product["stock"]}
            movements.insert_one(row | {"at": datetime.now(UTC)}, session=session)
        return product

    @app.post("/api/products/<product_id>/purchase")
    def purchase(product_id: str) -> ResponseReturnValue:
        quantity, id = quantity_asked(), id_of(product_id)
        with client.start_session() as session:
            product = session.with_transaction(
                lambda session: take(session, id, quantity),
                read_concern=ReadConcern("snapshot"),
                write_concern=DURABLE,
            )
        return refuse(products, product_id) if product is None else (shown(product), 201)

    return app
