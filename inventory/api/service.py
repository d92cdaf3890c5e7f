"""The Flask application of the service: Flask without what it would look up in vain."""

from collections.abc import Callable
from typing import Any

from flask import Flask, Request
from flask.sessions import NullSession, SessionInterface
from werkzeug.routing import MapAdapter


class Service(Flask):
    """Flask without sessions and without routing by host name.

    It would prepare both anew for every request, which costs more than a look into the cache.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name, static_folder=None)
        self.session_interface = _NoSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a view or hook as it is: none of ours is a coroutine, so nobody need look."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return what finds the route of a request; which host it was sent to does not matter."""
        if request is None:
            return None
        return MapAdapter(
            self.url_map,
            server_name="",
            script_name="/",
            subdomain="",
            url_scheme="http",
            path_info=request.path,
            default_method=request.method,
            query_args=request.environ.get("QUERY_STRING", ""),
        )


class _NoSessions(SessionInterface):
    """One empty session that nobody can write to, for all."""

    def __init__(self) -> None:
        self._session = NullSession()

    def open_session(self, *_: object) -> NullSession:
        return self._session

    def is_null_session(self, *_: object) -> bool:
        return True
