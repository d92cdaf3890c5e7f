"""Adjustments and questions about stock, as clients send them."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from inventory import limits
from inventory.api.schemas.fields import (
    Moment,
    QueryNumber,
    StrictSchema,
    Text,
    whole_number,
)
from inventory.domain.movements import Kind, Reason


class AdjustmentSchema(StrictSchema):
    """A change of stock that is not a sale, for a reason of the same direction."""

    delta = whole_number(-limits.DELTA_MAX, limits.DELTA_MAX, required=True)
    reason = fields.Enum(Reason, by_value=True, required=True)
    reference = Text(limits.REFERENCE_CHARACTERS_MAX, allow_none=True)
    note = Text(limits.NOTE_CHARACTERS_MAX, lines=True, allow_none=True)
    expected_stock = whole_number(-limits.STOCK_MAX, limits.STOCK_MAX, allow_none=True)

    @validates_schema(skip_on_field_errors=True)
    def _check(self, data: Mapping[str, Any], **_: Any) -> None:
        delta, reason = data["delta"], data["reason"]
        if not reason.allows(delta):
            message = f"A change by {delta} cannot have the reason {reason}."
            raise ValidationError(message, "delta")


class StockQuerySchema(StrictSchema):
    """At which time the stock is asked for; now, if nothing is said."""

    as_of = Moment()


class MovementListSchema(StrictSchema):
    """The query of a product's movements."""

    limit = QueryNumber(
        load_default=limits.PAGE_SIZE_DEFAULT, validate=validate.Range(1, limits.PAGE_SIZE_MAX)
    )
    cursor = fields.String(validate=validate.Length(1, limits.CURSOR_CHARACTERS_MAX))
    kind = fields.Enum(Kind, by_value=True)
