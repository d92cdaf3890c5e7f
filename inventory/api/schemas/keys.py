"""API keys, as clients ask for them."""

from marshmallow import fields, validate

from inventory import limits
from inventory.api.schemas.fields import Moment, QueryNumber, StrictSchema, Text, Truth
from inventory.domain.keys import Scope


class NewKeySchema(StrictSchema):
    """Whose key it is, what it is good for, and for how long."""

    client = Text(limits.KEY_CLIENT_CHARACTERS_MAX, required=True)
    scopes = fields.List(
        fields.Enum(Scope, by_value=True),
        required=True,
        validate=validate.Length(min=1, max=len(Scope)),
    )
    publishable = Truth(load_default=False)
    expires_at = Moment(allow_none=True, load_default=None)


class KeyListSchema(StrictSchema):
    """The query of a list of keys."""

    limit = QueryNumber(
        load_default=limits.PAGE_SIZE_DEFAULT, validate=validate.Range(1, limits.PAGE_SIZE_MAX)
    )
    cursor = fields.String(validate=validate.Length(1, limits.CURSOR_CHARACTERS_MAX))
