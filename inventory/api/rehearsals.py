"""Rehearsals of a flash sale: a crowd of buyers for a product of their own, and a verdict."""

from typing import Any

from flask import Blueprint, Response

from inventory.api import cursors, rehearsal_answers
from inventory.api.authentication import current_actor
from inventory.api.context import context
from inventory.api.contract import contract
from inventory.api.responses import answer, page_of
from inventory.api.schemas.rehearsals import RehearsalListSchema, RehearsalSchema
from inventory.domain.keys import Scope
from inventory.domain.rehearsals import Plan
from inventory.errors import RehearsalNotFound, RehearsalRunning

bp = Blueprint("rehearsals", __name__, url_prefix="/api/rehearsals")


@bp.post("")
@contract(
    "Rehearse a flash sale",
    {202: "Rehearsal"},
    scope=Scope.ADMIN,
    body=RehearsalSchema(),
    body_optional=True,
    problems=(RehearsalRunning,),
    headers=("Location",),
)
def begin_rehearsal(body: dict[str, Any]) -> Response:
    """Let a crowd of made-up buyers buy a product of their own at once, and judge it by the books.

    It goes on after the answer, for a minute at most; read it to see how it goes. Its product is
    in the shop meanwhile, with the tag `rehearsal`, and is deleted at the end. There is one
    rehearsal at a time.
    """
    begun = context().rehearsing.begin(Plan(**body), current_actor())
    location = f"{bp.url_prefix}/{begun.id}"
    return answer(rehearsal_answers.rehearsal(begun), 202, Location=location)


@bp.get("")
@contract("List rehearsals", {200: "RehearsalPage"}, scope=Scope.ADMIN, query=RehearsalListSchema())
def list_rehearsals(query: dict[str, Any]) -> Response:
    """List the rehearsals of the last 30 days, the newest first."""
    before = cursors.decode_id(query.get("cursor"))
    found = context().rehearsing.list_rehearsals(before, query["limit"] + 1)
    return page_of(found, query["limit"], rehearsal_answers.rehearsal, lambda one: one.id)


@bp.get("/<rehearsal_id>")
@contract("Read a rehearsal", {200: "Rehearsal"}, scope=Scope.ADMIN, problems=(RehearsalNotFound,))
def get_rehearsal(rehearsal_id: str) -> Response:
    """Read a rehearsal: how it goes, or the verdict. Figures are told several times a second."""
    return answer(rehearsal_answers.rehearsal(context().rehearsing.get(rehearsal_id)))
