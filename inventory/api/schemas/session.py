"""Sessions, as pages ask for them."""

from marshmallow import fields, validate

from inventory.api.schemas.fields import StrictSchema

# Whether it is one, the keys say: what was mistyped is as wrong as what was made up.
_KEY = validate.Regexp(r"^[!-~]+\Z", error="Say an API key.")


class SignInSchema(StrictSchema):
    """What proves who somebody is."""

    key = fields.String(
        required=True,
        validate=_KEY,
        metadata={"description": "A secret API key. It is looked at once, and not kept."},
    )
