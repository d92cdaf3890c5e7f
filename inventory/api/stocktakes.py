"""Stocktakes: what was counted, and the difference that it made."""

from typing import Any

from flask import Blueprint, Response

from inventory import presenters
from inventory.api.authentication import current_actor
from inventory.api.context import context
from inventory.api.contract import contract
from inventory.api.responses import replayable
from inventory.api.schemas.stocktakes import StocktakeSchema
from inventory.domain.claims import RequestKey
from inventory.domain.keys import Scope
from inventory.errors import CountBelowHeld, Overloaded, ProductNotFound, StockLimitExceeded

bp = Blueprint("stocktakes", __name__, url_prefix="/api/stocktakes")


@bp.post("")
@contract(
    "Post a stocktake",
    {201: "Stocktake"},
    scope=Scope.STOCK_WRITE,
    body=StocktakeSchema(),
    problems=(ProductNotFound, CountBelowHeld, StockLimitExceeded, Overloaded),
    idempotent=True,
)
def post_stocktake(body: dict[str, Any], key: RequestKey | None) -> Response:
    """Make the books agree with the shelf, all lines or none; what was sold since stays sold."""
    taken, replayed = context().counting.take_stock(
        body.pop("lines"), key=key, actor=current_actor(), **body
    )
    return replayable(presenters.stocktake(taken), 201, replayed=replayed)
