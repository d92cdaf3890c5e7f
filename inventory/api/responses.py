"""Answers: JSON bytes with the headers that go with them."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from flask import Response, request

from inventory.api import presenters
from inventory.api.reads import Rendered

JSON = "application/json"
Item = TypeVar("Item")
# Clients and proxies may keep what they got, but ask whether it still holds before they use it.
_REVALIDATE = "no-cache"


def answer(value: Any, status: int = 200, **headers: str) -> Response:
    """Answer with a JSON document; an underscore in a header's name stands for a hyphen."""
    response = Response(presenters.encode(value), status, mimetype=JSON)
    for name, text in headers.items():
        response.headers[name.replace("_", "-")] = text
    return response


def page_of(
    found: Sequence[Item],
    count: int,
    present: Callable[[Item], dict[str, Any]],
    cursor_after: Callable[[Item], str],
) -> Response:
    """Answer with the first `count` items; whether there are more tells one that was too many."""
    page = found[:count]
    more = len(found) > count
    return answer(
        {
            "items": [present(item) for item in page],
            "next_cursor": cursor_after(page[-1]) if more else None,
        }
    )


def replayable(value: Any, status: int, *, replayed: bool, **headers: str) -> Response:
    """Answer a request that may carry an Idempotency-Key."""
    if replayed:
        headers["Idempotent_Replayed"] = "true"
    return answer(value, status, **headers)


def validated(rendered: Rendered) -> Response:
    """Answer a read: 304 without a body where the client has this very version."""
    if request.if_none_match.contains_weak(rendered.etag):
        response = Response(status=304)
    else:
        response = Response(rendered.body, mimetype=JSON)
    response.set_etag(rendered.etag)
    response.headers["Cache-Control"] = _REVALIDATE
    response.headers["X-Cache"] = rendered.cache
    return response


def wants_fresh() -> bool:
    """Tell whether the client asked for what the database says now."""
    return bool(request.cache_control.no_cache)
