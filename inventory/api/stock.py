"""The stock of a product: counters, movements, and changes that are no sale."""

from typing import Any

from flask import Blueprint, Response

from inventory import presenters
from inventory.api import cursors
from inventory.api.authentication import current_actor
from inventory.api.context import context
from inventory.api.contract import contract
from inventory.api.responses import answer, page_of, replayable
from inventory.api.schemas.stock import (
    AdjustmentSchema,
    MovementListSchema,
    StockQuerySchema,
)
from inventory.domain.claims import RequestKey
from inventory.domain.keys import Scope
from inventory.errors import (
    InsufficientStock,
    Overloaded,
    ProductNotFound,
    StaleStock,
    StockLimitExceeded,
)

bp = Blueprint("stock", __name__, url_prefix="/api/products/<product_id>")


@bp.post("/adjustments")
@contract(
    "Adjust the stock of a product",
    {201: "Movement"},
    scope=Scope.STOCK_WRITE,
    body=AdjustmentSchema(),
    problems=(ProductNotFound, InsufficientStock, StaleStock, StockLimitExceeded, Overloaded),
    idempotent=True,
)
def adjust_stock(product_id: str, body: dict[str, Any], key: RequestKey | None) -> Response:
    """Change stock for a reason other than a sale; the sign must fit the reason."""
    done = context().adjusting.adjust_stock(product_id, key=key, actor=current_actor(), **body)
    return replayable(presenters.movement(done.movement), 201, replayed=done.replayed)


@bp.get("/stock")
@contract(
    "Read the stock of a product",
    {200: "Stock"},
    scope=Scope.CATALOG_READ,
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


@bp.get("/movements")
@contract(
    "List the movements of a product",
    {200: "MovementPage"},
    scope=Scope.STOCK_WRITE,
    query=MovementListSchema(),
    problems=(ProductNotFound,),
)
def list_movements(product_id: str, query: dict[str, Any]) -> Response:
    """List what happened to a product's stock, the newest first; deleted products included."""
    before, count = cursors.decode_version(query.get("cursor")), query["limit"]
    found = context().adjusting.list_movements(product_id, before, query.get("kind"), count + 1)
    return page_of(
        found, count, presenters.movement, lambda row: cursors.encode_version(row.version)
    )
