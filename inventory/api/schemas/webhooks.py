"""Webhooks, as clients ask for them."""

from marshmallow import fields, validate

from inventory import limits
from inventory.api.schemas.fields import Items, QueryNumber, StrictSchema, Text
from inventory.domain.events import EventType
from inventory.domain.webhooks import DeliveryState, WebhookState

# What a URL may say is decided in one place, and said there in so many words.
_URL = validate.Regexp(
    rf"^https?:/{{2}}[!-~]{{1,{limits.WEBHOOK_URL_CHARACTERS_MAX}}}\Z",
    error="Say a URL that begins with https.",
)


def _url(*, required: bool) -> fields.String:
    return fields.String(
        required=required,
        validate=_URL,
        metadata={"description": "Where events are sent: https, a public address, any port."},
    )


def _types() -> Items:
    return Items(
        fields.Enum(EventType, by_value=True),
        len(EventType),
        metadata={"description": "Only events of these types; none: of all types."},
    )


def _description() -> Text:
    return Text(
        limits.WEBHOOK_DESCRIPTION_CHARACTERS_MAX,
        characters_min=0,
        lines=True,
        metadata={"description": "What people should know of it; line breaks are kept."},
    )


class NewWebhookSchema(StrictSchema):
    """Who is to be told of what."""

    url = _url(required=True)
    types = _types()
    description = _description()


class WebhookPatchSchema(StrictSchema):
    """A merge patch of what may change of a webhook."""

    url = _url(required=False)
    types = _types()
    description = _description()
    state = fields.Enum(
        WebhookState,
        by_value=True,
        metadata={"description": "`paused` sends nothing; `active` goes on where it stopped."},
    )


class WebhookListSchema(StrictSchema):
    """The query of a list of webhooks."""

    limit = QueryNumber(
        load_default=limits.PAGE_SIZE_DEFAULT, validate=validate.Range(1, limits.PAGE_SIZE_MAX)
    )
    cursor = fields.String(validate=validate.Length(1, limits.CURSOR_CHARACTERS_MAX))


class DeliveryListSchema(WebhookListSchema):
    """The query of a list of deliveries."""

    state = fields.Enum(
        DeliveryState,
        by_value=True,
        metadata={"description": "Only deliveries in this state."},
    )
