"""Refuses a request before Flask sees it, in the form of all other problems."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING
from urllib.parse import quote

import orjson

from inventory import limits
from inventory.api import lines
from inventory.api.problems import MEDIA_TYPE, STATUS
from inventory.api.requests import request_id_of
from inventory.errors import InventoryError, Unavailable

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# Takes the method of what was refused, the status and the code.
Tell = Callable[[str, int, str], None]


def refuse(
    problem: InventoryError,
    environ: "WSGIEnvironment",
    start_response: "StartResponse",
    tell: Tell,
) -> Iterable[bytes]:
    """Answer with a problem document, as a WSGI application would."""
    status, request_id = STATUS[type(problem)], request_id_of(environ)
    tell(environ["REQUEST_METHOD"], status.value, problem.code)
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
        ("X-Request-ID", request_id),
    ]
    if isinstance(problem, Unavailable):
        headers.append(("Retry-After", str(limits.RETRY_AFTER_SECONDS)))
    lines.tell_unseen(environ, status, len(body), request_id=request_id)
    start_response(f"{status.value} {status.phrase}", headers)
    return () if environ["REQUEST_METHOD"] == "HEAD" else (body,)
