"""Lines in the log: which there are at which level, what they never say, and their trace."""

import json
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
import structlog
from flask import Flask, Response

from inventory.api import lines
from inventory.telemetry import logs

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def told(level: str, status: int, path: str = "/api/products") -> list[Any]:
    """Return what the log says of one request."""
    before, written = structlog.get_config(), BytesIO()
    logs.configure(level, written)
    with Flask("lines").test_request_context(path) as asked:
        lines.teller(level)(asked.request, "/api/products", Response(b"{}", status), 0.25)
    structlog.configure(**before)
    return [json.loads(line) for line in written.getvalue().splitlines()]


@pytest.mark.parametrize("level,status", [("info", 200), ("debug", 404), ("warning", 503)])
def test_each_level_has_its_requests(level: str, status: int) -> None:
    """Every request has a line, and one that failed for our sake has it as a warning."""
    (line,) = told(level, status)
    assert (line["event"], line["status"], line["bytes"]) == ("request", status, 2)
    assert (line["route"], line["duration_ms"]) == ("/api/products", 250)
    assert line["level"] == ("warning" if status >= 500 else "info")
    assert datetime.fromisoformat(line["timestamp"]).utcoffset() == timedelta(0)


def test_whoever_wants_warnings_is_spared_the_rest() -> None:
    """At a level above info no line of a request that went well is put together."""
    assert told("warning", 200) == told("error", 404) == []


@pytest.mark.parametrize("kind", ["sk", "pk", "ss"])
def test_no_key_is_told_that_stands_in_a_path(kind: str) -> None:
    """Somebody who takes a key, or a token, for its id does not have it written down."""
    (line,) = told("info", 404, f"/api/keys/inv_{kind}_{'a1' * 24}x")
    assert line["path"] == f"/api/keys/inv_{kind}_..."


@pytest.mark.parametrize(
    "sent,known",
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        (f"00-{TRACE}-{SPAN}-00", True),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-will-bring", True),
        (f"00-{TRACE}-{SPAN}-01-more", False),
        (f"ff-{TRACE}-{SPAN}-01", False),
        (f"00-{'0' * 32}-{SPAN}-01", False),
        (f"00-{TRACE}-{'0' * 16}-01", False),
        (f"00-{TRACE.upper()}-{SPAN}-01", False),
        (f"00-{TRACE}-{SPAN}-01\n", False),
        ("", False),
    ],
)
def test_a_trace_is_followed_if_it_is_one(sent: str, known: bool) -> None:
    """Only what the standard calls valid is believed, and nothing of it outlives its request."""
    logs.follow(sent)
    found = logs.trace.get()
    logs.forget()
    assert found == ((TRACE, None) if known else None)
    assert logs.trace.get() is None
