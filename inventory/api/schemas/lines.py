"""Lines of carts, holds, returns and counts, as clients send them."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validates_schema

from inventory import limits
from inventory.api.schemas.fields import Items, StrictSchema, Text, whole_number
from inventory.domain.lines import Line
from inventory.services.lines import AskedLine


def product_id(**options: Any) -> Text:
    """Return a field for what may be a product's id; whether it is one is found out later."""
    return Text(limits.SKU_CHARACTERS_MAX, **options)


def lines_of(schema: Schema, **options: Any) -> Items:
    """Return a field for the lines of one request."""
    return Items(fields.Nested(schema), limits.CART_LINES_MAX, items_min=1, **options)


class NamedSchema(StrictSchema):
    """A product by its id or by its sku; one of `EITHER` must be there, and only one."""

    EITHER = ("product_id", "sku")

    product_id = product_id()
    sku = Text(limits.SKU_CHARACTERS_MAX)

    @validates_schema
    def _check(self, data: Mapping[str, Any], **_: Any) -> None:
        if len(data.keys() & set(self.EITHER)) != 1:
            raise ValidationError("Name the product by product_id or by sku.", "product_id")


class CartLineSchema(NamedSchema):
    """Units of a product that somebody wants."""

    quantity = whole_number(1, limits.QUANTITY_MAX, required=True)

    @post_load
    def _build(self, data: dict[str, Any], **_: Any) -> AskedLine:
        return AskedLine(**data)


class CountLineSchema(NamedSchema):
    """What lies on the shelf of a product."""

    counted = whole_number(0, limits.STOCK_INITIAL_MAX, required=True)

    @post_load
    def _build(self, data: dict[str, Any], **_: Any) -> AskedLine:
        return AskedLine(data.pop("counted"), **data)


class LineSchema(StrictSchema):
    """Units of a product that is part of something already."""

    product_id = product_id(required=True)
    quantity = whole_number(1, limits.QUANTITY_MAX, required=True)

    @post_load
    def _build(self, data: dict[str, Any], **_: Any) -> Line:
        return Line(**data)
