"""`python -m inventory serve` and `demo`: what containers run, and what a visitor tries first."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pymongo import MongoClient

from inventory import demo
from inventory.giving_up import DO_NOT_RESTART
from inventory.local.servers import LOOPBACK, free_port, is_taken, spawn
from inventory.serving import PROJECT, gunicorn_command
from inventory.settings import Settings
from tests.api.support import PROBLEM_MEMBERS
from tests.integration.processes import Run, eventually, inventory, is_ready

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks processes up in /proc")

DATABASE = "inventory_test_serving"


@dataclass(frozen=True, slots=True)
class Late:
    """A server that takes its time, and what is needed to find it."""

    process: subprocess.Popen[bytes]
    gate: Path
    log: Path
    port: int


@pytest.fixture(name="service", params=["gevent", "gthread"])
def _service(
    request: pytest.FixtureRequest, tmp_path: Path, database_settings: Settings
) -> Iterator[Run]:
    """A service with one worker and an empty database of its own, ready to answer."""
    with inventory(
        "serve",
        log=tmp_path / "log",
        MONGO_URL=database_settings.mongo_url,
        REDIS_URL=database_settings.redis_url,
        INVENTORY_MONGO_DATABASE=DATABASE,
        INVENTORY_WORKER_CLASS=request.param,
    ) as run:
        eventually(lambda: is_ready(run), lambda: run.output)
        yield run
    with MongoClient[dict[str, object]](database_settings.mongo_url) as client:
        client.drop_database(DATABASE)


@pytest.mark.parametrize("service", ["gevent"], indirect=True)
def test_demo_can_be_repeated(service: Run, tmp_path: Path) -> None:
    """The sample catalogue is loaded once, whole, however often it is asked for."""
    size = len(demo.read_catalogue())
    for summary in (f"{size} products created, 0 already", f"0 products created, {size} already"):
        with inventory("demo", log=tmp_path / "demo.log", port=service.port) as run:
            assert run.process.wait(60) == 0
            assert summary in run.output
    items = service.call("GET", "/api/products?limit=100")[1]["items"]
    assert {item["sku"] for item in items} == {product["sku"] for product in demo.read_catalogue()}


def test_stop_answers_and_lets_go(service: Run) -> None:
    """On TERM a request that is on its way is answered, and idle connections are not waited for."""
    busy, idle = (http.client.HTTPConnection(LOOPBACK, service.port) for _ in range(2))
    for connection in (busy, idle):
        connection.request("GET", "/healthz")
        assert connection.getresponse().read()
        assert connection.sock, "the connection is kept alive"
    service.process.send_signal(signal.SIGTERM)
    begun = time.monotonic()
    busy.request("GET", "/healthz")
    response = busy.getresponse()
    assert response.status == 200
    assert service.await_end() == 0
    # Far from the grace of 25 seconds.
    assert time.monotonic() - begun < 12
    idle.close()
    busy.close()


@pytest.mark.parametrize("service", ["gevent"], indirect=True)
def test_a_killed_master_costs_no_answer(service: Run) -> None:
    """A worker whose master is gone takes no new connection, and answers what it has begun."""
    body = json.dumps({"name": "Air Runner", "price": "89.90", "stock": 5}).encode()
    connection = http.client.HTTPConnection(LOOPBACK, service.port)
    connection.putrequest("POST", "/api/products")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body[:10])
    service.process.kill()
    eventually(lambda: not is_taken(LOOPBACK, service.port), lambda: service.output)
    connection.send(body[10:])
    assert connection.getresponse().status == 201
    connection.close()


@pytest.fixture(name="late", params=["gevent", "gthread"])
def _late(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Late]:
    """A server whose workers import their application when its gate has been open."""
    gate, log, port = tmp_path / "gate", tmp_path / "log", free_port()
    os.mkfifo(gate)
    environ = {
        "LATE_APP_GATE": str(gate),
        "PORT": str(port),
        "INVENTORY_WORKER_CLASS": request.param,
    }
    command = [*gunicorn_command("--workers", "1")[:-1], "tests.integration.late_app:app"]
    with log.open("wb") as output:
        process = spawn(
            command, output=output, environ={**os.environ, **environ}, directory=PROJECT
        )
    yield Late(process, gate, log, port)
    process.terminate()
    process.wait(30)


def test_nobody_is_let_in_before_there_is_a_worker(late: Late) -> None:
    """While the workers import the service a proxy is refused, so that it asks another instance."""
    # It can be opened once there is a worker that waits for it.
    with late.gate.open("wb"), pytest.raises(ConnectionRefusedError):
        socket.create_connection((LOOPBACK, late.port))
    eventually(lambda: is_taken(LOOPBACK, late.port), late.log.read_text)
    connection = http.client.HTTPConnection(LOOPBACK, late.port)
    connection.request("GET", "/")
    assert connection.getresponse().status == 200
    connection.close()


def test_whoever_may_not_listen_any_more_says_so_and_ends(late: Late) -> None:
    """Where another server took the port meanwhile, the start ends with a sentence."""
    with late.gate.open("wb"):
        other = socket.create_server((LOOPBACK, late.port))
    with other:
        assert late.process.wait(30) == DO_NOT_RESTART
    said = f"The service cannot listen at {LOOPBACK}:{late.port}: Address already in use."
    assert said in late.log.read_text()


UNREADABLE = {
    "GET /api/products?q=" + "x" * 9_000 + " HTTP/1.1\r\n\r\n": (414, "uri_too_long"),
    "GET / HTTP/1.1\r\nX-Large: " + "x" * 9_000 + "\r\n\r\n": (
        431,
        "request_header_fields_too_large",
    ),
    "GET / HTTP/1.1\r\nHost: a\r\n<b>name: 1\r\n\r\n": (400, "bad_request"),
    "<b>\r\n\r\n": (400, "bad_request"),
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x, chunked\r\n\r\n": (
        501,
        "not_implemented",
    ),
}


def test_what_cannot_be_read_is_a_problem(service: Run) -> None:
    """A request that never reaches the service gets the same kind of error; nothing is repeated."""
    for request, (status, code) in UNREADABLE.items():
        with socket.create_connection((LOOPBACK, service.port), timeout=10) as connection:
            connection.sendall(request.encode())
            response = http.client.HTTPResponse(connection)
            response.begin()
            body = response.read()
        problem = json.loads(body)
        assert (response.status, problem["status"], problem["code"]) == (status, status, code)
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.headers["X-Request-ID"] == problem["request_id"]
        assert problem.keys() == PROBLEM_MEMBERS
        assert "<b>" not in body.decode()
        assert service.call("GET", problem["type"])[1]["title"] == problem["title"]


def test_demo_without_a_service(tmp_path: Path) -> None:
    """Where no service listens, the loader says so in one sentence."""
    url = f"http://{LOOPBACK}:{free_port()}"
    with inventory("demo", "--url", url, log=tmp_path / "log") as run:
        assert run.process.wait(60) == 2
        assert f"Error: No service answers at {url}" in run.output
        assert "Traceback" not in run.output


@pytest.mark.parametrize("command", [["-m", "gunicorn"], ["-c", "import wsgi"]])
def test_bad_settings_are_listed(command: list[str], tmp_path: Path) -> None:
    """Whatever starts the service, bad settings end it at once with the list of all."""
    bad = {"INVENTORY_TYPO": "1", "INVENTORY_LOG_LEVEL": "loud"}
    run = Run(tmp_path / "log", [sys.executable, *command], free_port(), **bad)
    assert run.await_end() != 0
    assert "INVENTORY_TYPO: no such setting" in run.output
    assert "INVENTORY_LOG_LEVEL='loud'" in run.output
    assert "Traceback" not in run.output
