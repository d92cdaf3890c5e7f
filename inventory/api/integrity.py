"""Integrity: whether counters, ledger and documents agree to the last unit."""

from typing import Any

from flask import Blueprint, Response

from inventory import limits, presenters
from inventory.api import cursors
from inventory.api.context import context
from inventory.api.contract import contract
from inventory.api.responses import answer
from inventory.api.schemas.integrity import IntegrityQuerySchema
from inventory.domain.keys import Scope
from inventory.errors import Overloaded, ProductNotFound

bp = Blueprint("integrity", __name__, url_prefix="/api")


@bp.get("/products/<product_id>/integrity")
@contract(
    "Check the books of a product",
    {200: "Integrity"},
    scope=Scope.STOCK_WRITE,
    problems=(ProductNotFound,),
)
def check_product(product_id: str) -> Response:
    """Check everything on record about a product at one moment, while sales go on.

    Its counters must follow from its movements without a gap, what is held must be what open
    reservations hold, and every purchase, return and reservation must agree with its movements.
    Deleted products are checked as well. A product whose history is too long for one request is
    answered `complete: false` with nothing checked; `python -m inventory integrity` has no such
    limit.
    """
    report = context().auditing.check_product(product_id, limits.CHECK_REQUEST_SECONDS)
    return answer(presenters.integrity(report))


@bp.get("/integrity")
@contract(
    "Check all books",
    {200: "Integrity"},
    scope=Scope.ADMIN,
    query=IntegrityQuerySchema(),
    problems=(Overloaded,),
)
def check_all(query: dict[str, Any]) -> Response:
    """Check as many products as one second allows, the newest first, while sales go on.

    `complete: true` says that all were checked. Otherwise ask again with `next_cursor` to go on
    where this check ended, until there is none; what is created meanwhile belongs to the next
    round. A product whose history is too long for one request ends the round: `complete: false`
    without `next_cursor`. `python -m inventory integrity` checks a store of any size. A process
    makes one such check at a time.
    """
    below = cursors.decode_id(query["cursor"])
    report = context().auditing.check_some(limits.CHECK_REQUEST_SECONDS, below)
    return answer(presenters.integrity(report))
