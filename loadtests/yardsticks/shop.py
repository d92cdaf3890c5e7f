"""What every shop with a store needs: to get products, to tell their stock, to be ready."""

from typing import Any

from bson import ObjectId
from bson.errors import InvalidId
from flask import Flask, Response, abort, jsonify, request
from flask.typing import ResponseReturnValue
from pymongo import MongoClient
from pymongo.collection import Collection

Document = dict[str, Any]


def connect(mongo_url: str) -> MongoClient[Document]:
    """Build the client of this process: what it acknowledges is on the disk of a majority."""
    return MongoClient(mongo_url, w="majority", journal=True)


def create_shop(name: str, products: Collection[Document]) -> Flask:
    """Build an app that can do everything but sell."""
    app = Flask(name)

    @app.get("/readyz")
    def ready() -> ResponseReturnValue:
        products.database.client.admin.command("ping")
        return jsonify(status="ready")

    @app.post("/api/products")
    def create() -> ResponseReturnValue:
        body = request.get_json()
        product = {"name": body["name"], "price": body["price"], "stock": body["stock"]}
        products.insert_one(product)
        return shown(product), 201

    @app.get("/api/products/<product_id>/stock")
    def stock(product_id: str) -> ResponseReturnValue:
        product = products.find_one({"_id": id_of(product_id)}) or abort(404)
        return jsonify(available=product["stock"])

    return app


def quantity_asked() -> int:
    """Return how many units the request wants; end it with 422 if that is no number of units."""
    quantity = request.get_json().get("quantity")
    if not isinstance(quantity, int) or quantity < 1:
        abort(422)
    return quantity


def refuse(products: Collection[Document], product_id: str) -> ResponseReturnValue:
    """Answer a purchase that found nothing to take: the product is unknown, or short."""
    if products.find_one({"_id": id_of(product_id)}) is None:
        abort(404)
    return jsonify(error="insufficient stock"), 409


def id_of(text: str) -> ObjectId:
    """Return the id that a path holds; end the request with 404 if it is none."""
    try:
        return ObjectId(text)
    except InvalidId:
        abort(404)


def shown(product: Document) -> Response:
    """Answer with a product."""
    return jsonify(
        id=str(product["_id"]),
        name=product["name"],
        price=product["price"],
        stock=product["stock"],
    )
