"""Calls the service over HTTP, as any client would.

Shared by what the command line does through the API. Knows addresses, headers and JSON, and nothing
of the service's inside.
"""

import http.client
import json
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 10.0


class CallFailed(Exception):
    """What was to be done through the API was not done; the message is a sentence that says why."""

    code = "call_failed"


class Unreachable(CallFailed):
    """Nobody answers at the address, or it is no address."""

    code = "service_unreachable"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; a body that is no JSON object counts as an empty one."""

    status: int
    reason: str
    headers: Message
    body: dict[str, Any]

    @property
    def said(self) -> str:
        """Why the service refused, in its own words."""
        body = self.body
        return str(body.get("errors") or body.get("detail") or body.get("title") or self.reason)


class Api:
    """One connection to the service at `url`; raises `Unreachable` where that is no address."""

    def __init__(self, url: str, api_key: str | None = None) -> None:
        parts = urlsplit(url)
        kinds: dict[str, type[http.client.HTTPConnection]] = {
            "http": http.client.HTTPConnection,
            "https": http.client.HTTPSConnection,
        }
        if parts.scheme not in kinds or not parts.hostname:
            raise Unreachable(f"{url} is not a URL such as http://127.0.0.1:8000")
        self.url = url.rstrip("/")
        self._connection = kinds[parts.scheme](parts.hostname, parts.port, timeout=TIMEOUT_SECONDS)
        self._headers = {"Content-Type": "application/json"}
        if api_key:
            self._headers["X-API-Key"] = api_key

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Make one request; an underscore in a header's name stands for a hyphen.

        Raises `Unreachable` if it was not answered.
        """
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        try:
            self._connection.request(
                method, path, None if body is None else json.dumps(body), self._headers | named
            )
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise Unreachable(
                f"No service answers at {self.url} ({error}). Try: make run"
            ) from error
        return Answer(response.status, response.reason, response.headers, _object(content))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _object(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
