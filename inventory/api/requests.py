"""What surrounds every request: its id, its limit of time, its line in the log."""

import random
import re
import time

import structlog
from flask import Flask, Response, g, request

from inventory import limits
from inventory.api.context import context

_SANE_ID = re.compile(rf"[A-Za-z0-9._:/+=-]{{1,{limits.REQUEST_ID_CHARACTERS_MAX}}}")


def register(app: Flask) -> None:
    """Let every request of the app have an id, a limit of time and a line in the log.

    Logging must be configured by now: the logger is made once, not anew for each line.
    """
    log = structlog.get_logger("inventory.request").bind()

    def answer(response: Response) -> Response:
        here = g._get_current_object()
        asked = request._get_current_object()  # type: ignore[attr-defined]  # what a proxy has
        response.headers["X-Request-ID"] = here.request_id
        log.info(
            "request",
            method=asked.method,
            path=asked.path,
            status=response.status_code,
            milliseconds=round((time.perf_counter() - here.began) * 1000, 2),
            remote=asked.remote_addr,
        )
        return response

    app.before_request(_begin)
    app.after_request(answer)
    app.teardown_request(_end)


def _begin() -> None:
    here = g._get_current_object()
    here.began = time.perf_counter()
    sent = request.environ.get("HTTP_X_REQUEST_ID", "")
    here.request_id = sent if _SANE_ID.fullmatch(sent) else f"{random.getrandbits(128):032x}"
    structlog.contextvars.bind_contextvars(request_id=here.request_id)
    here.time_limit = context().time_limit(limits.MONGO_TIMEOUT_SECONDS)
    here.time_limit.__enter__()


def _end(_: BaseException | None) -> None:
    if (limit := g.pop("time_limit", None)) is not None:
        limit.__exit__(None, None, None)
    structlog.contextvars.clear_contextvars()
