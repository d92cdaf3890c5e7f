"""What surrounds every request: its id, its limit of time, its line in the log."""

import re
import time
import uuid

import structlog
from flask import Flask, Response, g, request

from inventory import limits
from inventory.api.context import context

_log = structlog.get_logger("inventory.request")
_SANE_ID = re.compile(rf"[A-Za-z0-9._:/+=-]{{1,{limits.REQUEST_ID_CHARACTERS_MAX}}}")


def register(app: Flask) -> None:
    """Let every request of the app have an id, a limit of time and a line in the log."""
    app.before_request(_begin)
    app.after_request(_answer)
    app.teardown_request(_end)


def _begin() -> None:
    g.began = time.perf_counter()
    sent = request.headers.get("X-Request-ID", "")
    g.request_id = sent if _SANE_ID.fullmatch(sent) else uuid.uuid4().hex
    structlog.contextvars.bind_contextvars(request_id=g.request_id)
    g.time_limit = context().time_limit(limits.MONGO_TIMEOUT_SECONDS)
    g.time_limit.__enter__()


def _answer(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    _log.info(
        "request",
        method=request.method,
        path=request.path,
        status=response.status_code,
        milliseconds=round((time.perf_counter() - g.began) * 1000, 2),
        remote=request.remote_addr,
    )
    return response


def _end(_: BaseException | None) -> None:
    if (limit := g.pop("time_limit", None)) is not None:
        limit.__exit__(None, None, None)
    structlog.contextvars.clear_contextvars()
