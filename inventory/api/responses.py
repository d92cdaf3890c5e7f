"""Answers: JSON bytes with the headers that go with them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar, cast

from flask import Response, request
from werkzeug.datastructures import Headers

from inventory.api.reads import Rendered
from inventory.encoding import encode

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

JSON = "application/json"
Item = TypeVar("Item")
# Clients and proxies may keep what they got, but ask whether it still holds before they use it.
_REVALIDATE = "no-cache"


class _Written(Headers):
    """Headers as they were written here, taken over as they are.

    The library's own look at each of them once more, and raise an error to find out that one is not
    there. What a client could have slipped in is stopped by gunicorn, when they are sent.
    """

    def __init__(self, named: list[tuple[str, str]]) -> None:
        self._list = named

    def __contains__(self, key: object) -> bool:
        wanted = str(key).lower()
        return wanted in [name.lower() for name, _ in self._list]


class Complete(Response):
    """A response that is whole when it is made: nothing is left to work out when it is sent.

    Without a body it has no length either, which is how a 304 looks.
    """

    default_mimetype = None

    def __init__(
        self,
        body: bytes | None = None,
        status: int = HTTPStatus.OK,
        headers: Mapping[str, str] | None = None,
        content_type: str = JSON,
    ) -> None:
        named = [*headers.items()] if headers else []
        if body is None:
            super().__init__(status=status, headers=_Written(named))
        else:
            named += (("Content-Type", content_type), ("Content-Length", str(len(body))))
            super().__init__([body], status, _Written(named))

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Send status, headers and body as they are."""
        start_response(self.status, self.headers.to_wsgi_list())
        return () if environ["REQUEST_METHOD"] == "HEAD" else cast(list[bytes], self.response)


def answer(value: Any, status: int = 200, **headers: str) -> Response:
    """Answer with a JSON document; an underscore in a header's name stands for a hyphen."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Complete(encode(value), status, named)


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
    headers = {
        "ETag": f'"{rendered.etag}"',
        "Cache-Control": _REVALIDATE,
        "X-Cache": rendered.cache,
    }
    if _has(rendered.etag):
        return Complete(status=304, headers=headers)
    return Complete(rendered.body, headers=headers)


def _has(etag: str) -> bool:
    """Tell whether the client says that it has this version; most say so with one strong tag."""
    sent = request.environ.get("HTTP_IF_NONE_MATCH")
    return sent is not None and (sent == f'"{etag}"' or request.if_none_match.contains_weak(etag))


def wants_fresh() -> bool:
    """Tell whether the client asked for what the database says now."""
    return "HTTP_CACHE_CONTROL" in request.environ and bool(request.cache_control.no_cache)
