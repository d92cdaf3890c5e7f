"""Routes with nothing behind them: what Flask and gunicorn make of the same requests.

A purchase reads its JSON and writes its answer; reads answer with bytes that are there already. So
this is a bound that an app on the same servers can come near to and not pass.
"""

import json
import os
from pathlib import Path

from flask import Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue

JSON = "application/json"


def create_app() -> Flask:
    """Build the app of this process; the file BARE_ANSWERS holds what it answers.

    The file is a JSON object with the texts `purchase`, `product` and `page`, each the body of an
    answer of the service's.
    """
    bodies = json.loads(Path(os.environ["BARE_ANSWERS"]).read_text())
    purchased = json.loads(bodies["purchase"])
    product, page = bodies["product"].encode(), bodies["page"].encode()
    app = Flask("bare")

    @app.get("/readyz")
    def ready() -> ResponseReturnValue:
        return jsonify(status="ready")

    @app.post("/api/products/<product_id>/purchase")
    def purchase(product_id: str) -> ResponseReturnValue:
        quantity = request.get_json().get("quantity")
        return jsonify(purchased | {"product_id": product_id, "quantity": quantity}), 201

    @app.get("/api/products/<_product_id>")
    def read(_product_id: str) -> ResponseReturnValue:
        return Response(product, mimetype=JSON)

    @app.get("/api/products")
    def read_page() -> ResponseReturnValue:
        return Response(page, mimetype=JSON)

    return app
