"""The line of each request in the log: what was asked, by whom, and what came of it.

Never a key, a query or a body: what a shopper or a shop says of itself is in the latter two. A path
is as harmless as ids are, unless somebody has put a key into it.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from flask import Request, Response, g
from werkzeug.routing import Rule

from inventory.domain.keys import Principal
from inventory.telemetry import logs

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

Tell = Callable[[Request, str | None, Response, float], None]

EVENT = "request"
_QUIET = frozenset({"warning", "error"})
_SERVER_ERROR = 500
_SECRET = re.compile(r"inv_(sk|pk|ss)_[0-9A-Za-z]+")


def teller(level: str) -> Tell:
    """Return what writes the line of the current request.

    It is given the request, its route if it met one, its response, and how long it took.
    """
    least = _SERVER_ERROR if level in _QUIET else 0

    def tell(asked: Request, route: str | None, response: Response, seconds: float) -> None:
        if response.status_code >= least:
            line = _line(asked, route, response, seconds)
            logs.write(_level_of(response.status_code), line)

    return tell


def _level_of(status: int) -> str:
    """Return the level of a line; what failed for our own sake is told at that of warnings too."""
    return "warning" if status >= _SERVER_ERROR else "info"


def _line(asked: Request, route: str | None, response: Response, seconds: float) -> dict[str, Any]:
    # Not `dict(headers)`, which would look each of them up by its name.
    told = dict(iter(response.headers))
    method = asked.method
    line = {
        "event": EVENT,
        "method": method,
        "route": route,
        "path": without_keys(asked.path),
        "status": response.status_code,
        "duration_ms": round(seconds * 1000, 2),
        "bytes": 0 if method == "HEAD" else _length(response, told.get("Content-Length")),
        "client": asked.environ.get("REMOTE_ADDR"),
    }
    principal: Principal | None = g.get("principal")
    if principal is not None and principal.key_id is not None:
        line["key_id"] = principal.key_id
    if (cache := told.get("X-Cache")) is not None:
        line["cache"] = cache
    if "Idempotent-Replayed" in told:
        line["replayed"] = True
    return line


def tell_unseen(environ: "WSGIEnvironment", status: int, length: int, **more: str) -> None:
    """Write the line of a request that was answered before Flask saw it."""
    method = environ["REQUEST_METHOD"]
    line = {
        "event": EVENT,
        "method": method,
        "route": None,
        "path": without_keys(environ.get("PATH_INFO", "")),
        "status": status,
        "duration_ms": 0.0,
        "bytes": 0 if method == "HEAD" else length,
        "client": environ.get("REMOTE_ADDR"),
        **more,
    }
    logs.write(_level_of(status), line)


def without_keys(path: str) -> str:
    """Return a path without API keys and tokens, which somebody may take for ids."""
    return _SECRET.sub(r"inv_\1_...", path) if "inv_" in path else path


def route_of(rule: Rule | None) -> str | None:
    """Return the route of a request as the documentation spells it, None if there is none."""
    return None if rule is None else _spelled(rule.rule)


@lru_cache(maxsize=256)
def _spelled(rule: str) -> str:
    return re.sub(r"<(?:[^<>:]+:)?([^<>]+)>", r"{\1}", rule)


def _length(response: Response, told: str | None) -> int | None:
    """Return how long the body is, None for one that is not known before it is sent."""
    if told is not None:
        return int(told)
    # A stream would be read to its end to find that out, before anybody is sent anything.
    return response.calculate_content_length() if response.is_sequence else None
