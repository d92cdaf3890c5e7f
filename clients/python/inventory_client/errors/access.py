"""Who may not, and why. What an earlier attempt of the same call came to is left open."""

from inventory_client.errors.base import Problem


class AccessRefused(Problem):
    """The request does not say on whose behalf it is made, or that is not enough for this."""

    settles = False


class AuthenticationRequired(AccessRefused):
    """This needs an API key, and the client has none."""

    code = "authentication_required"


class InvalidApiKey(AccessRefused):
    """The API key is unknown, has expired or was revoked."""

    code = "invalid_api_key"


class SessionExpired(AccessRefused):
    """A page's session is over; a client with a key has none."""

    code = "session_expired"


class InvalidCsrfToken(AccessRefused):
    """A page's session needs its CSRF token as well; a client with a key has no session."""

    code = "invalid_csrf_token"


class InsufficientScope(AccessRefused):
    """The API key is good, but not for this."""

    code = "insufficient_scope"

    required_scope: str


class SecretKeyRequired(AccessRefused):
    """This needs a secret key; a publishable one reads the catalogue and buys, nothing else."""

    code = "secret_key_required"


class ForeignPage(AccessRefused):
    """The service is open to its own machine only, and was called by another name."""

    code = "foreign_page"
