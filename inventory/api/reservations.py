"""Reservations: units set aside during a checkout."""

from typing import Any

from flask import Blueprint, Response

from inventory import presenters
from inventory.api import cursors
from inventory.api.authentication import current_actor
from inventory.api.bodies import JSON, MERGE_PATCH
from inventory.api.context import context
from inventory.api.contract import contract
from inventory.api.purchases import CART_PROBLEMS, created
from inventory.api.responses import answer, page_of, replayable
from inventory.api.schemas.reservations import (
    CommitSchema,
    ExtensionSchema,
    ReleaseSchema,
    ReservationListSchema,
    ReservationSchema,
)
from inventory.domain.claims import RequestKey
from inventory.domain.keys import Scope
from inventory.errors import (
    CommitExceedsHeld,
    MixedCurrencies,
    Overloaded,
    PurchaseLimitExceeded,
    ReservationCommitted,
    ReservationExpired,
    ReservationNotFound,
    ReservationReleased,
)

bp = Blueprint("reservations", __name__, url_prefix="/api/reservations")


@bp.post("")
@contract(
    "Hold units",
    {201: "Reservation"},
    scope=Scope.STOCK_PURCHASE,
    body=ReservationSchema(),
    problems=CART_PROBLEMS,
    idempotent=True,
    takes_stock=True,
    headers=("Location",),
)
def hold_units(body: dict[str, Any], key: RequestKey | None) -> Response:
    """Set all lines aside for a while, or none; a refusal names all that are short."""
    lines, ttl_seconds = body.pop("lines"), body.pop("ttl_seconds")
    held, replayed = context().reserving.hold(
        lines, ttl_seconds, key=key, actor=current_actor(), **body
    )
    location = f"{bp.url_prefix}/{held.id}"
    return replayable(presenters.reservation(held), 201, replayed=replayed, Location=location)


@bp.get("")
@contract(
    "List reservations",
    {200: "ReservationPage"},
    scope=Scope.STOCK_PURCHASE,
    secret_only=True,
    query=ReservationListSchema(),
)
def list_reservations(query: dict[str, Any]) -> Response:
    """List reservations, the newest first, with the states that they have at this very moment.

    Of one state, of one product, of one customer, or all of these together, if told so.
    """
    before = cursors.decode_id(query["cursor"])
    found = context().reserving.list_reservations(query["wanted"], before, query["limit"] + 1)
    return page_of(found, query["limit"], presenters.reservation, lambda one: one.id)


@bp.get("/<reservation_id>")
@contract(
    "Read a reservation",
    {200: "Reservation"},
    scope=Scope.STOCK_PURCHASE,
    secret_only=True,
    problems=(ReservationNotFound,),
)
def get_reservation(reservation_id: str) -> Response:
    """Read one reservation; its state is that of this very moment."""
    return answer(presenters.reservation(context().reserving.get(reservation_id)))


@bp.patch("/<reservation_id>")
@contract(
    "Extend a reservation",
    {200: "Reservation"},
    scope=Scope.STOCK_PURCHASE,
    secret_only=True,
    body=ExtensionSchema(),
    media_types=(JSON, MERGE_PATCH),
    problems=(
        ReservationNotFound,
        ReservationExpired,
        ReservationReleased,
        ReservationCommitted,
        Overloaded,
    ),
)
def extend_reservation(reservation_id: str, body: dict[str, Any]) -> Response:
    """Let a hold last `ttl_seconds` from now, but not beyond `extendable_until`."""
    return answer(presenters.reservation(context().reserving.extend(reservation_id, **body)))


@bp.post("/<reservation_id>/commit")
@contract(
    "Buy what is held",
    {201: "Purchase"},
    scope=Scope.STOCK_PURCHASE,
    secret_only=True,
    body=CommitSchema(),
    body_optional=True,
    problems=(
        ReservationNotFound,
        ReservationExpired,
        ReservationReleased,
        ReservationCommitted,
        CommitExceedsHeld,
        PurchaseLimitExceeded,
        MixedCurrencies,
        Overloaded,
    ),
    idempotent=True,
    headers=("Location",),
)
def commit_reservation(
    reservation_id: str, body: dict[str, Any], key: RequestKey | None
) -> Response:
    """Buy what is held, or some of it and release the rest.

    Repeated, it gets the same answer. Of a hold that has expired the units are taken once more, if
    they can still be had.
    """
    purchase, replayed = context().reserving.commit(
        reservation_id, body.get("lines"), key, current_actor()
    )
    return created(purchase, replayed=replayed)


@bp.post("/<reservation_id>/release")
@contract(
    "Release a reservation",
    {200: "Reservation"},
    scope=Scope.STOCK_PURCHASE,
    secret_only=True,
    body=ReleaseSchema(),
    body_optional=True,
    problems=(ReservationNotFound, ReservationCommitted, Overloaded),
    idempotent=True,
)
def release_reservation(reservation_id: str, key: RequestKey | None, **_: Any) -> Response:
    """Put the units on sale again; one that was released or has expired stays as it is."""
    ended, replayed = context().reserving.release(reservation_id, key, current_actor())
    return replayable(presenters.reservation(ended), 200, replayed=replayed)
