"""What changes stock, and what became of it: purchases, adjustments, counters, movements."""

from typing import Any

from flask import Blueprint, Response

from inventory.api import cursors, presenters
from inventory.api.context import context
from inventory.api.contract import contract
from inventory.api.responses import answer, replayable
from inventory.api.schemas.stock import (
    AdjustmentSchema,
    MovementListSchema,
    PurchaseSchema,
    StockQuerySchema,
)
from inventory.domain.claims import RequestKey
from inventory.errors import (
    InsufficientStock,
    Overloaded,
    ProductNotFound,
    PurchaseLimitExceeded,
    PurchaseNotFound,
    StaleStock,
    StockLimitExceeded,
)

bp = Blueprint("stock", __name__, url_prefix="/api")


@bp.post("/products/<product_id>/purchase")
@contract(
    "Buy units of one product",
    {201: "Purchase"},
    body=PurchaseSchema(),
    problems=(ProductNotFound, InsufficientStock, PurchaseLimitExceeded, Overloaded),
    idempotent=True,
    headers=("Location",),
)
def purchase_product(product_id: str, body: dict[str, Any], key: RequestKey | None) -> Response:
    """Buy units of one product, all or none; a retry with the same key gets the first answer."""
    purchase, replayed = context().purchasing.purchase_product(product_id, key=key, **body)
    location = f"{bp.url_prefix}/purchases/{purchase.id}"
    return replayable(presenters.purchase(purchase), 201, replayed=replayed, Location=location)


@bp.get("/purchases/<purchase_id>")
@contract("Read a purchase", {200: "Purchase"}, problems=(PurchaseNotFound,))
def get_purchase(purchase_id: str) -> Response:
    """Read one purchase."""
    return answer(presenters.purchase(context().purchasing.get_purchase(purchase_id)))


@bp.post("/products/<product_id>/adjustments")
@contract(
    "Adjust the stock of a product",
    {201: "Movement"},
    body=AdjustmentSchema(),
    problems=(ProductNotFound, InsufficientStock, StaleStock, StockLimitExceeded, Overloaded),
    idempotent=True,
)
def adjust_stock(product_id: str, body: dict[str, Any], key: RequestKey | None) -> Response:
    """Change stock for a reason other than a sale; the sign must fit the reason."""
    done = context().adjusting.adjust_stock(product_id, key=key, **body)
    return replayable(presenters.movement(done.movement), 201, replayed=done.replayed)


@bp.get("/products/<product_id>/stock")
@contract(
    "Read the stock of a product",
    {200: "Stock"},
    query=StockQuerySchema(),
    problems=(ProductNotFound,),
)
def get_stock(product_id: str, query: dict[str, Any]) -> Response:
    """Read the counters straight from the database, now or as of a time in the past."""
    as_of = query.get("as_of")
    if as_of is None:
        return answer(presenters.stock_now(context().adjusting.get_stock(product_id)))
    movement = context().adjusting.get_stock_as_of(product_id, as_of)
    return answer(presenters.stock_then(movement, as_of))


@bp.get("/products/<product_id>/movements")
@contract(
    "List the movements of a product",
    {200: "MovementPage"},
    query=MovementListSchema(),
    problems=(ProductNotFound,),
)
def list_movements(product_id: str, query: dict[str, Any]) -> Response:
    """List what happened to a product's stock, the newest first; deleted products included."""
    before, count = cursors.decode_version(query.get("cursor")), query["limit"]
    found = context().adjusting.list_movements(product_id, before, query.get("kind"), count + 1)
    page = found[:count]
    more = len(found) > count
    return answer(
        {
            "items": [presenters.movement(movement) for movement in page],
            "next_cursor": cursors.encode_version(page[-1].version) if more else None,
        }
    )
