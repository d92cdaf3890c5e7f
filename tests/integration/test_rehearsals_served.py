"""Rehearsals where several workers serve: whoever is asked tells, and whoever dies is replaced."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from inventory.local.servers import LOOPBACK, free_port
from inventory.serving import gunicorn_command
from inventory.settings import Settings
from tests.integration.processes import GONE, Run, descendants, eventually, is_alive, is_ready

WORKERS = 3
PATH = "/api/rehearsals"
# Long enough to be seen on its way.
LONG = {"buyers": 500, "stock": 10_000, "quantity_max": 5, "impatience": 1}

pytestmark = [pytest.mark.timeout(180), pytest.mark.alone]


@pytest.fixture(name="run")
def _run(settings: Settings, tmp_path: Path) -> Iterator[Run]:
    """The service with three workers."""
    run = Run(
        tmp_path / "service.log",
        gunicorn_command(),
        free_port(),
        MONGO_URL=settings.mongo_url,
        REDIS_URL=settings.redis_url,
        INVENTORY_MONGO_DATABASE=settings.mongo_database,
        INVENTORY_WORKERS=str(WORKERS),
        INVENTORY_LOG_LEVEL="warning",
    )
    try:
        eventually(lambda: is_ready(run), lambda: run.output)
        yield run
    finally:
        run.stop()


def read(run: Run, id: str) -> dict[str, Any]:
    """Read a rehearsal from whichever worker answers."""
    status, one = run.call("GET", f"{PATH}/{id}")
    assert status == 200, one
    found: dict[str, Any] = one
    return found


def await_verdict(run: Run, id: str) -> dict[str, Any]:
    """Return the verdict on a rehearsal, once there is one."""
    eventually(lambda: read(run, id)["state"] != "running", "it never ends")
    done = read(run, id)
    assert done["state"] == "done"
    verdict: dict[str, Any] = done["verdict"]
    return verdict


def begin_somewhere(run: Run) -> tuple[dict[str, Any], int]:
    """Begin a long rehearsal; return it, and the worker that carries it out."""
    body = json.dumps(LONG)
    with closing(socket.create_connection((LOOPBACK, run.port), timeout=10)) as connection:
        mine = connection.getsockname()[1]
        head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        assert b"202" in connection.recv(65_536).split(b"\r\n")[0]
        worker = holder_of(run, mine)
    _, page = run.call("GET", f"{PATH}?limit=1")
    return page["items"][0], worker


def holder_of(run: Run, port: int) -> int:
    """Return the process that has the other end of a connection from this port."""
    ends = f":{run.port:04X}", f":{port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    (inode,) = (row[9] for row in rows if (row[1][8:], row[2][8:]) == ends)
    for process in descendants(run.process.pid):
        with suppress(*GONE):
            for file in Path(f"/proc/{process}/fd").iterdir():
                with suppress(*GONE):
                    if str(file.readlink()) == f"socket:[{inode}]":
                        return process
    raise AssertionError(f"nobody has the socket {inode}")


def test_any_worker_tells_how_a_rehearsal_goes(run: Run) -> None:
    """Figures grow while it runs, whoever is asked, and in the end the books agree."""
    begun, _ = begin_somewhere(run)
    status, problem = run.call("POST", PATH, {"buyers": 1})
    assert (status, problem["code"]) == (409, "rehearsal_running")
    seen: list[int] = []

    def is_over() -> bool:
        one = read(run, begun["id"])
        seen.append(one["figures"]["orders"])
        return bool(one["state"] != "running")

    eventually(is_over, "it never ends")
    assert seen == sorted(seen)
    assert len(set(seen)) > 2, "nothing was to be seen on the way"
    verdict = await_verdict(run, begun["id"])
    assert verdict["ok"], verdict
    assert verdict["sold"] + verdict["left"] == LONG["stock"]


def test_a_killed_worker_loses_its_rehearsal_to_the_next_one(run: Run) -> None:
    """It shows as abandoned, nothing of it is left in the shop, and the next one can begin."""
    begun, worker = begin_somewhere(run)
    eventually(lambda: read(run, begun["id"])["figures"]["sold"] > 0, "nobody buys")
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: not is_alive(worker), "it lives on")
    assert read(run, begun["id"])["state"] == "running"
    assert run.call("POST", PATH, {"buyers": 1})[0] == 409
    eventually(lambda: read(run, begun["id"])["state"] == "abandoned", "nobody notices")
    product = f"/api/products/{begun['product_id']}"
    eventually(lambda: run.call("GET", product)[0] == 404, "its product stays in the shop")
    status, following = run.call("POST", PATH, {"buyers": 100})
    assert status == 202
    assert await_verdict(run, following["id"])["ok"]
    assert read(run, begun["id"])["state"] == "abandoned"
    assert run.call("GET", f"{product}/integrity")[1]["ok"]
