"""The Flask application of the service: Flask without what it would look up in vain."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from flask import Flask, Request, Response
from flask.ctx import RequestContext
from flask.sessions import NullSession, SessionInterface
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BaseConverter, Map, MapAdapter, Rule

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

    Middleware = Callable[[WSGIApplication], WSGIApplication]

# Paths whose route is remembered: what sells is asked for often. Longer paths lead nowhere.
_PATHS_MAX = 4096
_PATH_CHARACTERS_MAX = 100


class Service(Flask):
    """Flask without sessions, without routing by host name, and with hooks of the app alone.

    It would prepare all of that anew for every request, which costs more than a look into the
    cache. So hooks of blueprints, hooks that answer themselves and signals of requests are never
    called; and a view returns a `Response`, nothing that would have to be made one.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name, static_folder=None)
        self.session_interface = _NoSessions()
        self.url_map.converters["product"] = _ProductName

    def surround(self, middleware: "Middleware") -> None:
        """Let a middleware have requests before everything that there is by now."""
        self.wsgi_app = middleware(self.wsgi_app)  # type: ignore[assignment,method-assign]  # as Flask says

    def full_dispatch_request(self) -> Response:
        """Answer a request: hooks, view, and what becomes of its exceptions."""
        try:
            for hook in self.before_request_funcs[None]:
                hook()
            response = self.dispatch_request()
        except Exception as error:  # noqa: BLE001 - Flask's own rules say what becomes of it
            response = self.make_response(self.handle_user_exception(error))
        return self.process_response(response)

    def dispatch_request(self) -> Response:
        """Return what the view of a request makes of it."""
        return cast(Response, super().dispatch_request())

    def process_response(self, response: Response) -> Response:
        """Return what the hooks make of a response."""
        for hook in reversed(self.after_request_funcs[None]):
            response = hook(response)
        return response

    def do_teardown_request(
        self,
        exc: BaseException | None = None,
    ) -> None:
        """Let the hooks end what they began."""
        for hook in reversed(self.teardown_request_funcs[None]):
            hook(exc)

    def do_teardown_appcontext(
        self,
        exc: BaseException | None = None,
    ) -> None:
        """Do nothing: there are no such hooks."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a view or hook as it is: none of ours is a coroutine, so nobody need look."""
        return func

    def request_context(self, environ: "WSGIEnvironment") -> RequestContext:
        """Return the context of a request, which knows the way of those before it."""
        return _RoutedContext(self, environ)

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return what finds the route of a request; which host it was sent to does not matter."""
        if request is None:
            return None
        query = request.environ.get("QUERY_STRING", "")
        return _adapter(self.url_map, request.path, request.method, query)


class _RoutedContext(RequestContext):
    """The context of a request, whose route is looked up once for all that have its path."""

    def match_request(self) -> None:
        """Set the rule that a request meets and the arguments in its path, or why there is none."""
        path, request = self.request.path, self.request
        look = _route if len(path) <= _PATH_CHARACTERS_MAX else _route.__wrapped__
        try:
            rule, arguments = look(self.app.url_map, path, request.method)
        except HTTPException as error:
            request.routing_exception = error
        else:
            request.url_rule, request.view_args = rule, dict(arguments)


@lru_cache(maxsize=_PATHS_MAX)
def _route(routes: Map, path: str, method: str) -> tuple[Rule, Mapping[str, Any]]:
    """Return the rule of a path and the arguments in it; what is refused is not remembered."""
    return _adapter(routes, path, method, "").match(return_rule=True)


def _adapter(routes: Map, path: str, method: str, query: str) -> MapAdapter:
    return MapAdapter(
        routes,
        server_name="",
        script_name="/",
        subdomain="",
        url_scheme="http",
        path_info=path,
        default_method=method,
        query_args=query,
    )


class _ProductName(BaseConverter):
    """What may name a product in a path: not the words that are paths of their own beside it.

    Else a method that such a path does not have would be asked of a product with that name.
    """

    regex = r"(?!(?:bulk|export)\Z)[^/]+"


class _NoSessions(SessionInterface):
    """One empty session that nobody can write to, for all."""

    def __init__(self) -> None:
        self._session = NullSession()

    def open_session(self, *_: object) -> NullSession:
        return self._session

    def is_null_session(self, *_: object) -> bool:
        return True
