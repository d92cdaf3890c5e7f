"""Lets calls get as far as their bodies: fresh keys, and conditions that hold.

A schema makes up the same few keys again and again, and no ETag that there ever was. Most calls
would be refused for that, and nothing of the operation itself would be tried. One in four stays as
it was made up, and so does every header that is itself what is being tried.
"""

from typing import Any

from schemathesis import Case
from schemathesis.core.parameters import ParameterLocation

KEY, CONDITION = "Idempotency-Key", "If-Match"
AS_MADE_UP = 4


def freshen(case: Case[Any], number: int) -> None:
    """Give the call with this number a key of its own, and a condition that holds."""
    if number % AS_MADE_UP == 0 or _is_about_headers(case):
        return
    if KEY in case.headers:
        case.headers[KEY] = f"fuzz-{number}"
    if CONDITION in case.headers and CONDITION not in case._override.headers:
        case.headers[CONDITION] = "*"


def _is_about_headers(case: Case[Any]) -> bool:
    """Tell whether what a call tries is a header: a wrong one, or the edge of a right one."""
    if case.meta is None:
        return True
    tried = getattr(case.meta.phase.data, "parameter", None)
    return case.meta.is_negative_at(ParameterLocation.HEADER) or tried in (KEY, CONDITION)
