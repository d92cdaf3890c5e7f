"""Rows of an import, as clients send them, and how an import and an export are asked for."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from inventory import limits
from inventory.api.schemas.fields import Attributes, QueryTruth, StrictSchema, Text, whole_number
from inventory.api.schemas.products import ProductPatchSchema
from inventory.domain.imports import Policy

MISSING = "Missing data for required field."
FORMATS = ("csv", "ndjson")


class ProductRowSchema(ProductPatchSchema):
    """A product to be created or changed; what is not said stays, null takes it away.

    What a new product needs besides is found out when it is known to be new.
    """

    id = Text(limits.SKU_CHARACTERS_MAX, allow_none=True)
    attributes = Attributes(allow_none=True)
    stock = whole_number(-limits.OVERSELL_LIMIT_MAX, limits.STOCK_MAX)
    expected_stock = whole_number(-limits.STOCK_MAX, limits.STOCK_MAX, allow_none=True)
    stock_delta = whole_number(-limits.DELTA_MAX, limits.DELTA_MAX)
    version = whole_number(1, 2**53, allow_none=True)

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _check(self, _: Any, said: Any, **__: Any) -> None:
        # What was said and is wrong has a message of its own.
        if not isinstance(said, dict):
            return
        if said.get("sku") is None and said.get("id") is None:
            raise ValidationError(MISSING, "sku")
        if "stock" in said and "stock_delta" in said:
            raise ValidationError("Say stock or stock_delta, not both.", "stock_delta")


class ImportQuerySchema(StrictSchema):
    """What becomes of an import with rows that cannot be done, and whether it is only tried."""

    on_error = fields.Enum(Policy, by_value=True, load_default=Policy.REJECT_ALL)
    dry_run = QueryTruth(load_default=False)


class ExportQuerySchema(StrictSchema):
    """In which form an export is written."""

    format = fields.String(load_default=FORMATS[0], validate=validate.OneOf(FORMATS))
