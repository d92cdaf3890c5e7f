"""Who may not, and why. Nothing was looked at, let alone changed."""

from inventory.errors.base import InventoryError, NotFound


class AuthenticationFailed(InventoryError):
    """The request does not say on whose behalf it is made, or not so that it can be believed."""


class AuthenticationRequired(AuthenticationFailed):
    """This needs an API key, and the request has none."""

    code = "authentication_required"
    title = "Authentication required"

    def __init__(self) -> None:
        super().__init__("Send an API key, as `Authorization: Bearer ...` or as `X-API-Key`.")


class InvalidApiKey(AuthenticationFailed):
    """The API key is none that opens anything: unknown, expired, revoked, or sent in two ways."""

    code = "invalid_api_key"
    title = "Invalid API key"

    def __init__(self) -> None:
        super().__init__("This API key is unknown, has expired or was revoked.")


class SessionExpired(AuthenticationFailed):
    """The session is over, was ended, or its key is no good any more: sign in again."""

    code = "session_expired"
    title = "Session expired"

    def __init__(self) -> None:
        super().__init__("This session is over; sign in again.")


class InvalidCsrfToken(InventoryError):
    """A change that is asked for with a session needs the session's CSRF token beside the cookie.

    A page elsewhere could make a browser send the cookie, but not know the token.
    """

    code = "invalid_csrf_token"
    title = "Invalid CSRF token"

    def __init__(self) -> None:
        super().__init__("Send X-CSRF-Token with the `csrf_token` that `GET /api/session` tells.")


class InsufficientScope(InventoryError):
    """The API key is good, but not for this."""

    code = "insufficient_scope"
    title = "Insufficient scope"

    def __init__(self, scope: str) -> None:
        super().__init__(f"This needs the scope {scope}.", required_scope=scope)


class SecretKeyRequired(InventoryError):
    """This needs a secret key: a publishable one is everybody's who looks into the page."""

    code = "secret_key_required"
    title = "Secret key required"

    def __init__(self) -> None:
        super().__init__("A publishable key reads the catalogue and buys, and nothing else.")


class ApiKeyNotFound(NotFound):
    """No API key has this id."""

    code = "api_key_not_found"
    title = "API key not found"

    def __init__(self, key_id: str) -> None:
        super().__init__(f"There is no API key {key_id!r}.", key_id=key_id)
