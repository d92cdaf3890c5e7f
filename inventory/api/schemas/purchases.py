"""Purchases and returns, as clients send them."""

from marshmallow import fields, validate

from inventory import limits
from inventory.api.schemas.fields import QueryNumber, StrictSchema, Text, Truth, whole_number
from inventory.api.schemas.lines import CartLineSchema, LineSchema, lines_of, product_id


class PurchaseSchema(StrictSchema):
    """Units of one product that somebody wants."""

    quantity = whole_number(1, limits.QUANTITY_MAX, required=True)
    customer_id = Text(limits.CUSTOMER_ID_CHARACTERS_MAX, allow_none=True)
    reference = Text(limits.REFERENCE_CHARACTERS_MAX, allow_none=True)


class CartSchema(StrictSchema):
    """Units of several products that somebody wants together or not at all."""

    lines = lines_of(CartLineSchema(), required=True)
    customer_id = Text(limits.CUSTOMER_ID_CHARACTERS_MAX, allow_none=True)
    reference = Text(limits.REFERENCE_CHARACTERS_MAX, allow_none=True)


class ReturnSchema(StrictSchema):
    """Units of a purchase that come back."""

    lines = lines_of(LineSchema(), required=True)
    reason = Text(limits.REASON_CHARACTERS_MAX, required=True)
    restock = Truth(load_default=True)


class PurchaseListSchema(StrictSchema):
    """The query of a list of purchases."""

    limit = QueryNumber(
        load_default=limits.PAGE_SIZE_DEFAULT, validate=validate.Range(1, limits.PAGE_SIZE_MAX)
    )
    cursor = fields.String(validate=validate.Length(1, limits.CURSOR_CHARACTERS_MAX))
    customer_id = Text(limits.CUSTOMER_ID_CHARACTERS_MAX)
    product_id = product_id()
