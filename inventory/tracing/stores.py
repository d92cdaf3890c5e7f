"""A span for each command that a request or a group sends to MongoDB or Redis.

What the service does by itself in the background has none.
"""

from typing import Any

from opentelemetry.trace import Span, SpanKind, Tracer
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)
from redis import Redis

from inventory.tracing import spans

_Ended = CommandFailedEvent | CommandSucceededEvent


class MongoCommands(CommandListener):
    """What a MongoDB client tells of its commands, as spans."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._running: dict[tuple[Any, ...], Span] = {}

    def started(self, event: CommandStartedEvent) -> None:
        """Begin a span within the current one."""
        if not spans.is_watched():
            return
        name, host = event.command_name, event.connection_id
        attributes: dict[str, str | int] = {
            "db.system.name": "mongodb",
            "db.operation.name": name,
            "db.namespace": event.database_name,
            "server.address": host[0],
            "server.port": host[1] or 0,
        }
        collection = event.command.get("collection" if name == "getMore" else name)
        called = name
        if isinstance(collection, str):
            attributes["db.collection.name"] = collection
            called = f"{name} {collection}"
        span = self._tracer.start_span(called, kind=SpanKind.CLIENT, attributes=attributes)
        self._running[_key(event)] = span

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """End its span."""
        if (span := self._running.pop(_key(event), None)) is not None:
            span.end()

    def failed(self, event: CommandFailedEvent) -> None:
        """End its span, and say what MongoDB calls the trouble."""
        if (span := self._running.pop(_key(event), None)) is not None:
            spans.failed(span, str(event.failure.get("codeName") or "network"))
            span.end()


def _key(event: CommandStartedEvent | _Ended) -> tuple[Any, ...]:
    return event.request_id, event.connection_id, event.operation_id


def watch_redis(client: Redis, tracer: Tracer) -> None:
    """Let each command of a client have a span."""
    # The library has no types for it.
    execute: Any = client.execute_command

    def watched(*words: Any, **options: Any) -> Any:
        if not spans.is_watched():
            return execute(*words, **options)
        name = str(words[0])
        attributes: dict[str, str | int] = {"db.system.name": "redis", "db.operation.name": name}
        if name == "MGET":
            attributes["db.operation.batch.size"] = len(words) - 1
        with spans.current(tracer, name, SpanKind.CLIENT, attributes):
            return execute(*words, **options)

    client.execute_command = watched  # type: ignore[method-assign]  # of this client alone
