"""Errors as RFC 9457 problem documents: one table from condition to status, one body for all."""

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import orjson
import structlog
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, InternalServerError

from inventory import errors, limits
from inventory.errors import InventoryError
from inventory.services.changing import Replayed

_log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
Fields = dict[str, list[str]]
_CHALLENGE = 'Bearer realm="inventory"'


class RequestProblem(InventoryError):
    """The request itself is at fault, before any rule of the shop is asked."""


class MalformedJSON(RequestProblem):
    """The body is not JSON, says what JSON cannot mean, nests too deep or has too many values."""

    code = "malformed_json"
    title = "Malformed JSON"


class UnsupportedMediaType(RequestProblem):
    """The body is of a kind that this resource does not take."""

    code = "unsupported_media_type"
    title = "Unsupported media type"


class ValidationFailed(RequestProblem):
    """Fields are missing, unknown, of the wrong type or out of bounds; `errors` says which."""

    code = "validation_failed"
    title = "Validation failed"

    def __init__(self, fields: Fields) -> None:
        super().__init__("The request is not valid.", errors=fields)


class PreconditionRequired(RequestProblem):
    """A change needs an If-Match header with the ETag of the version that it is based on."""

    code = "precondition_required"
    title = "Precondition required"

    def __init__(self) -> None:
        super().__init__("Send If-Match with the ETag that you have seen.")


class InvalidIdempotencyKey(RequestProblem):
    """An Idempotency-Key has 1 to 255 characters."""

    code = "invalid_idempotency_key"
    title = "Invalid Idempotency-Key"

    def __init__(self) -> None:
        super().__init__(
            "An Idempotency-Key has 1 to "
            f"{limits.IDEMPOTENCY_KEY_CHARACTERS_MAX} printable characters."
        )


class ForeignPage(RequestProblem):
    """The request names another machine, or was sent by a page of another origin.

    Where nobody needs an API key, a browser on this machine must not be made to send it.
    """

    code = "foreign_page"
    title = "Foreign page"

    def __init__(self) -> None:
        super().__init__("Here only this machine, by a name of its own, may ask for this.")


class IdempotencyKeyRequired(RequestProblem):
    """This service takes no change of stock without an Idempotency-Key."""

    code = "idempotency_key_required"
    title = "Idempotency-Key required"

    def __init__(self) -> None:
        super().__init__("Send an Idempotency-Key: a new one a purchase, the same for its retries.")


class RateLimited(RequestProblem):
    """This client has sent as many requests as it may; nothing was done."""

    code = "rate_limited"
    title = "Rate limited"

    def __init__(self, limit: int, retry_after_seconds: int) -> None:
        super().__init__(
            f"Too many requests of yours within a minute, of which there may be {limit}. Nothing "
            f"was changed; there is room for the next one in {retry_after_seconds} s."
        )
        self.retry_after_seconds = retry_after_seconds


STATUS: dict[type[InventoryError], HTTPStatus] = {
    MalformedJSON: HTTPStatus.BAD_REQUEST,
    InvalidIdempotencyKey: HTTPStatus.BAD_REQUEST,
    IdempotencyKeyRequired: HTTPStatus.BAD_REQUEST,
    errors.AuthenticationRequired: HTTPStatus.UNAUTHORIZED,
    errors.InvalidApiKey: HTTPStatus.UNAUTHORIZED,
    errors.SessionExpired: HTTPStatus.UNAUTHORIZED,
    ForeignPage: HTTPStatus.FORBIDDEN,
    errors.InsufficientScope: HTTPStatus.FORBIDDEN,
    errors.SecretKeyRequired: HTTPStatus.FORBIDDEN,
    errors.InvalidCsrfToken: HTTPStatus.FORBIDDEN,
    errors.MalformedTable: HTTPStatus.BAD_REQUEST,
    errors.ApiKeyNotFound: HTTPStatus.NOT_FOUND,
    errors.ProductNotFound: HTTPStatus.NOT_FOUND,
    errors.PurchaseNotFound: HTTPStatus.NOT_FOUND,
    errors.ReservationNotFound: HTTPStatus.NOT_FOUND,
    errors.WebhookNotFound: HTTPStatus.NOT_FOUND,
    errors.DeliveryNotFound: HTTPStatus.NOT_FOUND,
    errors.RehearsalNotFound: HTTPStatus.NOT_FOUND,
    errors.InsufficientStock: HTTPStatus.CONFLICT,
    errors.StaleStock: HTTPStatus.CONFLICT,
    errors.PurchaseLimitExceeded: HTTPStatus.CONFLICT,
    errors.StockLimitExceeded: HTTPStatus.CONFLICT,
    errors.CountBelowHeld: HTTPStatus.CONFLICT,
    errors.ReservationReleased: HTTPStatus.CONFLICT,
    errors.ReservationCommitted: HTTPStatus.CONFLICT,
    errors.CommitExceedsHeld: HTTPStatus.CONFLICT,
    errors.ReturnExceedsPurchased: HTTPStatus.CONFLICT,
    errors.DuplicateSku: HTTPStatus.CONFLICT,
    errors.WebhookLimitReached: HTTPStatus.CONFLICT,
    errors.RehearsalRunning: HTTPStatus.CONFLICT,
    errors.IdempotencyInProgress: HTTPStatus.CONFLICT,
    errors.ReservationExpired: HTTPStatus.GONE,
    errors.EventsForgotten: HTTPStatus.GONE,
    errors.StaleVersion: HTTPStatus.PRECONDITION_FAILED,
    UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    ValidationFailed: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidValue: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.CustomerRequired: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.MixedCurrencies: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.IdempotencyKeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    PreconditionRequired: HTTPStatus.PRECONDITION_REQUIRED,
    RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    errors.StorageUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.Overloaded: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ImportUnfinished: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.OutcomeUnknown: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.DatabaseNotReady: HTTPStatus.SERVICE_UNAVAILABLE,
}


