"""Logs: one JSON object a line on standard output, each with the id of its request."""

import json
import logging
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, BinaryIO

import orjson
import structlog

Event = MutableMapping[str, Any]
# The request that this thread works for; structlog's own way to keep it costs far more.
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


def configure(level: str, stream: BinaryIO | None = None) -> None:
    """Let every logger of the process write JSON lines of at least `level`, to standard output."""
    structlog.configure(
        processors=[
            _tell_origin,
            structlog.processors.format_exc_info,
            _as_json,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.BytesLoggerFactory(stream or sys.stdout.buffer),
        cache_logger_on_first_use=False,
    )


def _tell_origin(_: object, level: str, event: Event) -> Event:
    if (id := request_id.get()) is not None:
        event["request_id"] = id
    event["level"] = level
    event["timestamp"] = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return event


def _as_json(_: object, __: str, event: Event) -> bytes:
    line = orjson.dumps(event, default=repr)
    # Some readers end a line at other characters than LF, or turn text round, and clients may send
    # any of them; in escapes they are harmless.
    return line if line.isascii() else json.dumps(orjson.loads(line)).encode()
