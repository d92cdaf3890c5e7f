"""What the tests of nginx share: services behind it, whose logs tell what reached them."""

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, TypeVar

import requests

from inventory.local.servers import LOOPBACK, Server, free_port
from inventory.serving import gunicorn_command
from inventory.settings import Settings
from loadtests import service
from tests.integration.processes import eventually

TIMEOUT_SECONDS = 10.0
ANSWER_SECONDS_MAX = 30.0

Result = TypeVar("Result")


@contextmanager
def serving(settings: Settings, log: Path) -> Iterator[Server]:
    """Run the service with one worker on prepared stores."""
    port = free_port()
    environ = {
        **os.environ,
        "PORT": str(port),
        "MONGO_URL": settings.mongo_url,
        "REDIS_URL": settings.redis_url,
        "INVENTORY_MONGO_DATABASE": settings.mongo_database,
        "INVENTORY_WORKERS": "1",
        "INVENTORY_TRUSTED_PROXIES": "1",
        "INVENTORY_AUTH": "off",
        # More than any test sends.
        "INVENTORY_RATE_PER_ADDRESS": "1000000",
    }
    with service.serving("The service", gunicorn_command(), port, environ, log) as server:
        yield server


def reached(server: Server, path: str, method: str = "GET") -> int:
    """Return how many requests for `path` a service has had; each is logged before its answer."""
    assert server.log is not None
    lines = [json.loads(line) for line in server.log.read_text().splitlines() if line[:1] == "{"]
    return sum((line.get("method"), line.get("path")) == (method, path) for line in lines)


def within_a_second(act: Callable[[], Result]) -> Result:
    """Repeat `act` until it begins and ends in the same second of the clock; return its result."""
    while True:
        began = int(time.time())
        result = act()
        if int(time.time()) == began:
            return result


def await_second(second: int) -> None:
    """Return when the clock shows `second`, of Unix time, or a later one."""
    eventually(lambda: time.time() >= second, "the clock stands still")


@dataclass(frozen=True, slots=True)
class Front:
    """A client of nginx, with a connection of its own for each request."""

    url: str

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        """Send a request; an underscore in a header's name stands for a hyphen."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.request(
            method, f"{self.url}{path}", json=body, headers=sent, timeout=TIMEOUT_SECONDS
        )

    def get(self, path: str, **headers: str) -> requests.Response:
        """Read."""
        return self.call("GET", path, **headers)

    def create(self, stock: int = 100, **fields: Any) -> str:
        """Create a product; return its path."""
        product = {"name": "Air Runner", "price": "89.90", "stock": stock, **fields}
        answer = self.call("POST", "/api/products", product)
        assert answer.status_code == 201, answer.text
        return str(answer.headers["Location"])

    def buy(self, path: str, **headers: str) -> requests.Response:
        """Buy one unit of the product at `path`."""
        return self.call("POST", f"{path}/purchase", {"quantity": 1}, **headers)

    def connected(self, address: str = LOOPBACK) -> socket.socket:
        """Open a connection from `address`, for whoever wants to say when what is sent over it."""
        port = int(self.url.rpartition(":")[2])
        return socket.create_connection((LOOPBACK, port), ANSWER_SECONDS_MAX, (address, 0))

    def raw(self, text: str) -> str:
        """Send `text` as it is; return all that comes until nginx closes the connection."""
        found = b""
        with self.connected() as connection:
            connection.sendall(text.encode())
            with suppress(ConnectionResetError):
                while received := connection.recv(65_536):
                    found += received
        return found.decode()


def send(connection: socket.socket, path: str, body: Any = None) -> None:
    """Ask for `path`, or post a body there, without waiting for an answer."""
    if body is None:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: shop\r\n\r\n".encode())
        return
    encoded = json.dumps(body)
    connection.sendall(
        f"POST {path} HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(encoded)}\r\n\r\n{encoded}".encode()
    )


def receive(connection: socket.socket) -> tuple[int, Message, Any]:
    """Return status, headers and what the JSON says of the answer that is due."""
    with HTTPResponse(connection) as response:
        response.begin()
        return response.status, response.headers, json.loads(response.read())


def edge_cache(answer: requests.Response) -> str:
    """Return what an answer says of the microcache."""
    return str(answer.headers["X-Edge-Cache"])


def assert_problem(answer: requests.Response, status: int, code: str) -> None:
    """Assert that an answer is a problem document, with the id of this very request."""
    body = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
    assert body["request_id"] == answer.headers["X-Request-ID"]
