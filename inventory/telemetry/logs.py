"""Logs: one JSON object a line on standard output, each with the id of its request and trace."""

import json
import logging
import re
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, BinaryIO

import orjson
import structlog

Event = MutableMapping[str, Any]
_LEVELS = {name: getattr(logging, name.upper()) for name in ("debug", "info", "warning", "error")}
# The request that this thread works for; structlog's own way to keep it costs far more.
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
# The trace that it belongs to and the part of it, if that is known.
trace: ContextVar[tuple[str, str | None] | None] = ContextVar("trace", default=None)
# https://www.w3.org/TR/trace-context/: only the first version is sure to have nothing behind.
_TRACEPARENT = re.compile(
    r"(?:00-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
    r"|(?!00|ff)[0-9a-f]{2}-(?!0{32})(?P<later>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
    r"(?:-.*)?)"
)


def follow(traceparent: str) -> None:
    """Let lines tell the trace that a request came with, unless theirs is known already."""
    if trace.get() is None and (found := _TRACEPARENT.fullmatch(traceparent)):
        trace.set((found["trace"] or found["later"], None))


def forget() -> None:
    """Let the lines that come tell of no request; the next one may be served by this thread."""
    request_id.set(None)
    if trace.get() is not None:
        trace.set(None)


class _Output:
    """Where lines go, and which do; `configure` says so."""

    least = logging.INFO
    logger = structlog.BytesLogger(sys.stdout.buffer)


def write(level: str, event: Event) -> None:
    """Write a line, as every logger does.

    For what each request tells: of a logger's ways that cost more than the line itself, it needs
    none. It has no exception to show.
    """
    if _LEVELS[level] >= _Output.least:
        _Output.logger.msg(_as_json(None, level, _tell_origin(None, level, event)))


def configure(level: str, stream: BinaryIO | None = None) -> None:
    """Let every logger of the process write JSON lines of at least `level`, to standard output."""
    output = stream or sys.stdout.buffer
    _Output.least, _Output.logger = _LEVELS[level], structlog.BytesLogger(output)
    structlog.configure(
        processors=[
            _tell_origin,
            structlog.processors.format_exc_info,
            _as_json,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.BytesLoggerFactory(output),
        cache_logger_on_first_use=False,
    )


def _tell_origin(_: object, level: str, event: Event) -> Event:
    if (id := request_id.get()) is not None:
        event["request_id"] = id
    if (traced := trace.get()) is not None:
        event["trace_id"], span_id = traced
        if span_id is not None:
            event["span_id"] = span_id
    event["level"] = level
    event["timestamp"] = datetime.now(UTC)
    return event


def _as_json(_: object, __: str, event: Event) -> bytes:
    line = orjson.dumps(event, default=repr, option=orjson.OPT_UTC_Z)
    # Some readers end a line at other characters than LF, or turn text round, and clients may send
    # any of them; in escapes they are harmless.
    return line if line.isascii() else json.dumps(orjson.loads(line)).encode()
