"""JSON (RFC 8259) as it is taken from strangers: bounded before it is parsed, no surprises.

Knows text and bounds; who sent it, and how to tell them, is for others to know.
"""

import json
import re
from decimal import Decimal
from itertools import accumulate
from typing import Any, NoReturn

from inventory import limits


class NotJSON(ValueError):
    """This is no JSON that the service reads; the message says why."""


# A string, closed or not. It never gives back what it took, so that no text costs more than its
# length.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_OPENING, _CLOSING = b"[{", b"]}"
_STEPS = dict.fromkeys(_OPENING, 1) | dict.fromkeys(_CLOSING, -1)
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in _STEPS)


def parse(body: bytes) -> Any:
    """Parse JSON strictly: no NaN, no name twice, no floats in between.

    What nests too deep or has too many values is refused before anything is made of it. Raises
    `NotJSON`.
    """
    _bound(body)
    try:
        return _DECODER.decode(body.decode("utf-8"))
    except NotJSON:
        raise
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise NotJSON("The body is not JSON that this service can read.") from error


def _bound(body: bytes) -> None:
    """Raise `NotJSON` if `body` nests too deep or has too many values.

    Each value but the first stands behind a bracket, a colon or a comma; so short bodies, which are
    nearly all, cannot have too many and need no look.
    """
    opened = body.count(b"[") + body.count(b"{")
    if opened <= limits.JSON_NESTING_MAX and len(body) <= limits.JSON_VALUES_MAX:
        return
    marks = _STRING.sub(b"", body)
    if marks.count(b",") + marks.count(b"[") + marks.count(b"{") > limits.JSON_VALUES_MAX:
        raise NotJSON(f"The body has more than {limits.JSON_VALUES_MAX} values.")
    depths = accumulate(_STEPS[byte] for byte in marks.translate(None, _NO_BRACKETS))
    if max(depths, default=0) > limits.JSON_NESTING_MAX:
        raise NotJSON(f"The body nests deeper than {limits.JSON_NESTING_MAX} levels.")


def _no_constant(name: str) -> NoReturn:
    raise NotJSON(f"{name} is not JSON.")


def _distinct_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotJSON("An object has the same name twice.")
    return members


_DECODER = json.JSONDecoder(
    parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_distinct_names
)
