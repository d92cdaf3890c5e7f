"""Bounds how many requests a process works on at once; the others are refused before any work.

A process that has begun more than it can finish in time finishes nothing in time. So what is too
much is told so at once, while that costs little: listings first, then other reads, changes last.
"""

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from inventory import limits
from inventory.api.refusing import Tell, refuse
from inventory.errors import Overloaded

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_READS = ("GET", "HEAD", "OPTIONS")
# What operators ask must be answered even then.
_ALWAYS = frozenset({"/healthz", "/readyz", "/metrics"})
_LISTINGS = frozenset({"/api/products", "/api/purchases", "/api/integrity"})


class Admission:
    """WSGI middleware; `tell` hears of every request that was not let in."""

    def __init__(self, app: "WSGIApplication", tell: Tell) -> None:
        self._app = app
        self._tell = tell
        self._lock = threading.Lock()
        self._working = 0

    @property
    def working(self) -> int:
        """How many requests are at work."""
        return self._working

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Let a request in, or answer 503 with `Retry-After`."""
        with self._lock:
            admitted = self._working < _bound(environ)
            self._working += admitted
        if not admitted:
            return refuse(Overloaded(), environ, start_response, self._tell)
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
