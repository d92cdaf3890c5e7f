"""On whose behalf a request is made, and whether it may."""

from flask import g, request

from inventory.api.context import context
from inventory.domain.keys import ANYBODY, NOBODY, Principal, Scope
from inventory.domain.sessions import Session, is_csrf_token_of
from inventory.errors import (
    AuthenticationRequired,
    InsufficientScope,
    InvalidApiKey,
    InvalidCsrfToken,
    SecretKeyRequired,
    SessionExpired,
)

SESSION_COOKIE = "inventory_session"
CSRF_HEADER = "X-CSRF-Token"
CHANGES_NOTHING = frozenset({"GET", "HEAD", "OPTIONS"})

_BEARER = "bearer "
_SENT = frozenset({"HTTP_AUTHORIZATION", "HTTP_X_API_KEY"})


def authorize(scope: Scope | None, *, secret_only: bool) -> None:
    """Let the request pass if it has an API key that is good for `scope`.

    Only where keys are needed at all. Without a scope any key will do. A session does what its key
    does. With `secret_only` a publishable key will not do. Raises `AuthenticationRequired`,
    `InvalidApiKey`, `SessionExpired`, `InvalidCsrfToken`, `InsufficientScope` or
    `SecretKeyRequired`, and `StorageUnavailable` where nobody can say.
    """
    installed = context()
    principal = _principal()
    g.principal = principal
    if scope is Scope.CATALOG_READ and installed.settings.public_reads:
        return
    if principal is NOBODY:
        raise AuthenticationRequired
    if scope is not None and not principal.may(scope):
        raise InsufficientScope(scope)
    if secret_only and principal.publishable:
        raise SecretKeyRequired


def _principal() -> Principal:
    """Return on whose behalf the request is made, as far as its key or its session tells."""
    environ = request.environ
    if _SENT & environ.keys():
        return holder_of(_secret())
    if "HTTP_COOKIE" in environ and (token := session_token()) is not None:
        return signed_in(token)
    return NOBODY


def holder_of(secret: str) -> Principal:
    """Return on whose behalf a key speaks.

    Raises `InvalidApiKey`, or `RateLimited` if too many from this address were wrong lately. A key
    that was good when it was last seen here is never kept waiting by that.
    """
    installed = context()
    try:
        if not installed.keyring.remembers(secret):
            installed.rates.require_few_failures()
        return installed.keyring.authenticate(secret)
    except InvalidApiKey:
        installed.rates.failed()
        raise


def signed_in(token: str) -> Principal:
    """Return on whose behalf a session speaks; a change needs its CSRF token as well.

    Raises `SessionExpired` or `InvalidCsrfToken`. Only a token that was never seen here may be a
    guess, and counts as a wrong key does: a page that was left open overnight guesses nothing.
    """
    installed = context()
    guessed = not installed.sessions.has_met(token)
    if guessed:
        installed.rates.require_few_failures()
    try:
        session, principal = installed.sessions.authenticate(token)
    except SessionExpired:
        if guessed:
            installed.rates.failed()
        raise
    if request.method not in CHANGES_NOTHING and not is_csrf_token_of(
        token, request.environ.get("HTTP_X_CSRF_TOKEN", "")
    ):
        raise InvalidCsrfToken
    g.session = session
    return principal


def current_principal() -> Principal:
    """Return on whose behalf the current request is made."""
    principal: Principal = g.get("principal", ANYBODY)
    return principal


def current_actor() -> str | None:
    """Return whom the ledger puts the current request's changes down to: its key, by its id."""
    return current_principal().key_id


def current_session() -> Session | None:
    """Return the session that the current request is made with, None if it has a key or nothing."""
    session: Session | None = g.get("session")
    return session


def session_token() -> str | None:
    """Return the token in the cookie, None without one; of several, one that is none.

    A neighbour under the same domain could have set another one.
    """
    found = request.cookies.getlist(SESSION_COOKIE)
    if len(found) > 1:
        return ""
    return found[0] if found else None


def _secret() -> str:
    """Return the key that the request came with, an empty one where it cannot be one."""
    environ = request.environ
    named, bearer = environ.get("HTTP_X_API_KEY"), environ.get("HTTP_AUTHORIZATION")
    if bearer is None:
        return str(named)
    if named is not None or bearer[: len(_BEARER)].lower() != _BEARER:
        return ""
    return str(bearer[len(_BEARER) :].strip())
