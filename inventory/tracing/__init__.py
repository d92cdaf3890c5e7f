"""Traces by OpenTelemetry: what a request waited for, across groups, stores and processes.

An extra. `wsgi` alone imports this, and only where INVENTORY_TRACING is on; without it nothing in
the service is wrapped and nothing of OpenTelemetry is needed. Knows what there is to watch, and
nothing of what it means. No span holds a key, a query, a body or a value: names, counts, codes.

    spans      how a span begins and ends
    requests   one for each request
    groups     one for each group of the stock engine, and the links between it and its requests
    stores     one for each command of MongoDB and of Redis
"""

import logging
import threading
from collections.abc import Sequence
from typing import Any

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from redis import Redis

from inventory import __version__, limits
from inventory.api.service import Service
from inventory.stock.engine import StockEngine
from inventory.tracing.groups import TracedEngine
from inventory.tracing.requests import watch_requests
from inventory.tracing.stores import MongoCommands, watch_redis

NAME = "inventory"


class Tracing:
    """Everything that is watched in one process, and the thread that sends what was seen.

    Build it after any fork. Where to, which of them and under which name: the variables of
    OpenTelemetry say.
    """

    def __init__(self) -> None:
        _tell_troubles()
        self._provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer(NAME, __version__)

    def watch(self, app: Service) -> None:
        """Let every request of an app have its span; call it when all else wraps the app."""
        watch_requests(app, self._tracer)

    def engine(self, *parts: Any) -> StockEngine:
        """Build a stock engine whose groups have spans."""
        return TracedEngine(self._tracer, *parts)

    def mongo_listeners(self) -> Sequence[MongoCommands]:
        """Return what a MongoDB client is to tell of its commands."""
        return (MongoCommands(self._tracer),)

    def watch_redis(self, client: Redis) -> None:
        """Let every command of a Redis client have its span."""
        watch_redis(client, self._tracer)

    def close(self) -> None:
        """Send what is left, for a moment: nobody waits for a collector that is away."""
        last = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        last.start()
        last.join(limits.TRACES_FLUSH_SECONDS_MAX)


def _resource() -> Resource:
    """Return what the spans are of; a name that an operator has given goes before ours."""
    told = Resource.create({"service.version": __version__})
    if str(told.attributes.get("service.name", "")).startswith("unknown_service"):
        return told.merge(Resource({"service.name": NAME}))
    return told


class _Troubles(logging.Handler):
    """Tells of OpenTelemetry's own troubles as the service tells of its own."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger(__name__).warning("tracing_troubled", detail=record.getMessage())


def _tell_troubles() -> None:
    logger = logging.getLogger("opentelemetry")
    if not any(isinstance(handler, _Troubles) for handler in logger.handlers):
        logger.addHandler(_Troubles(logging.WARNING))
        logger.propagate = False
