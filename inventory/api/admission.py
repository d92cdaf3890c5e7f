"""Bounds how many requests a process works on at once; the others are refused before any work.

A process that has begun more than it can finish in time finishes nothing in time. So what is too
much is told so at once, while that costs little: listings first, then other reads, changes last.
"""

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING
from urllib.parse import quote

import orjson

from inventory import limits
from inventory.api.problems import MEDIA_TYPE, STATUS
from inventory.api.requests import request_id_of
from inventory.errors import Overloaded

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_READS = ("GET", "HEAD", "OPTIONS")
# What operators ask must be answered even then.
_ALWAYS = frozenset({"/healthz", "/readyz", "/metrics"})
_LISTINGS = frozenset({"/api/products", "/api/purchases", "/api/integrity"})


class Admission:
    """WSGI middleware; `refused` hears of every request that was not let in."""

    def __init__(self, app: "WSGIApplication", refused: Callable[[], None]) -> None:
        self._app = app
        self._refused = refused
        self._lock = threading.Lock()
        self._working = 0

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Let a request in, or answer 503 with `Retry-After`."""
        with self._lock:
            admitted = self._working < _bound(environ)
            self._working += admitted
        if not admitted:
            self._refused()
            return _refusal(environ, start_response)
        try:
            return self._app(environ, start_response)
        finally:
            with self._lock:
                self._working -= 1


def _bound(environ: "WSGIEnvironment") -> float:
    """Return how many requests may be at work before one like this is refused."""
    path = environ.get("PATH_INFO", "")
    if path in _ALWAYS:
        return float("inf")
    if environ["REQUEST_METHOD"] not in _READS:
        return limits.WORKING_CHANGES_MAX
    return limits.WORKING_LISTINGS_MAX if path in _LISTINGS else limits.WORKING_READS_MAX


def _refusal(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    problem, request_id = Overloaded(), request_id_of(environ)
    status = STATUS[Overloaded]
    body = orjson.dumps(
        {
            "type": f"/problems/{problem.code}",
            "title": problem.title,
            "status": status,
            "detail": problem.message,
            "instance": quote(environ.get("PATH_INFO", "").encode("latin-1", "replace")),
            "code": problem.code,
            "request_id": request_id,
        }
    )
    headers = [
        ("Content-Type", MEDIA_TYPE),
        ("Content-Length", str(len(body))),
        ("Retry-After", str(limits.RETRY_AFTER_SECONDS)),
        ("X-Request-ID", request_id),
        ("X-Content-Type-Options", "nosniff"),
    ]
    start_response(f"{status.value} {status.phrase}", headers)
    return () if environ["REQUEST_METHOD"] == "HEAD" else (body,)
