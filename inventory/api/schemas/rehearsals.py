"""Rehearsals, as clients ask for them."""

from marshmallow import fields, validate

from inventory import limits
from inventory.api.schemas.fields import QueryNumber, Share, StrictSchema, whole_number
from inventory.domain.rehearsals import Plan

_DEFAULT = Plan()


class RehearsalSchema(StrictSchema):
    """How many want how much of how little, and how patient they are."""

    buyers = whole_number(
        1,
        limits.REHEARSAL_BUYERS_MAX,
        load_default=_DEFAULT.buyers,
        metadata={"description": "How many want the product at once."},
    )
    stock = whole_number(
        1,
        limits.REHEARSAL_STOCK_MAX,
        load_default=_DEFAULT.stock,
        metadata={"description": "How many units there are."},
    )
    quantity_max = whole_number(
        1,
        limits.REHEARSAL_QUANTITY_MAX,
        load_default=_DEFAULT.quantity_max,
        metadata={"description": "How many units a buyer wants at most; at least one."},
    )
    impatience = Share(
        load_default=_DEFAULT.impatience,
        metadata={
            "description": "The share of buyers who send their order again with the same key, half "
            "of them at the same moment."
        },
    )


class RehearsalListSchema(StrictSchema):
    """The query of a list of rehearsals."""

    limit = QueryNumber(
        load_default=limits.PAGE_SIZE_DEFAULT, validate=validate.Range(1, limits.PAGE_SIZE_MAX)
    )
    cursor = fields.String(validate=validate.Length(1, limits.CURSOR_CHARACTERS_MAX))
