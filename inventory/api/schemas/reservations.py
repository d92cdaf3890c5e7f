"""Reservations, as clients ask for them."""

from typing import Any

from marshmallow import fields, post_load, validate

from inventory import limits
from inventory.api.schemas.fields import QueryNumber, StrictSchema, Text, whole_number
from inventory.api.schemas.lines import CartLineSchema, LineSchema, lines_of, product_id
from inventory.domain.reservations import ReservationFilter, State


class ReservationSchema(StrictSchema):
    """Units that somebody wants to have set aside."""

    lines = lines_of(CartLineSchema(), required=True)
    ttl_seconds = whole_number(1, limits.RESERVATION_TTL_SECONDS_MAX, required=True)
    customer_id = Text(limits.CUSTOMER_ID_CHARACTERS_MAX, allow_none=True)
    reference = Text(limits.REFERENCE_CHARACTERS_MAX, allow_none=True)


class ExtensionSchema(StrictSchema):
    """How long a hold shall last from now."""

    ttl_seconds = whole_number(1, limits.RESERVATION_TTL_SECONDS_MAX, required=True)


class CommitSchema(StrictSchema):
    """Which of the held units are bought; all of them, if nothing is said."""

    lines = lines_of(LineSchema())


class ReleaseSchema(StrictSchema):
    """There is nothing to be said about a release."""


class ReservationListSchema(StrictSchema):
    """The query of a list of reservations."""

    limit = QueryNumber(
        load_default=limits.PAGE_SIZE_DEFAULT, validate=validate.Range(1, limits.PAGE_SIZE_MAX)
    )
    cursor = fields.String(validate=validate.Length(1, limits.CURSOR_CHARACTERS_MAX))
    state = fields.Enum(
        State,
        by_value=True,
        metadata={"description": "Only those in this state; what has run out is `expired`."},
    )
    product_id = product_id(metadata={"description": "Only those that hold units of this product."})
    customer_id = Text(
        limits.CUSTOMER_ID_CHARACTERS_MAX, metadata={"description": "Only those of this customer."}
    )

    @post_load
    def _build(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        named = ("state", "product_id", "customer_id")
        wanted = ReservationFilter(**{name: data.pop(name, None) for name in named})
        return {"wanted": wanted, "cursor": None} | data
