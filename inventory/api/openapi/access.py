"""API keys and sessions in the document: what is answered of them, and how they are sent."""

from typing import Any

from inventory.api.authentication import CHANGES_NOTHING, CSRF_HEADER, SESSION_COOKIE
from inventory.api.contract import Contract
from inventory.api.openapi.building import (
    JSONSchema,
    choice,
    described,
    identifier,
    moment,
    nullable,
    record,
    text,
    truth,
)
from inventory.domain.keys import Scope

_BEARER, _HEADER, _SESSION, _CSRF = "bearer", "header", "session", "csrf"


def keys() -> dict[str, JSONSchema]:
    """Return the schemas of what is answered of API keys, by their names."""
    key = {
        "type": "string",
        "description": "The key itself, shown this once.",
        "pattern": "^inv_[sp]k_[0-9A-Za-z]{49}$",
    }
    return {
        "ApiKey": record("What is kept of an API key.", _kept()),
        "NewApiKey": record("An API key that was just made.", {**_kept(), "key": key}),
        "Session": record("On whose behalf requests are made.", _signed_in()),
    }


def _kept() -> dict[str, JSONSchema]:
    scopes = {"type": "array", "items": choice(Scope, "One of them."), "minItems": 1}
    return {
        "id": identifier("The key's id, which is no secret."),
        "client": text(),
        "publishable": truth("Whether it may stand in a page, where every shopper can read it."),
        "scopes": scopes,
        "hint": text("How the key begins."),
        "created_at": moment("When it was made."),
        "expires_at": nullable(moment("When it stops to be good for anything; null: never.")),
        "revoked_at": nullable(moment("When it was revoked.")),
        "last_used_at": nullable(moment("When it was last used, to about a minute.")),
    }


def _signed_in() -> dict[str, JSONSchema]:
    authentication = {"type": "string", "enum": ["on", "off"]}
    token = text(
        f"What a change has to send as `{CSRF_HEADER}` beside the cookie; null without a session.",
        pattern="^[0-9a-f]{64}$",
    )
    return {
        "authentication": described(authentication, "Whether requests need an API key here."),
        "key_id": nullable(identifier("The key's id; null where nobody needs one.")),
        "name": nullable(text("Whose key it is.")),
        "scopes": {
            "type": "array",
            "items": choice(Scope, "One of them."),
            "description": "What may be done; `admin` is everything.",
        },
        "expires_at": nullable(moment("When the session, or else the key, ends; null: never.")),
        "csrf_token": nullable(token),
    }


def security_schemes() -> dict[str, dict[str, Any]]:
    """Return the two ways to send an API key, and what a page sends instead."""
    return {
        _BEARER: {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key, as `Authorization: Bearer ...`.",
        },
        _HEADER: {
            "type": "apiKey",
            "in": "header",
            "name": "X-API-Key",
            "description": "An API key by itself.",
        },
        _SESSION: {
            "type": "apiKey",
            "in": "cookie",
            "name": SESSION_COOKIE,
            "description": "The session of a page of the same origin, from `POST /api/session`.",
        },
        _CSRF: {
            "type": "apiKey",
            "in": "header",
            "name": CSRF_HEADER,
            "description": "The session's `csrf_token`, beside its cookie, with every change.",
        },
    }


def security_of(
    promised: Contract, method: str, *, key_needed: bool, public_reads: bool
) -> list[Any]:
    """Return which keys an operation needs here; the empty one stands for none."""
    if not promised.needs_key:
        return []
    open_to_all = public_reads and promised.scope is Scope.CATALOG_READ
    without: list[Any] = [] if key_needed and not open_to_all else [{}]
    session: dict[str, Any] = {_SESSION: []}
    if method.upper() not in CHANGES_NOTHING:
        session[_CSRF] = []
    return [*without, {_BEARER: []}, {_HEADER: []}, session]


def scope_wording(promised: Contract) -> str:
    """Return a sentence that says which keys are good for an operation."""
    if promised.any_key:
        return "Needs any key, where API keys are needed."
    if promised.scope is None:
        return "Open to everybody."
    kind = " of a secret key" if promised.secret_only else ""
    return f"Needs the scope `{promised.scope}`{kind}, where API keys are needed."
