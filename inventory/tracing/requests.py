"""A span for each request, in the trace that a proxy has begun or in a new one."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Response, request
from opentelemetry.trace import SpanKind, Tracer, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from inventory.api.lines import route_of, without_keys
from inventory.api.service import Service
from inventory.telemetry import logs
from inventory.tracing import spans

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Asked every few seconds by machines, and of interest to nobody afterwards.
_UNWATCHED = frozenset({"/healthz", "/readyz", "/metrics"})
_SERVER_ERROR = 500
_propagator = TraceContextTextMapPropagator()


def watch_requests(app: Service, tracer: Tracer) -> None:
    """Wrap an app, and learn of every request which route it met."""
    app.after_request(_name)
    app.surround(lambda inner: _Watched(inner, tracer))


class _Watched:
    """WSGI middleware. A body that is streamed is sent after the span has ended."""

    def __init__(self, app: "WSGIApplication", tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Pass the request on within a span of its own."""
        path, method = environ.get("PATH_INFO", ""), environ["REQUEST_METHOD"]
        if path in _UNWATCHED:
            return self._app(environ, start_response)
        parent = _propagator.extract(
            {
                "traceparent": environ.get("HTTP_TRACEPARENT", ""),
                "tracestate": environ.get("HTTP_TRACESTATE", ""),
            }
        )
        attributes = {"http.request.method": method, "url.path": without_keys(path)}
        with spans.current(self._tracer, method, SpanKind.SERVER, attributes, parent) as span:

            def respond(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
                code = int(status[:3])
                span.set_attribute("http.response.status_code", code)
                if code >= _SERVER_ERROR:
                    spans.failed(span, str(code))
                return start_response(status, headers, exc_info)

            spans.tell_logs(span.get_span_context())
            try:
                return self._app(environ, respond)
            finally:
                logs.trace.set(None)


def _name(response: Response) -> Response:
    """Call the span by the route; what has none keeps the method's name, as paths are endless."""
    route = route_of(request.url_rule)
    if route is not None:
        span = get_current_span()
        span.update_name(f"{request.method} {route}")
        span.set_attribute("http.route", route)
    return response
