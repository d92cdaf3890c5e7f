"""JSON (RFC 8259) as the service tells it, in bytes; knows no document."""

from decimal import Decimal
from typing import Any

import orjson


def encode(value: Any) -> bytes:
    """Return `value` as JSON; decimals exactly, without the zeros at their end."""
    return orjson.dumps(value, default=_exact)


def joined(first: bytes, second: bytes) -> bytes:
    """Return the members of two JSON objects, neither of which is empty, in one."""
    return first[:-1] + b"," + second[1:]


def _exact(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(f"{value.normalize():f}")
    raise TypeError(type(value).__name__)