# The standard library has renamed these between versions of Python; codes follow from them.
_TITLES: dict[int, str] = {
    413: "Payload Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}


def register(app: Flask) -> None:
    """Let every error of the app become a problem document."""
    app.register_error_handler(InventoryError, _inventory_error)
    app.register_error_handler(HTTPException, _http_error)


def document(status: int, code: str, title: str, detail: str, **more: Any) -> dict[str, Any]:
    """Return the problem document of this request."""
    return {
        "type": f"/problems/{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": quote(request.path),
        "code": code,
        "request_id": g.request_id,
    } | more


def _inventory_error(problem: InventoryError) -> Response:
    if isinstance(problem, Replayed):
        # To the letter what the first request was told, its id included.
        response = _respond(problem.refusal, {"request_id": problem.answered_id})
        response.headers["Idempotent-Replayed"] = "true"
        return response
    return _respond(problem, {})


def _respond(problem: InventoryError, overrides: dict[str, Any]) -> Response:
    status = STATUS[type(problem)]
    g.problem = problem.code
    body = document(status, problem.code, problem.title, problem.message, **problem.details)
    response = Response(orjson.dumps(body | overrides), status, mimetype=MEDIA_TYPE)
    if isinstance(problem, errors.Unavailable | errors.IdempotencyInProgress):
        response.headers["Retry-After"] = str(limits.RETRY_AFTER_SECONDS)
    elif isinstance(problem, RateLimited):
        response.headers["Retry-After"] = str(problem.retry_after_seconds)
    if isinstance(problem, errors.AuthenticationFailed):
        response.headers["WWW-Authenticate"] = _CHALLENGE
    return response


def _http_error(error: HTTPException) -> Response:
    """Answer what Flask and Werkzeug raise; their status and headers (`Allow`, ...) stay."""
    if isinstance(error, InternalServerError):
        _log.error("unhandled_error", exc_info=error.original_exception or error)
    response = Response(status=error.code)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    if status < HTTPStatus.BAD_REQUEST:
        return response
    title = title_of(status)
    g.problem = code_of(status)
    body = document(status, g.problem, title, status.description or title)
    response.data = orjson.dumps(body)
    response.mimetype = MEDIA_TYPE
    return response


def code_of(status: HTTPStatus) -> str:
    """Return the code of a problem that is nothing but an HTTP status."""
    return re.sub(r"[^a-z]+", "_", title_of(status).lower())


def title_of(status: HTTPStatus) -> str:
    """Return the title of a problem that is nothing but an HTTP status."""
    return _TITLES.get(status, status.phrase)


def codes() -> Iterator[str]:
    """Return the codes of all problems of our own, and of a mistake of ours."""
    yield from (problem.code for problem in STATUS)
    yield code_of(HTTPStatus.INTERNAL_SERVER_ERROR)


def catalogue() -> Iterator[tuple[type[InventoryError], HTTPStatus]]:
    """Return every problem of our own with its status, for the documentation."""
    yield from STATUS.items()
