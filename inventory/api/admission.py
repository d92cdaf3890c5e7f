"""Bounds how many requests a process works on at once; the others are refused before any work.

A process that has begun more than it can finish in time finishes nothing in time. So what is too
much is told so at once, while that costs little: listings first, then other reads, changes last.
Imports and exports take long, so they are counted by themselves; the latter until they have gone.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from inventory import limits
from inventory.api.refusing import Tell, refuse
from inventory.errors import Overloaded

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_READS = ("GET", "HEAD", "OPTIONS")
# What operators ask must be answered even then.
_ALWAYS = frozenset({"/healthz", "/readyz", "/metrics", "/api/overview"})
_LISTINGS = frozenset({"/api/products", "/api/purchases", "/api/reservations", "/api/integrity"})

_TRANSFERS = {
    limits.IMPORT_PATH: limits.IMPORTS_WORKING_MAX,
    limits.EXPORT_PATH: limits.EXPORTS_WORKING_MAX,
}


class Admission:
    """WSGI middleware; `tell` hears of every request that was not let in."""

    def __init__(self, app: "WSGIApplication", tell: Tell) -> None:
        self._app = app
        self._tell = tell
        self._lock = threading.Lock()
        self._working = 0
        self._transfers: Counter[str] = Counter()

    @property
    def working(self) -> int:
        """How many requests are at work."""
        return self._working

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Let a request in, or answer 503 with `Retry-After`."""
        if environ.get("PATH_INFO", "") in _TRANSFERS:
            return self._transfer(environ, start_response)
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

    def _transfer(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        with self._lock:
            admitted = self._transfers[path] < _TRANSFERS[path]
            self._transfers[path] += admitted
        if not admitted:
            return refuse(Overloaded(), environ, start_response, self._tell)
        answer = _Leaving(lambda: self._left(path))
        try:
            answer.parts = self._app(environ, start_response)
        except BaseException:
            answer.leave()
            raise
        if path == limits.EXPORT_PATH:
            # What it takes is done while it is sent.
            return answer
        answer.leave()
        return answer.parts

    def _left(self, path: str) -> None:
        with self._lock:
            self._transfers[path] -= 1


class _Leaving:
    """An answer that tells when it has gone, or when nobody wants the rest of it."""

    parts: Iterable[bytes] = ()

    def __init__(self, gone: Callable[[], None]) -> None:
        self._gone: Callable[[], None] | None = gone

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self.parts
        finally:
            self.leave()

    def close(self) -> None:
        """End what makes the answer."""
        try:
            if (close := getattr(self.parts, "close", None)) is not None:
                close()
        finally:
            self.leave()

    def leave(self) -> None:
        """Tell that it has gone, once."""
        if self._gone is not None:
            gone, self._gone = self._gone, None
            gone()


def _bound(environ: "WSGIEnvironment") -> float:
    """Return how many requests may be at work before one like this is refused."""
    path = environ.get("PATH_INFO", "")
    if path in _ALWAYS:
        return float("inf")
    if environ["REQUEST_METHOD"] not in _READS:
        return limits.WORKING_CHANGES_MAX
    return limits.WORKING_LISTINGS_MAX if path in _LISTINGS else limits.WORKING_READS_MAX
