"""API keys in the document: what they look like, what is answered of them, how they are sent."""

from typing import Any

from inventory.api.contract import Contract
from inventory.api.openapi.building import (
    JSONSchema,
    choice,
    identifier,
    moment,
    nullable,
    record,
    text,
    truth,
)
from inventory.domain.keys import Scope

_BEARER, _HEADER = "bearer", "header"


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


def security_schemes() -> dict[str, dict[str, Any]]:
    """Return the two ways to send an API key."""
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
    }


def security_of(promised: Contract, *, key_needed: bool, public_reads: bool) -> list[Any]:
    """Return which keys an operation needs here; the empty one stands for none."""
    if promised.scope is None:
        return []
    open_to_all = public_reads and promised.scope is Scope.CATALOG_READ
    without: list[Any] = [] if key_needed and not open_to_all else [{}]
    return [*without, {_BEARER: []}, {_HEADER: []}]


def scope_wording(promised: Contract) -> str:
    """Return a sentence that says which keys are good for an operation."""
    if promised.scope is None:
        return "Open to everybody."
    kind = " of a secret key" if promised.secret_only else ""
    return f"Needs the scope `{promised.scope}`{kind}, where API keys are needed."
