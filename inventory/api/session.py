"""The session of a browser: signed in with an API key once, known by a cookie from then on."""

from contextlib import suppress
from typing import Any

from flask import Blueprint, Response, g, request

from inventory import limits, presenters
from inventory.api.authentication import (
    SESSION_COOKIE,
    current_principal,
    current_session,
    holder_of,
    session_token,
    signed_in,
)
from inventory.api.context import context
from inventory.api.contract import contract
from inventory.api.responses import Complete, answer
from inventory.api.schemas.session import SignInSchema
from inventory.domain.keys import Principal
from inventory.domain.sessions import Session, csrf_token_of
from inventory.errors import (
    InvalidApiKey,
    InvalidCsrfToken,
    OutcomeUnknown,
    SecretKeyRequired,
    SessionExpired,
)

bp = Blueprint("session", __name__, url_prefix="/api/session")


@bp.post("")
@contract(
    "Sign in",
    {201: "Session"},
    scope=None,
    body=SignInSchema(),
    problems=(InvalidApiKey, SecretKeyRequired),
    headers=("Set-Cookie", "Cache-Control"),
)
def sign_in(body: dict[str, Any]) -> Response:
    """Begin a session of twelve hours with a key, for a page of the same origin.

    The cookie is for the browser alone. A session that the browser had before is ended.
    """
    sessions = context().sessions
    principal = g.principal = holder_of(body["key"])
    session, token = sessions.begin(principal)
    if (before := session_token()) is not None:
        sessions.end(before)
    shown = _shown(principal, session, token)
    return answer(shown, 201, Set_Cookie=_cookie(token), Cache_Control="no-store")


@bp.get("")
@contract("Who am I?", {200: "Session"}, scope=None, any_key=True, headers=("Cache-Control",))
def get_session() -> Response:
    """Tell on whose behalf requests like this one are made, and what they may do."""
    principal, session = current_principal(), current_session()
    token = session_token() if session else None
    return answer(_shown(principal, session, token), Cache_Control="no-store")


@bp.delete("")
@contract(
    "Sign out",
    {204: ""},
    scope=None,
    problems=(InvalidCsrfToken, OutcomeUnknown),
    headers=("Set-Cookie", "Cache-Control"),
)
def sign_out() -> Response:
    """End the session, in every process within a second, and let the browser forget the cookie.

    Where there is none, or it is over already, nothing is to be done.
    """
    installed = context()
    if (token := session_token()) is not None:
        with suppress(SessionExpired):
            if installed.settings.authenticates:
                g.principal = signed_in(token)
            installed.sessions.end(token)
    headers = {"Set-Cookie": _cookie("", 0), "Cache-Control": "no-store"}
    return Complete(status=204, headers=headers)


def _shown(principal: Principal, session: Session | None, token: str | None) -> dict[str, Any]:
    installed = context()
    expires_at = session.expires_at if session else None
    if session is None and principal.key_id is not None:
        expires_at = installed.keyring.get(principal.key_id).expires_at
    return presenters.session(
        principal,
        authenticates=installed.settings.authenticates,
        expires_at=expires_at,
        token=None if token is None else csrf_token_of(token),
    )


def _cookie(token: str, seconds: int = limits.SESSION_SECONDS) -> str:
    """Return the cookie of a session: out of reach of scripts, and of pages of other sites."""
    secure = "; Secure" if request.scheme == "https" else ""
    rules = f"Path=/api; HttpOnly; SameSite=Strict; Max-Age={seconds}"
    return f"{SESSION_COOKIE}={token}; {rules}{secure}"
