"""What browsers are told: how little an answer may do there, and which pages may ask.

Wraps everything else, so that answers which Flask never saw are told as well: a page that is
refused for a moment must be able to read that, and when to come again.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from inventory.api import lines
from inventory.api.authentication import SESSION_COOKIE
from inventory.api.problems import ForeignPage
from inventory.api.refusing import Tell, refuse
from inventory.settings import AUTH_OFF, Settings, is_loopback

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Headers = list[tuple[str, str]]

_SAFE: Headers = [
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
]
# No answer but the page of the documentation, which has a policy of its own, is a page at all.
_POLICY = "Content-Security-Policy"
_NOT_A_PAGE = (_POLICY, "default-src 'none'; frame-ancestors 'none'")
# Only where the client came by TLS; else it would be ignored.
_STAY_WITH_TLS = ("Strict-Transport-Security", "max-age=31536000")
_PREFLIGHT: Headers = [
    ("Access-Control-Allow-Methods", "GET, HEAD, POST, PATCH, DELETE"),
    (
        "Access-Control-Allow-Headers",
        "Authorization, Cache-Control, Content-Type, Idempotency-Key, If-Match, If-None-Match, "
        "X-API-Key, X-Request-ID",
    ),
    ("Access-Control-Max-Age", "600"),
    ("Content-Length", "0"),
]
_SHOWN = (
    "Access-Control-Expose-Headers",
    "ETag, Idempotent-Replayed, Location, Retry-After, X-Cache, X-Request-ID",
)
# What a cache may do with an answer to a session, if it may do anything: it is one browser's.
_KEEPING = "Cache-Control"
_FOR_ONE = {"no-cache": "private, no-cache"}
_CHANGES = frozenset({"POST", "PATCH", "PUT", "DELETE"})


class Browsers:
    """WSGI middleware.

    Pages of the origins in the settings may read answers. Where nobody needs a key, no page of
    another origin may change anything, and only names of this machine are answered to: a page
    elsewhere could otherwise use its visitor's browser to get in. `tell` hears of the refusals.
    """

    def __init__(self, app: "WSGIApplication", settings: Settings, tell: Tell) -> None:
        self._app = app
        self._tell = tell
        self._origins = settings.cors_origins
        self._lets_anybody_in = not settings.authenticates
        self._local_names_only = settings.auth == AUTH_OFF and not settings.trusted_proxies

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Pass the request on, unless it is one of a page that may not send it."""
        origin = environ.get("HTTP_ORIGIN")
        more = [] if origin is None else self._told_to(origin)
        signed_in = SESSION_COOKIE in environ.get("HTTP_COOKIE", "")

        def respond(status: str, headers: Headers, exc_info: Any = None) -> Any:
            if signed_in:
                headers = _for_one_browser(headers)
            return start_response(status, [*headers, *_added_to(headers, environ), *more], exc_info)

        if self._is_foreign(environ, origin):
            return refuse(ForeignPage(), environ, respond, self._tell)
        if origin in self._origins and _is_preflight(environ):
            lines.tell_unseen(environ, 204, 0)
            respond("204 No Content", list(_PREFLIGHT))
            return ()
        return self._app(environ, respond)

    def _told_to(self, origin: str) -> Headers:
        if not self._origins:
            return []
        vary = ("Vary", "Origin")
        if origin not in self._origins:
            return [vary]
        return [("Access-Control-Allow-Origin", origin), vary, _SHOWN]

    def _is_foreign(self, environ: "WSGIEnvironment", origin: str | None) -> bool:
        host = environ.get("HTTP_HOST", "")
        if self._local_names_only and not _is_local(host):
            return True
        if origin is None or not self._lets_anybody_in or origin in self._origins:
            return False
        return environ["REQUEST_METHOD"] in _CHANGES and urlsplit(origin).netloc != host


def _added_to(headers: Headers, environ: "WSGIEnvironment") -> Headers:
    added = _SAFE
    if _POLICY not in dict(headers):
        added = [*added, _NOT_A_PAGE]
    return [*added, _STAY_WITH_TLS] if environ["wsgi.url_scheme"] == "https" else added


def _for_one_browser(headers: Headers) -> Headers:
    """Return the headers of an answer to a session: no cache may show it to anybody else."""
    told = ", ".join(text for name, text in headers if name == _KEEPING)
    keeping = _FOR_ONE.get(told, "no-store")
    others = [(name, text) for name, text in headers if name != _KEEPING]
    return [*others, (_KEEPING, keeping), ("Vary", "Cookie")]


def _is_preflight(environ: "WSGIEnvironment") -> bool:
    return (
        environ["REQUEST_METHOD"] == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
    )


@lru_cache(maxsize=256)
def _is_local(host: str) -> bool:
    """Tell whether a Host header names this machine by a name that nobody else can have."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    # Without a Host, which HTTP/1.0 allows, it was no browser.
    return not host or is_loopback(name) or name.endswith(".localhost")
