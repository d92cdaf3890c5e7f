"""Sends one message and says what became of it; knows nothing of queues and leases."""

import http.client
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from inventory import limits
from inventory.domain.targets import TargetRefused
from inventory.domain.webhooks import Failure
from inventory.webhooks.connecting import Connection, Connections, NameNotFound

_MAY_ASK_FOR_TIME = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_BROKEN = (OSError, http.client.HTTPException, ValueError)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint answered, or why it did not; for how many seconds it asked to be spared."""

    status: int | None
    failure: Failure | None
    duration_ms: int
    excerpt: str = ""
    retry_after_seconds: float | None = None


class Sender:
    """Sends messages over HTTP: one request each, no redirect followed, all within its time."""

    def __init__(self, connections: Connections, seconds: float) -> None:
        self._connections = connections
        self._seconds = seconds

    def send(
        self, url: str, body: str, headers: Callable[[], Mapping[str, str]], may: Callable[[], bool]
    ) -> Answer | None:
        """Post a message; None if it may not be sent any more once it is known where to.

        To look up a name can take long, and is not part of the time that is allowed.
        """
        try:
            target, addresses = self._connections.find(url)
        except TargetRefused as refusal:
            return Answer(None, Failure.FORBIDDEN, 0, str(refusal))
        except NameNotFound:
            return Answer(None, Failure.LOOKUP, 0)
        if not may():
            return None
        began = time.monotonic()
        sent = {"Host": target.place, **headers()}
        used: Connection | None = None
        try:
            with self._connections.connected(target, addresses, self._seconds) as used:
                used.request("POST", target.path, body.encode(), sent)
                return _answer(used, began)
        except _BROKEN as problem:
            timed_out = used is not None and used.was_cut
            return Answer(None, _failure(problem, timed_out=timed_out), _since(began))

    def close(self) -> None:
        """Close the connections that are kept."""
        self._connections.close()


def _answer(connection: Connection, began: float) -> Answer:
    """Return what is answered; its status counts, even where its body never ends."""
    response = connection.getresponse()
    if connection.was_cut:
        # It may have been in the middle of the headers, which would look like their end.
        raise TimeoutError
    start = b""
    with suppress(*_BROKEN):
        start = response.read(limits.WEBHOOK_ANSWER_BYTES_MAX)
    if not response.isclosed():
        # More follows, which would be taken for the next answer.
        connection.close()
    asked = response.getheader("Retry-After") if response.status in _MAY_ASK_FOR_TIME else None
    return Answer(response.status, None, _since(began), _excerpt(start), _seconds(asked))


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _excerpt(start: bytes) -> str:
    """Return how an answer begins, as text that does no harm where it is shown."""
    text = start.decode(errors="replace")[: limits.WEBHOOK_EXCERPT_CHARACTERS_MAX]
    return "".join(one if one.isprintable() or one == "\n" else "\ufffd" for one in text)


def _seconds(asked: str | None) -> float | None:
    """Return for how long `Retry-After` asks, be it in seconds or as a date."""
    if asked is None:
        return None
    if asked.isascii() and asked.isdigit():
        return float(asked[:9])
    try:
        return (parsedate_to_datetime(asked).astimezone(UTC) - datetime.now(UTC)).total_seconds()
    except (ValueError, OverflowError):
        return None


def _failure(problem: Exception, *, timed_out: bool) -> Failure:
    if timed_out or isinstance(problem, TimeoutError):
        return Failure.TIMEOUT
    if isinstance(problem, ssl.SSLError):
        return Failure.TLS
    return Failure.CONNECTION if isinstance(problem, OSError) else Failure.PROTOCOL
