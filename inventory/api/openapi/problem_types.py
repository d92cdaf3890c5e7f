"""Every kind of problem that clients can meet: code, status, facts, and what to do about it.

Our own kinds are the exceptions that have a status in `problems`; the others are what HTTP alone
can say. Knows how a problem document is written, not which operation answers with it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from inspect import cleandoc
from typing import Any

from werkzeug.exceptions import default_exceptions

from inventory import errors, limits
from inventory.api import problems
from inventory.api.openapi.building import reference, text, whole
from inventory.api.openapi.facts import FACTS
from inventory.errors import InventoryError

JSONSchema = dict[str, Any]

_UNCHANGED = "Change the request first: as it is, it would fail again."
_AGAIN_LATER = "Send the same request again, with the same Idempotency-Key if it had one"
# The first that a kind is a kind of counts.
_RETRY: tuple[tuple[type[InventoryError], str], ...] = (
    (errors.SessionExpired, "Sign in again, then send the request with the new session."),
    (errors.AuthenticationFailed, "Send the request again with an API key that is good."),
    (errors.InsufficientScope, "Send the request again with an API key that has the scope."),
    (errors.InvalidCsrfToken, "Send it again with the `csrf_token` that `GET /api/session` tells."),
    (errors.SecretKeyRequired, "Send the request again from a server, with its secret key."),
    (errors.Unavailable, f"{_AGAIN_LATER}, after the seconds in Retry-After."),
    (errors.IdempotencyInProgress, f"{_AGAIN_LATER}, after the seconds in Retry-After."),
    (problems.RateLimited, f"{_AGAIN_LATER}, after the seconds in Retry-After."),
    (errors.StaleVersion, "Read it again, then send the change with the ETag that you got."),
    (problems.PreconditionRequired, "Send the change with the ETag of what it is based on."),
    (errors.ReservationExpired, "Ask for the units anew; say so to the shopper if they are gone."),
    (errors.StaleStock, "Read the stock again, then decide anew, with a new Idempotency-Key."),
    (errors.Refused, "Ask for less or wait for a change of stock; take a new Idempotency-Key."),
    (errors.WebhookLimitReached, "Delete a webhook that is not needed any more first."),
    (errors.RehearsalRunning, "Send it again when that rehearsal is over."),
    (errors.NotFound, "Not before it exists, and then with a new Idempotency-Key."),
    (InventoryError, _UNCHANGED),
)
# What HTTP alone says of these, in our words: (description, what to do about it).
_PLAIN: Mapping[HTTPStatus, tuple[str, str]] = {
    HTTPStatus.NOT_FOUND: ("There is nothing at this path.", _UNCHANGED),
    HTTPStatus.METHOD_NOT_ALLOWED: (
        "The path does not have this method; `Allow` names those that it has.",
        _UNCHANGED,
    ),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
        f"The body is larger than {limits.BODY_BYTES_MAX // 1024} KiB; that of an import, than "
        f"{limits.IMPORT_BYTES_MAX // 1024**2} MiB.",
        _UNCHANGED,
    ),
    HTTPStatus.REQUEST_URI_TOO_LONG: ("The address of the request is too long.", _UNCHANGED),
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: (
        "The headers of the request are too large, or there are too many of them.",
        _UNCHANGED,
    ),
    HTTPStatus.INTERNAL_SERVER_ERROR: (
        "Something went wrong that the service did not foresee; its logs say what.",
        f"{_AGAIN_LATER}. If that fails too, report the request_id.",
    ),
}


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One kind of problem."""

    code: str
    status: HTTPStatus
    title: str
    description: str
    retry: str
    facts: Mapping[str, JSONSchema] = field(default_factory=dict)
    # Whether it says when to try again, and whether it is kept for retries with the same key.
    retry_after: bool = False
    kept: bool = False

    @property
    def uri(self) -> str:
        """What the `type` of its problem documents is."""
        return f"/problems/{self.code}"

    @property
    def schema_name(self) -> str:
        """The name of its problem documents' schema in the document."""
        return "".join(word.capitalize() for word in self.code.split("_")) + "Problem"

    def page(self) -> dict[str, Any]:
        """Return what is to be read where `uri` points to."""
        return {
            "type": self.uri,
            "code": self.code,
            "title": self.title,
            "status": int(self.status),
            "description": self.description,
            "retry": self.retry,
        }

    def schema(self) -> JSONSchema:
        """Return the schema of its problem documents."""
        members: JSONSchema = {
            "type": {"type": "string", "enum": [self.uri]},
            "status": {"type": "integer", "enum": [int(self.status)]},
            "code": {"type": "string", "enum": [self.code]},
            **self.facts,
        }
        examples = {
            "title": {"examples": [self.title]},
            "detail": {"examples": [self.description]},
        }
        return {
            "description": self.description,
            "allOf": [reference("Problem")],
            "type": "object",
            "required": list(members),
            "properties": members | examples,
            "unevaluatedProperties": False,
        }


@cache
def problem_types() -> Mapping[str, ProblemType]:
    """Return every kind of problem by its code, our own first."""
    types: dict[str, ProblemType] = {}
    for kind, status in problems.catalogue():
        types.setdefault(kind.code, _own(kind, status))
    for number in sorted(default_exceptions):
        plain = _plain(HTTPStatus(number))
        types.setdefault(plain.code, plain)
    return types


def types_of(
    kinds: Iterable[type[InventoryError]], statuses: Iterable[HTTPStatus]
) -> list[ProblemType]:
    """Return the kinds of problems that conditions and plain statuses come as, each once."""
    codes = [kind.code for kind in kinds] + [problems.code_of(status) for status in statuses]
    return [problem_types()[code] for code in dict.fromkeys(codes)]


def base_schema() -> JSONSchema:
    """Return the schema of what all problem documents say (RFC 9457)."""
    members = {
        "type": text("What kind of problem it is; there is a page there.", format="uri-reference"),
        "title": text("The kind's name for people."),
        "status": whole(400, 599, "The HTTP status."),
        "detail": text("What has happened this time."),
        "instance": text(
            "The path that was asked for.", format="uri-reference", examples=["/api/products"]
        ),
        "code": text("The kind's name for programs; it never changes.", pattern="^[a-z_]+$"),
        "request_id": text(
            "The `X-Request-ID` under which the service's logs know the request.",
            examples=["checkout-7f3a"],
        ),
    }
    return {
        "type": "object",
        "description": "What every problem document says (RFC 9457).",
        "required": list(members),
        "properties": members,
    }


def _own(kind: type[InventoryError], status: HTTPStatus) -> ProblemType:
    return ProblemType(
        code=kind.code,
        status=status,
        title=kind.title,
        description=cleandoc(kind.__doc__ or ""),
        retry=next(advice for base, advice in _RETRY if issubclass(kind, base)),
        facts=FACTS.get(kind, {}),
        retry_after=issubclass(
            kind, errors.Unavailable | errors.IdempotencyInProgress | problems.RateLimited
        ),
        kept=issubclass(kind, errors.Refused | errors.NotFound | errors.DuplicateSku)
        and not issubclass(
            kind,
            errors.ApiKeyNotFound
            | errors.WebhookNotFound
            | errors.DeliveryNotFound
            | errors.RehearsalNotFound,
        ),
    )


def _plain(status: HTTPStatus) -> ProblemType:
    unknown = ((status.description or problems.title_of(status)).rstrip(".") + ".", _UNCHANGED)
    description, retry = _PLAIN.get(status, unknown)
    return ProblemType(
        code=problems.code_of(status),
        status=status,
        title=problems.title_of(status),
        description=description,
        retry=retry,
    )
