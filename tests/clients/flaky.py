"""A proxy that loses requests and answers when a client's address says so. Knows HTTP, no client.

The first part of the path says what becomes of the requests below it, one after the other, and what
comes after is relayed: `/shop~drop-busy/api/...` drops one answer, then says once that it is busy.
`~seen` below that address tells which requests there were, `~end` ends silence.
"""

import http.client
import json
import random
import select
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from inventory.local.servers import LOOPBACK

SECONDS_MAX = 30.0
# What is answered in the service's stead: status, code, Retry-After.
ANSWERED: dict[str, tuple[int, str, str]] = {
    "busy": (503, "overloaded", "0"),
    "later": (503, "storage_unavailable", "1"),
    "limited": (429, "rate_limited", "1"),
    "closed": (429, "rate_limited", "60"),
    "running": (409, "idempotency_in_progress", "0"),
    "stuck": (409, "idempotency_in_progress", "60"),
    "locked": (401, "invalid_api_key", ""),
}
FLAKY = ("relay",) * 8 + ("drop", "drop", "half", "refuse", "busy", "outcome", "page")


class Proxy(ThreadingHTTPServer):
    """Stands before the service on `target`; its address for a script is `url("shop~drop")`."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, target: int) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.target = target
        self._lock = threading.Lock()
        self._seen: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._dice: dict[str, random.Random] = {}
        self.ended: set[str] = set()

    def url(self, script: str) -> str:
        """Return the address below which requests have this fate."""
        return f"http://{LOOPBACK}:{self.server_address[1]}/{script}"

    def seen(self, script: str) -> list[dict[str, Any]]:
        """Return the requests below an address: method, path, key, fate."""
        return self._seen[script.partition("~")[0]]

    def decide(self, script: str, request: dict[str, Any]) -> str:
        """Return what becomes of a request."""
        name, _, fates = script.partition("~")
        with self._lock:
            number = len(self._seen[name])
            if fates == "flaky":
                dice = self._dice.setdefault(name, random.Random(0))  # noqa: S311 - the same each time
                fate = dice.choice(FLAKY)
            else:
                fate = [*fates.split("-"), *["relay"] * number][number]
            self._seen[name].append(request | {"fate": fate or "relay"})
        return fate

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: connections that end in the middle are what this is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def _handle(self) -> None:
        _, script, path = self.path.split("/", 2)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if path == "~end":
            self.server.ended.add(script)
        if path in ("~seen", "~end"):
            self._answer(200, {}, json.dumps(self.server.seen(script)).encode())
            return
        key = self.headers.get("Idempotency-Key")
        request: dict[str, Any] = {"method": self.command, "path": f"/{path}", "key": key}
        request["connection"] = self.client_address[1]
        fate = self.server.decide(script, request)
        if fate in ANSWERED:
            self._problem(*ANSWERED[fate])
        elif fate == "page":
            self._answer(502, {"Content-Type": "text/html"}, b"<h1>Bad Gateway</h1>")
        elif fate == "refuse":
            self.close_connection = True
        else:
            self._relay(script, f"/{path}", body, fate)

    def _relay(self, script: str, path: str, body: bytes, fate: str) -> None:
        """Let the service have the request, and the client what its fate is to get."""
        status, headers, answer = self._ask(path, body)
        if fate == "drop":
            self.close_connection = True
        elif fate == "half":
            self._answer(status, headers, answer[: len(answer) // 2], len(answer))
            self.close_connection = True
        elif fate == "silent":
            self.close_connection = True
            while script not in self.server.ended and not self._client_left():
                pass
        elif fate == "outcome":
            self._problem(503, "outcome_unknown", "0")
        else:
            self._answer(status, headers, answer)

    def _client_left(self) -> bool:
        """Tell whether the client has closed the connection, or does so in a moment."""
        readable, _, _ = select.select([self.connection], [], [], 0.02)
        return bool(readable)

    def _ask(self, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(LOOPBACK, self.server.target, timeout=SECONDS_MAX)
        try:
            mine = {"host", "connection", "content-length"}
            headers = {name: v for name, v in self.headers.items() if name.lower() not in mine}
            connection.request(self.command, path, body or None, headers)
            response = connection.getresponse()
            answer = response.read()
            return response.status, dict(response.headers.items()), answer
        finally:
            connection.close()

    def _problem(self, status: int, code: str, retry_after: str) -> None:
        headers = {"Content-Type": "application/problem+json"}
        if retry_after:
            headers["Retry-After"] = retry_after
        problem = {"type": f"/problems/{code}", "title": code, "status": status, "code": code}
        problem |= {"detail": "By the proxy.", "instance": "/", "request_id": "proxy"}
        self._answer(status, headers, json.dumps(problem).encode())

    def _answer(
        self, status: int, headers: dict[str, str], body: bytes, length: int | None = None
    ) -> None:
        mine = {"content-length", "connection", "date", "server"}
        with suppress(ConnectionError):
            self.send_response_only(status)
            for name, value in headers.items():
                if name.lower() not in mine:
                    self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(body) if length is None else length))
            self.end_headers()
            self.wfile.write(body)

    do_GET = do_POST = do_PATCH = do_DELETE = do_OPTIONS = _handle  # noqa: N815 - the library's names

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def proxy_before(port: int) -> Iterator[Proxy]:
    """Run a proxy before the service at `port` for as long as the block takes."""
    with Proxy(port) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
