"""The query of a list of events."""

import re
from typing import Any

from marshmallow import fields, post_load, validate

from inventory import limits
from inventory.api.schemas.fields import QueryNumber, StrictSchema
from inventory.api.schemas.lines import product_id
from inventory.domain.events import EventType

_NEWEST = "newest"
_TYPE = "|".join(re.escape(type) for type in EventType)


class EventListSchema(StrictSchema):
    """After which event, and of which. `after` is None where only the end is asked for."""

    after = fields.String(
        load_default="0",
        validate=validate.Regexp(
            rf"^({_NEWEST}|[0-9]{{1,12}})$", error=f"The number of an event, or {_NEWEST}."
        ),
    )
    limit = QueryNumber(
        load_default=limits.PAGE_SIZE_DEFAULT, validate=validate.Range(1, limits.PAGE_SIZE_MAX)
    )
    types = fields.String(
        validate=validate.Regexp(
            f"^({_TYPE})(,({_TYPE}))*$", error=f"Some of {', '.join(EventType)}."
        )
    )
    product_id = product_id()

    @post_load
    def _read(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Turn words into what they mean."""
        after, types = data.pop("after"), data.pop("types", None)
        data["after"] = None if after == _NEWEST else int(after)
        data["types"] = None if types is None else {EventType(type) for type in types.split(",")}
        return data
