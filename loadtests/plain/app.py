"""Products with a guarded stock, one database command and two cache commands a purchase."""

from typing import Any

from bson import ObjectId
from bson.errors import InvalidId
from flask import Flask, Response, abort, jsonify, request
from flask.typing import ResponseReturnValue
from pymongo import MongoClient, ReturnDocument
from redis import Redis


def create_app(mongo_url: str, redis_url: str) -> Flask:
    """Build the app of this process, after any fork."""
    client: MongoClient[dict[str, Any]] = MongoClient(mongo_url, w="majority", journal=True)
    products = client["plain"]["products"]
    cache = Redis.from_url(redis_url)
    app = Flask("plain")

    @app.get("/readyz")
    def ready() -> ResponseReturnValue:
        client.admin.command("ping")
        return jsonify(status="ready")

    @app.post("/api/products")
    def create() -> ResponseReturnValue:
        body = request.get_json()
        product = {"name": body["name"], "price": body["price"], "stock": body["stock"]}
        products.insert_one(product)
        return _shown(product), 201

    @app.get("/api/products/<product_id>/stock")
    def stock(product_id: str) -> ResponseReturnValue:
        product = products.find_one({"_id": _id(product_id)}) or abort(404)
        return jsonify(available=product["stock"])

    @app.post("/api/products/<product_id>/purchase")
    def purchase(product_id: str) -> ResponseReturnValue:
        quantity = request.get_json().get("quantity")
        if not isinstance(quantity, int) or quantity < 1:
            return jsonify(error="quantity must be a positive integer"), 422
        product = products.find_one_and_update(
            {"_id": _id(product_id), "stock": {"$gte": quantity}},
            {"$inc": {"stock": -quantity}},
            return_document=ReturnDocument.AFTER,
        )
        if product is None:
            if products.find_one({"_id": _id(product_id)}) is None:
                abort(404)
            return jsonify(error="insufficient stock"), 409
        cache.delete(f"plain:product:{product_id}")
        cache.delete("plain:products")
        return _shown(product), 201

    return app


def _id(text: str) -> ObjectId:
    try:
        return ObjectId(text)
    except InvalidId:
        abort(404)


def _shown(product: dict[str, Any]) -> Response:
    return jsonify(
        id=str(product["_id"]),
        name=product["name"],
        price=product["price"],
        stock=product["stock"],
    )
