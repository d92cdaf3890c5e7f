"""What surrounds every request: its id, its limit of time, its line in the log."""

import random
import re
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Flask, Response, g, request

from inventory import limits
from inventory.api import lines
from inventory.api.context import context_of
from inventory.api.contract import contract_of
from inventory.telemetry import logs
from inventory.telemetry.metrics import NO_ROUTE

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_SANE_ID = re.compile(rf"[A-Za-z0-9._:/+=-]{{1,{limits.REQUEST_ID_CHARACTERS_MAX}}}")

# Where units are bought, and the answers that say whether they were.
_PURCHASES = frozenset(
    {
        "/api/products/{product_id}/purchase",
        "/api/purchases",
        "/api/reservations/{reservation_id}/commit",
    }
)
_DECIDED = frozenset({HTTPStatus.CREATED, HTTPStatus.CONFLICT})


def register(app: Flask) -> None:
    """Let every request of the app have an id, a limit of time and a line in the log.

    Logging must be configured and the context installed by now: both are looked up once.
    """
    installed = context_of(app)
    limit_time, metrics = installed.time_limit, installed.metrics
    tell = lines.teller(installed.settings.log_level)

    def begin() -> None:
        here = g._get_current_object()
        here.began = time.perf_counter()
        environ = request.environ
        here.request_id = request_id_of(environ)
        here.problem = None
        logs.request_id.set(here.request_id)
        if (parent := environ.get("HTTP_TRACEPARENT")) is not None:
            logs.follow(parent)
        here.time_limit = limit_time(limits.MONGO_TIMEOUT_SECONDS)
        here.time_limit.__enter__()

    def answer(response: Response) -> Response:
        here = g._get_current_object()
        asked = request._get_current_object()  # type: ignore[attr-defined]  # what a proxy has
        response.headers.add("X-Request-ID", here.request_id)
        route, status = lines.route_of(asked.url_rule), response.status_code
        seconds = time.perf_counter() - here.began
        metrics.request(route or NO_ROUTE, asked.method, status, seconds)
        if status in _DECIDED and route in _PURCHASES and asked.method == "POST":
            metrics.purchase_decided(seconds)
        if here.problem is not None:
            metrics.refused(here.problem)
        tell(asked, route, response, seconds)
        return response

    app.before_request(begin)
    app.after_request(answer)
    app.teardown_request(_end)


def hold_back(app: Flask) -> None:
    """Let no request come near the stores before the database has been found prepared."""
    require = context_of(app).health.require

    def gate() -> None:
        endpoint = request.endpoint
        promised = contract_of(app.view_functions[endpoint]) if endpoint else None
        if promised is not None and promised.stores:
            require()

    app.before_request(gate)


def request_id_of(environ: "WSGIEnvironment") -> str:
    """Return the id that a request came with if it is a sane one, else a new one."""
    sent = environ.get("HTTP_X_REQUEST_ID", "")
    if sent and _SANE_ID.fullmatch(sent):
        return str(sent)
    # Unique is enough; it is no secret.
    return f"{random.getrandbits(128):032x}"  # nosec B311


def _end(_: BaseException | None) -> None:
    if (limit := g.pop("time_limit", None)) is not None:
        limit.__exit__(None, None, None)
    logs.forget()
    if (upload := g.pop("upload", None)) is not None:
        upload.close()
