"""The design that everybody writes first: one database command and two cache commands a purchase.

A guarded `$inc`, then both copies in the cache are dropped. No ledger, no idempotency.
"""

import os

from flask import Flask
from flask.typing import ResponseReturnValue
from pymongo import ReturnDocument
from redis import Redis

from loadtests.yardsticks.shop import connect, create_shop, id_of, quantity_asked, refuse, shown


def create_app() -> Flask:
    """Build the app of this process, after any fork, from MONGO_URL and REDIS_URL."""
    products = connect(os.environ["MONGO_URL"])["plain"]["products"]
    cache = Redis.from_url(os.environ["REDIS_URL"])
    app = create_shop("plain", products)

    @app.post("/api/products/<product_id>/purchase")
    def purchase(product_id: str) -> ResponseReturnValue:
        quantity = quantity_asked()
        product = products.find_one_and_update(
            {"_id": id_of(product_id), "stock": {"$gte": quantity}},
            {"$inc": {"stock": -quantity}},
            return_document=ReturnDocument.AFTER,
        )
        if product is None:
            return refuse(products, product_id)
        cache.delete(f"plain:product:{product_id}")
        cache.delete("plain:products")
        return shown(product), 201

    return app
