"""Endpoints for webhooks on this machine: real HTTP servers that check what they are sent."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

from inventory.local.servers import LOOPBACK

# A status, or a status with headers.
Reply = int | tuple[int, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it came, and when its answer was decided."""

    id: str
    body: dict[str, Any]
    headers: Mapping[str, str]
    raw: bytes
    at: float

    @property
    def product(self) -> str:
        """The product that it is about."""
        product: str = self.body["product_id"]
        return product

    @property
    def sequence(self) -> int:
        """Its place among all."""
        sequence: int = self.body["sequence"]
        return sequence

    def is_signed_with(self, secret: str) -> bool:
        """Tell whether the library that receivers use takes it."""
        try:
            Webhook(secret).verify(self.raw, dict(self.headers))
        except Exception:  # noqa: BLE001 - whatever it says, the message is not taken
            return False
        return True


@dataclass
class Receiver:
    """An endpoint that remembers every message, in the order in which they came."""

    answer: Callable[[Message], Reply] = lambda _: 204
    came: list[Message] = field(default_factory=list)
    taken: list[Message] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            """Answers as its receiver says."""

            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                """Take a message."""
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                status, headers = receiver.take(raw, dict(self.headers.items()))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            """Serves until it is shut down; who is cut off meanwhile is no news."""

            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                """Say nothing."""

        self._server = Server((LOOPBACK, 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{LOOPBACK}:{self._server.server_port}/hook"

    def take(self, raw: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
        """Remember a message, and decide what to answer."""
        body = json.loads(raw)
        message = Message(headers["webhook-id"], body, headers, raw, time.monotonic())
        with self._lock:
            self.came.append(message)
        reply = self.answer(message)
        status, more = reply if isinstance(reply, tuple) else (reply, {})
        if 200 <= status < 300:
            with self._lock:
                self.taken.append(message)
        return status, more

    def first_taken(self) -> dict[str, list[int]]:
        """Return the sequences that came of each product, each once, in their order."""
        found: dict[str, list[int]] = {}
        seen: set[str] = set()
        with self._lock:
            for message in self.taken:
                if message.id not in seen:
                    seen.add(message.id)
                    found.setdefault(message.product, []).append(message.sequence)
        return found

    def stop(self) -> None:
        """Listen no longer."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
