"""Products as clients send them."""

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate

from inventory import limits
from inventory.api.schemas.fields import (
    Attributes,
    Items,
    Money,
    QueryNumber,
    QueryTruth,
    StrictSchema,
    Text,
    whole_number,
)
from inventory.domain.products import CustomerLimit, ProductFilter, SortKey, words_of

_CURRENCY = validate.Regexp(r"^[A-Z]{3}\Z", error="Three capital letters, as in ISO 4217.")
_UNIQUE_TAGS = "The same tag twice."


def _distinct(tags: list[str]) -> None:
    if len(set(tags)) != len(tags):
        raise ValidationError(_UNIQUE_TAGS)


class CustomerLimitSchema(StrictSchema):
    """How many units one customer may have within a window of time."""

    quantity = whole_number(1, limits.QUANTITY_MAX, required=True)
    window_seconds = whole_number(1, limits.WINDOW_SECONDS_MAX, required=True)

    @post_load
    def _build(self, data: dict[str, Any], **_: Any) -> CustomerLimit:
        return CustomerLimit(**data)


class _TermsSchema(StrictSchema):
    name = Text(limits.NAME_CHARACTERS_MAX)
    price = Money()
    currency = fields.String(validate=_CURRENCY)
    description = Text(limits.DESCRIPTION_CHARACTERS_MAX, characters_min=0, lines=True)
    tags = Items(Text(limits.TAG_CHARACTERS_MAX), limits.TAGS_MAX, validate=[_distinct])
    low_stock_threshold = whole_number(0, limits.STOCK_INITIAL_MAX)
    oversell_limit = whole_number(0, limits.OVERSELL_LIMIT_MAX)
    sku = Text(limits.SKU_CHARACTERS_MAX, allow_none=True)
    max_per_order = whole_number(1, limits.QUANTITY_MAX, allow_none=True)
    max_per_customer = fields.Nested(CustomerLimitSchema(), allow_none=True)


class NewProductSchema(_TermsSchema):
    """A product to be created."""

    name = Text(limits.NAME_CHARACTERS_MAX, required=True)
    price = Money(required=True)
    stock = whole_number(0, limits.STOCK_INITIAL_MAX, required=True)
    attributes = Attributes()


class ProductPatchSchema(_TermsSchema):
    """A merge patch (RFC 7396) of a product's catalogue fields; null takes an optional one away."""

    name = Text(limits.NAME_CHARACTERS_MAX)
    description = Text(
        limits.DESCRIPTION_CHARACTERS_MAX, characters_min=0, lines=True, allow_none=True
    )
    tags = Items(
        Text(limits.TAG_CHARACTERS_MAX), limits.TAGS_MAX, validate=[_distinct], allow_none=True
    )
    attributes = Attributes(removable=True, allow_none=True)
    low_stock_threshold = whole_number(0, limits.STOCK_INITIAL_MAX, allow_none=True)
    oversell_limit = whole_number(0, limits.OVERSELL_LIMIT_MAX, allow_none=True)


class ProductListSchema(StrictSchema):
    """The query of a product list."""

    limit = QueryNumber(
        load_default=limits.PAGE_SIZE_DEFAULT, validate=validate.Range(1, limits.PAGE_SIZE_MAX)
    )
    cursor = fields.String(validate=validate.Length(1, limits.CURSOR_CHARACTERS_MAX))
    q = Text(limits.QUERY_CHARACTERS_MAX)
    sku = Text(limits.SKU_CHARACTERS_MAX)
    ids = Text(limits.IDS_MAX * 25)
    tag = Text(limits.TAG_CHARACTERS_MAX)
    min_price = Money()
    max_price = Money()
    in_stock = QueryTruth()
    low_stock = QueryTruth()
    sort = fields.Enum(SortKey, by_value=True, load_default=SortKey.NEWEST)

    @post_load
    def _build(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        words = words_of(data.pop("q")) if "q" in data else None
        if words is not None and len(words) > limits.QUERY_WORDS_MAX:
            raise ValidationError(f"At most {limits.QUERY_WORDS_MAX} words.", "q")
        ids = data.pop("ids", None)
        wanted = ProductFilter(
            words=words,
            ids=None if ids is None else tuple(ids.split(",")),
            **{
                name: data.pop(name, None)
                for name in ("sku", "tag", "min_price", "max_price", "in_stock", "low_stock")
            },
        )
        if wanted.ids and len(wanted.ids) > limits.IDS_MAX:
            raise ValidationError(f"At most {limits.IDS_MAX} ids.", "ids")
        return {"wanted": wanted, "cursor": None} | data
