"""Events: what happened, for those who would rather ask than be told."""

from typing import Any

from flask import Blueprint, Response

from inventory import presenters
from inventory.api.context import context
from inventory.api.contract import contract
from inventory.api.responses import answer
from inventory.api.schemas.events import EventListSchema
from inventory.domain.keys import Scope
from inventory.errors import EventsForgotten

bp = Blueprint("events", __name__, url_prefix="/api/events")


@bp.get("")
@contract(
    "List events",
    {200: "EventPage"},
    scope=Scope.STOCK_WRITE,
    secret_only=True,
    query=EventListSchema(),
    problems=(EventsForgotten,),
)
def list_events(query: dict[str, Any]) -> Response:
    """List what happened to stock, the oldest first, as far as the ledger has been read.

    Ask again with `after` set to `next_after`; each event is told once that way. The events of one
    product are in the order of its movements.
    """
    page = context().events.page(
        query["after"], query["limit"], query["types"], query.get("product_id")
    )
    return answer(presenters.event_page(page))
