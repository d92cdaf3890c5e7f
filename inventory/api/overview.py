"""How everything stands, for pages that operators look at."""

from flask import Blueprint, Response

from inventory.api.context import context
from inventory.api.contract import contract
from inventory.api.responses import Complete
from inventory.domain.keys import Scope
from inventory.errors import DatabaseNotReady, StorageUnavailable

bp = Blueprint("overview", __name__, url_prefix="/api/overview")


@bp.get("")
@contract(
    "See how everything stands",
    {200: "Overview"},
    scope=Scope.STOCK_WRITE,
    # Where a key cannot be looked up. What is asked of MongoDB besides is null while it is away.
    problems=(StorageUnavailable, DatabaseNotReady),
    stores=False,
)
def get_overview() -> Response:
    """Say what the instance has counted and how the stores stand, a second or two ago.

    Made for pages that ask every few seconds: the counters only rise while an `instance` lives, so
    rates and percentiles follow from the difference of two answers of the same one. What only
    MongoDB knows is null while it is away.
    """
    return Complete(context().overview())
