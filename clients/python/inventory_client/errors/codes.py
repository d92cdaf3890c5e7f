"""Which problem an answer is: by its code, or by its status where the code is not known."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from inventory_client.errors import access, refusals, unavailable
from inventory_client.errors.base import Problem
from inventory_client.reading import Unreadable, parse

# What only HTTP itself takes exception to; there is nothing more to be said about any of them.
_PLAIN = (
    "malformed_json",
    "malformed_csv",
    "invalid_idempotency_key",
    "idempotency_key_required",
    "precondition_required",
    "unsupported_media_type",
    "payload_too_large",
    "uri_too_long",
    "request_header_fields_too_large",
    "method_not_allowed",
)


def _kinds(kind: type[Problem]) -> Iterator[type[Problem]]:
    for below in kind.__subclasses__():
        yield below
        yield from _kinds(below)


CODES: Final[Mapping[str, type[Problem]]] = {
    **dict.fromkeys(_PLAIN, refusals.InvalidRequest),
    **{kind.code: kind for kind in _kinds(Problem) if kind.__dict__.get("code")},
}


def problem_of(status: int, body: bytes) -> Problem:
    """Return the problem that an answer with an error's status is, whoever gave it."""
    document = _document(status, body)
    kind = CODES.get(str(document.get("code"))) or _kind_of(status)
    try:
        return kind(document)
    except Unreadable:
        # Its facts are not what they should be. What it means is clear all the same.
        return _kind_of(status)(document)


def _document(status: int, body: bytes) -> Mapping[str, Any]:
    """Return the problem document, or one that says no more than the status does."""
    try:
        document = parse(body)
    except Unreadable:
        document = None
    if not isinstance(document, dict):
        document = {"detail": f"Answered with status {status} and without a problem document."}
    return document | {"status": status}


def _kind_of(status: int) -> type[Problem]:
    if status >= 500:
        return unavailable.ServerProblem
    if status == 429:
        return unavailable.RateLimited
    if status in (401, 403):
        return access.AccessRefused
    return refusals.NotFound if status == 404 else Problem
