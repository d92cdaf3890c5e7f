"""On whose behalf a request is made, and whether it may."""

from flask import g, request

from inventory.api.context import context
from inventory.domain.keys import ANYBODY, NOBODY, Principal, Scope
from inventory.errors import (
    AuthenticationRequired,
    InsufficientScope,
    InvalidApiKey,
    SecretKeyRequired,
)

_BEARER = "bearer "
_SENT = frozenset({"HTTP_AUTHORIZATION", "HTTP_X_API_KEY"})


def authorize(scope: Scope, *, secret_only: bool) -> None:
    """Let the request pass if it has an API key that is good for `scope`, or needs none.

    With `secret_only` a publishable key will not do. Raises `AuthenticationRequired`,
    `InvalidApiKey`, `InsufficientScope` or `SecretKeyRequired`, and `StorageUnavailable` where
    nobody can say.
    """
    installed = context()
    if not installed.settings.authenticates:
        return
    principal = _principal()
    g.principal = principal
    if scope is Scope.CATALOG_READ and installed.settings.public_reads:
        return
    if principal is NOBODY:
        raise AuthenticationRequired
    if not principal.may(scope):
        raise InsufficientScope(scope)
    if secret_only and principal.publishable:
        raise SecretKeyRequired


def _principal() -> Principal:
    """Return on whose behalf the request is made, as far as its key tells.

    Raises `InvalidApiKey`, or `RateLimited` if too many from this address were wrong lately. A key
    that was good when it was last seen here is never kept waiting by that.
    """
    if not _SENT & request.environ.keys():
        return NOBODY
    installed = context()
    try:
        secret = _secret()
        if not installed.keyring.remembers(secret):
            installed.rates.require_few_failures()
        return installed.keyring.authenticate(secret)
    except InvalidApiKey:
        installed.rates.failed()
        raise


def current_principal() -> Principal:
    """Return on whose behalf the current request is made."""
    principal: Principal = g.get("principal", ANYBODY)
    return principal


def current_actor() -> str | None:
    """Return whom the ledger puts the current request's changes down to: its key, by its id."""
    return current_principal().key_id


def _secret() -> str:
    """Return the key that the request came with; raise `InvalidApiKey` where it cannot be one."""
    environ = request.environ
    named, bearer = environ.get("HTTP_X_API_KEY"), environ.get("HTTP_AUTHORIZATION")
    if bearer is None:
        return str(named)
    if named is not None or bearer[: len(_BEARER)].lower() != _BEARER:
        raise InvalidApiKey
    return str(bearer[len(_BEARER) :].strip())
