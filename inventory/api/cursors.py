"""Cursors: where the next page begins. Opaque to clients, checked like everything they send."""

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from marshmallow import ValidationError, fields

from inventory.api.problems import ValidationFailed
from inventory.api.schemas.fields import Moment, Money
from inventory.domain.moments import moment
from inventory.domain.products import Position, SortKey

_ID = re.compile("[0-9a-f]{24}")


def encode(sort: SortKey, position: Position) -> str:
    """Return the cursor of the page after `position` in a list sorted by `sort`."""
    value = position.value
    text = moment(value) if isinstance(value, datetime) else str(value)
    return urlsafe_b64encode(orjson.dumps([sort, text, position.id])).decode().rstrip("=")


def decode(sort: SortKey, cursor: str) -> Position:
    """Return the position in `cursor`; raise `ValidationFailed` unless it is one for `sort`."""
    try:
        made_for, text, id = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if made_for != sort or not isinstance(text, str) or not isinstance(id, str):
            raise ValueError(cursor)
        return Position(_value(sort, text), id)
    except (ValueError, TypeError, binascii.Error, ValidationError) as error:
        raise ValidationFailed({"cursor": ["Not a cursor of this list."]}) from error


# Anybody can write a cursor, so what is in it has the bounds of what clients may say elsewhere.
_VALUES: dict[str, fields.Field[Any]] = {"created_at": Moment(), "price": Money()}


def _value(sort: SortKey, text: str) -> datetime | str | Decimal:
    field = _VALUES.get(sort.field)
    value: datetime | str | Decimal = text if field is None else field.deserialize(text)
    return value


def encode_version(version: int) -> str:
    """Return the cursor of the page after the movement with this version."""
    return str(version)


def decode_version(cursor: str | None) -> int | None:
    """Return the version in `cursor`; raise `ValidationFailed` if there is none."""
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 15):
        raise ValidationFailed({"cursor": ["Not a cursor of this list."]})
    return int(cursor)


def decode_id(cursor: str | None) -> str | None:
    """Return the id in `cursor`; raise `ValidationFailed` if there is none."""
    if cursor is not None and not _ID.fullmatch(cursor):
        raise ValidationFailed({"cursor": ["Not a cursor of this list."]})
    return cursor
