"""Stocktakes, as clients send them."""

from inventory import limits
from inventory.api.schemas.fields import Moment, StrictSchema, Text
from inventory.api.schemas.lines import CountLineSchema, lines_of


class StocktakeSchema(StrictSchema):
    """What was counted, and when."""

    lines = lines_of(CountLineSchema(), required=True)
    counted_at = Moment()
    reference = Text(limits.REFERENCE_CHARACTERS_MAX, allow_none=True)
