"""Answers that are whole when they are made: their headers are those of any other response."""

import pytest
from flask import Response

from inventory.api.responses import Complete

NAMED = {"ETag": '"1-2"', "Cache-Control": "no-cache"}


@pytest.mark.parametrize("body, status", [(b"{}", 200), (b"", 201), (None, 304)])
def test_headers_are_those_of_any_response(body: bytes | None, status: int) -> None:
    """However they came there, headers are found, added and sent as the library does it."""
    told = [*NAMED.items()]
    if body is not None:
        told += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    usual, ours = Response(status=status), Complete(body, status, NAMED)
    usual.headers.clear()
    usual.headers.extend(told)
    for response in (usual, ours):
        response.headers.add("X-Request-ID", "one")
        response.headers["etag"] = '"3-4"'
    assert ours.headers.to_wsgi_list() == usual.headers.to_wsgi_list()
    assert (ours.status, ours.data) == (usual.status, body or b"")
    for name in ("content-type", "Etag", "X-Cache"):
        assert (name in ours.headers) == (name in usual.headers)
        assert ours.headers.get(name) == usual.headers.get(name)


def test_no_header_is_made_of_two() -> None:
    """What is added to an answer is looked at as ever."""
    with pytest.raises(ValueError, match="newline"):
        Complete(b"").headers.add("X-Request-ID", "one\r\nSet-Cookie: two")
