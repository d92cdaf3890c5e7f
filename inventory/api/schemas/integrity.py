"""The question whether the books are right, as clients ask it."""

from marshmallow import fields, validate

from inventory import limits
from inventory.api.schemas.fields import StrictSchema


class IntegrityQuerySchema(StrictSchema):
    """Where a check goes on."""

    cursor = fields.String(
        load_default=None, validate=validate.Length(1, limits.CURSOR_CHARACTERS_MAX)
    )
