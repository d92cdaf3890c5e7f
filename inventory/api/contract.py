"""`@contract`: what an operation takes and may answer, checked and documented in one place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from http import HTTPStatus
from typing import Any

from flask import Response
from marshmallow import Schema

from inventory import errors
from inventory.api import problems
from inventory.api.authentication import authorize, current_principal
from inventory.api.bodies import JSON, read_body, read_query, read_request_key
from inventory.api.context import context
from inventory.api.uploads import receive
from inventory.domain.keys import Scope
from inventory.errors import InventoryError

View = Callable[..., Response]


@dataclass(frozen=True, slots=True)
class Contract:
    """One operation as clients may rely on it.

    `answers` maps a success status to the name of the answer's schema in the document, "" for an
    empty answer; `produces` says of which media types the others are. `headers` come with each of
    them. A view gets `body`, `query` and `key` as keyword arguments, each where declared.

    Where API keys are asked for, one with the `scope` is needed, and a secret one if `secret_only`;
    without a scope `any_key` will do, or it is open to everybody.

    A body that is optional may be left out, which is the same as an empty object. An operation with
    `rows` takes many of them instead, each as this schema has it, and gets them as `upload`.

    `problems` and `statuses` are what can go wrong besides `implied_problems`. An operation that
    `stores` nothing and reads nothing stored does without MongoDB, and is not limited in its rate.
    One that `takes_stock` may have narrower limits than others.
    """

    summary: str
    answers: Mapping[int, str]
    scope: Scope | None
    secret_only: bool = False
    any_key: bool = False
    body: Schema | None = None
    rows: Schema | None = None
    media_types: tuple[str, ...] = (JSON,)
    query: Schema | None = None
    problems: tuple[type[InventoryError], ...] = ()
    statuses: tuple[HTTPStatus, ...] = ()
    body_optional: bool = False
    idempotent: bool = False
    conditional: bool = False
    headers: tuple[str, ...] = field(default=())
    produces: tuple[str, ...] = (JSON,)
    stores: bool = True
    takes_stock: bool = False

    @property
    def takes_body(self) -> bool:
        """Whether there is anything in the request's body."""
        return self.body is not None or self.rows is not None

    @property
    def takes_nothing(self) -> bool:
        """Whether there is nothing in the request but its path."""
        return self.query is None and not self.takes_body and not self.idempotent

    @property
    def needs_key(self) -> bool:
        """Whether an API key, or a session of one, is asked for where they are needed."""
        return self.scope is not None or self.any_key

    def implied_problems(self) -> list[type[InventoryError]]:
        """Return the problems that follow from what the operation takes."""
        implied: list[type[InventoryError]] = [problems.ForeignPage, *self._implied_by_scope()]
        if self.takes_body:
            implied += [problems.MalformedJSON, problems.UnsupportedMediaType]
        if self.takes_body or self.query is not None:
            implied += [problems.ValidationFailed]
        if self.idempotent:
            implied += [problems.InvalidIdempotencyKey, problems.IdempotencyKeyRequired]
            implied += [errors.IdempotencyInProgress, errors.IdempotencyKeyReused]
        if self.conditional:
            implied += [errors.StaleVersion, problems.PreconditionRequired]
        if self.stores:
            implied += [problems.RateLimited]
            implied += [errors.StorageUnavailable, errors.DatabaseNotReady]
        if self.stores and (self.takes_body or self.conditional):
            implied += [errors.OutcomeUnknown]
        return implied

    def _implied_by_scope(self) -> list[type[InventoryError]]:
        implied: list[type[InventoryError]] = []
        if self.needs_key:
            implied += [errors.AuthenticationRequired, errors.InvalidApiKey, errors.SessionExpired]
        if self.scope is not None:
            implied += [errors.InsufficientScope]
        return [*implied, errors.SecretKeyRequired] if self.secret_only else implied

    def implied_statuses(self) -> list[HTTPStatus]:
        """Return the failures without a condition of ours that follow from what it takes."""
        of_bodies = [HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE]
        of_all = [
            HTTPStatus.REQUEST_URI_TOO_LONG,
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            HTTPStatus.INTERNAL_SERVER_ERROR,
        ]
        return [*(of_bodies if self.takes_body else ()), *of_all]


def contract(summary: str, answers: Mapping[int, str], **options: Any) -> Callable[[View], View]:
    """Make a view's contract: check what comes in by it, and keep it for the documentation."""
    promised = Contract(summary, answers, **options)
    needs_key, takes_nothing = promised.needs_key, promised.takes_nothing

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(**arguments: Any) -> Response:
            installed = context()
            if needs_key and installed.settings.authenticates:
                authorize(promised.scope, secret_only=promised.secret_only)
            if promised.stores and (rates := installed.rates).limits_requests:
                rates.admit(current_principal(), takes_stock=promised.takes_stock)
            return view(**arguments) if takes_nothing else view(**arguments, **_read(promised))

        checked.contract = promised  # type: ignore[attr-defined]  # found again by `contract_of`
        return checked

    return decorate


def _read(promised: Contract) -> dict[str, Any]:
    """Return what came with the current request, of what its operation takes."""
    found: dict[str, Any] = {}
    if promised.query is not None:
        found["query"] = read_query(promised.query)
    if promised.body is not None:
        found["body"] = read_body(
            promised.body, *promised.media_types, optional=promised.body_optional
        )
    if promised.rows is not None:
        found["upload"] = receive(promised.media_types)
    if promised.idempotent:
        required = context().settings.require_idempotency_key
        found["key"] = read_request_key(_asked(found), required=required)
    return found


def _asked(found: dict[str, Any]) -> Any:
    """Return what tells a request from others of its operation; of an upload, its digest."""
    if "upload" in found:
        return [found["query"], *found["upload"].identity]
    return found["body"]


def contract_of(view: Callable[..., Any]) -> Contract | None:
    """Return the contract of a view, None if it has none."""
    found: Contract | None = getattr(view, "contract", None)
    return found
