"""Logs: one JSON object a line on standard output, each with the id of its request."""

import logging
import sys
from typing import Any

import orjson
import structlog


def configure(level: str) -> None:
    """Let every logger of the process write JSON lines of at least `level`."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.BytesLoggerFactory(sys.stdout.buffer),
        cache_logger_on_first_use=False,
    )


def _dumps(event: Any, **_: Any) -> bytes:
    return orjson.dumps(event, default=repr)
