"""The query of a list of events."""

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate

from inventory import limits
from inventory.api.schemas.fields import QueryNumber, StrictSchema, Text
from inventory.domain.events import EventType

NEWEST = "newest"


class _After(QueryNumber):
    """The number of an event, or a word for the newest one, which becomes None."""

    def _deserialize(self, value: Any, *args: Any, **named: Any) -> Any:
        if value == NEWEST:
            return None
        return super()._deserialize(value, *args, **named)


class EventListSchema(StrictSchema):
    """After which event, and of which."""

    after = _After(load_default=0)
    limit = QueryNumber(
        load_default=limits.PAGE_SIZE_DEFAULT, validate=validate.Range(1, limits.PAGE_SIZE_MAX)
    )
    types = fields.String(validate=validate.Length(1, 300))
    product_id = Text(24)

    @post_load
    def _split(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Turn the types into what they name."""
        types = data.pop("types", None)
        if types is None:
            return data
        try:
            return data | {"types": {EventType(one) for one in types.split(",")}}
        except ValueError:
            known = ", ".join(EventType)
            raise ValidationError(f"Types of events are {known}.", "types") from None
