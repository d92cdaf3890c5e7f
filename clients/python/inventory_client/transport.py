"""One attempt: a request is sent, an answer comes or not. Alone knows urllib3.

Sends nothing twice and follows no redirect, so that whoever calls it knows what was sent where.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from ssl import SSLCertVerificationError
from typing import Final, Protocol
from urllib.parse import urlencode, urlsplit

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError

from inventory_client.errors import InventoryError, NoAnswer, UnexpectedAnswer, Unreachable

_CHUNK_BYTES: Final = 65_536
_ANSWER_BYTES_MAX: Final = 1024 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is sent. With a `key`, or if it only reads, it may be sent more than once."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    key: str | None = None
    # Whether there is much to do, so that it takes longer than other requests.
    is_slow: bool = False

    @property
    def repeatable(self) -> bool:
        """Whether a second request like this one has no effect of its own."""
        return self.method == "GET" or self.key is not None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """Whoever sends requests."""

    def send(self, request: Request, seconds: float) -> Answer:
        """Send a request once; raise `Unreachable` or `NoAnswer` if there is no whole answer."""

    def close(self) -> None:
        """Close what is open."""


class Connections:
    """A pool of connections to one service."""

    def __init__(self, url: str, key: str | None, agent: str, connections_kept: int) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is no address such as https://stock.example.")
        self._url = url.rstrip("/")
        self._common = {"Accept": "application/json", "User-Agent": agent}
        if key is not None:
            self._common["Authorization"] = f"Bearer {key}"
        self._pool = urllib3.PoolManager(num_pools=1, maxsize=connections_kept, block=False)

    def send(self, request: Request, seconds: float) -> Answer:
        """Send a request once and wait for the whole answer, some `seconds` at most."""
        until = time.monotonic() + seconds
        query = f"?{urlencode(request.query)}" if request.query else ""
        try:
            response = self._pool.request(
                request.method,
                self._url + request.path + query,
                body=request.body,
                headers={**self._common, **request.headers},
                timeout=urllib3.Timeout(total=seconds),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            try:
                body = _read(response, until)
            except BaseException:
                response.close()
                raise
            response.release_conn()
        except (HTTPError, OSError) as error:
            raise _failure(error) from error
        return Answer(
            response.status, {name.lower(): text for name, text in response.headers.items()}, body
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.clear()


def _read(response: urllib3.BaseHTTPResponse, until: float) -> bytes:
    """Return the whole body; a service that sends it drop by drop is not waited for for ever."""
    body = bytearray()
    while chunk := response.read1(_CHUNK_BYTES):
        body += chunk
        if response.length_remaining != 0 and time.monotonic() > until:
            raise NoAnswer("The answer took too long.")
        if len(body) > _ANSWER_BYTES_MAX:
            raise UnexpectedAnswer("The answer is too large.")
    return bytes(body)


def _failure(error: Exception) -> InventoryError:
    said = f"{type(error).__name__}: {error}"
    # A time-out while connecting is one of these too; nothing was sent yet.
    if isinstance(error, NewConnectionError | ConnectTimeoutError):
        return Unreachable(said)
    # Another certificate will not be there in a moment.
    if isinstance(error, SSLError) and isinstance(error.args[0], SSLCertVerificationError):
        return UnexpectedAnswer(said)
    return NoAnswer(said)
