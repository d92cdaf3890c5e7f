"""Reservations, as clients ask for them."""

from inventory import limits
from inventory.api.schemas.fields import StrictSchema, Text, whole_number
from inventory.api.schemas.lines import CartLineSchema, LineSchema, lines_of


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
