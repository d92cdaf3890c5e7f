"""Purchases: of one product, of a cart, and what comes back of them."""

from typing import Any

from flask import Blueprint, Response

from inventory import presenters
from inventory.api import cursors
from inventory.api.authentication import current_actor
from inventory.api.context import context
from inventory.api.contract import contract
from inventory.api.responses import answer, page_of, replayable
from inventory.api.schemas.purchases import (
    CartSchema,
    PurchaseListSchema,
    PurchaseSchema,
    ReturnSchema,
)
from inventory.domain.claims import RequestKey
from inventory.domain.keys import Scope
from inventory.domain.purchases import Purchase
from inventory.errors import (
    CustomerRequired,
    InsufficientStock,
    MixedCurrencies,
    Overloaded,
    ProductNotFound,
    PurchaseLimitExceeded,
    PurchaseNotFound,
    ReturnExceedsPurchased,
    StockLimitExceeded,
)

bp = Blueprint("purchases", __name__, url_prefix="/api")

# What can keep somebody from having all lines of a cart, now or for a checkout.
CART_PROBLEMS = (
    ProductNotFound,
    InsufficientStock,
    PurchaseLimitExceeded,
    CustomerRequired,
    MixedCurrencies,
    Overloaded,
)


def created(purchase: Purchase, *, replayed: bool) -> Response:
    """Answer with a purchase that was made, now or by an earlier request with the same key."""
    location = f"{bp.url_prefix}/purchases/{purchase.id}"
    return replayable(presenters.purchase(purchase), 201, replayed=replayed, Location=location)


@bp.post("/products/<product_id>/purchase")
@contract(
    "Buy units of one product",
    {201: "Purchase"},
    scope=Scope.STOCK_PURCHASE,
    body=PurchaseSchema(),
    problems=(
        ProductNotFound,
        InsufficientStock,
        PurchaseLimitExceeded,
        CustomerRequired,
        Overloaded,
    ),
    idempotent=True,
    takes_stock=True,
    headers=("Location",),
)
def purchase_product(product_id: str, body: dict[str, Any], key: RequestKey | None) -> Response:
    """Buy units of one product, all or none; a retry with the same key gets the first answer."""
    purchase, replayed = context().purchasing.purchase_product(
        product_id, key=key, actor=current_actor(), **body
    )
    return created(purchase, replayed=replayed)


@bp.post("/purchases")
@contract(
    "Buy a cart",
    {201: "Purchase"},
    scope=Scope.STOCK_PURCHASE,
    body=CartSchema(),
    problems=CART_PROBLEMS,
    idempotent=True,
    takes_stock=True,
    headers=("Location",),
)
def buy_cart(body: dict[str, Any], key: RequestKey | None) -> Response:
    """Buy all lines or none; lines of the same product count as one.

    A refusal names every product that is short.
    """
    purchase, replayed = context().purchasing.buy_cart(
        body.pop("lines"), key=key, actor=current_actor(), **body
    )
    return created(purchase, replayed=replayed)


@bp.get("/purchases")
@contract(
    "List purchases",
    {200: "PurchasePage"},
    scope=Scope.STOCK_WRITE,
    query=PurchaseListSchema(),
)
def list_purchases(query: dict[str, Any]) -> Response:
    """List purchases, the newest first; of one customer or of one product, if told so."""
    before = cursors.decode_id(query.get("cursor"))
    found = context().purchasing.list_purchases(
        query.get("customer_id"), query.get("product_id"), before, query["limit"] + 1
    )
    return page_of(found, query["limit"], presenters.purchase, lambda purchase: purchase.id)


@bp.get("/purchases/<purchase_id>")
@contract(
    "Read a purchase",
    {200: "Purchase"},
    scope=Scope.STOCK_PURCHASE,
    secret_only=True,
    problems=(PurchaseNotFound,),
)
def get_purchase(purchase_id: str) -> Response:
    """Read one purchase."""
    return answer(presenters.purchase(context().purchasing.get_purchase(purchase_id)))


@bp.post("/purchases/<purchase_id>/returns")
@contract(
    "Return units of a purchase",
    {201: "Return"},
    scope=Scope.STOCK_WRITE,
    body=ReturnSchema(),
    problems=(PurchaseNotFound, ReturnExceedsPurchased, StockLimitExceeded, Overloaded),
    idempotent=True,
)
def return_units(purchase_id: str, body: dict[str, Any], key: RequestKey | None) -> Response:
    """Take units back, never more than were bought; on sale again unless `restock` is false."""
    returned, replayed = context().purchasing.return_units(
        purchase_id, key=key, actor=current_actor(), **body
    )
    return replayable(presenters.returned(returned), 201, replayed=replayed)
