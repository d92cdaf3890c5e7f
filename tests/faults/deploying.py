"""Servers as they should not be deployed, and the service started on them as it is deployed."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from inventory import limits
from inventory.local.binaries import find_mongod
from inventory.local.servers import LOOPBACK, Server, free_port, spawn
from inventory.serving import gunicorn_command
from tests.integration.processes import Run, eventually, inventory

Client = MongoClient[dict[str, Any]]
ANSWER_SECONDS_MAX = limits.REQUEST_SECONDS_MAX + 0.5
# Of all users here.
PASSWORD = "right"  # noqa: S105 - nothing is behind it


@dataclass(frozen=True)
class Users:
    """A replica set of one that wants a password."""

    port: int

    def url(self, who: str = "") -> str:
        """Return its address for a user, such as `root:right@`."""
        return f"mongodb://{who}{LOOPBACK}:{self.port}/?replicaSet=rs0"


def start_mongod_with(directory: Path, *options: str, port: int | None = None) -> Server:
    """Start a mongod with these options, and wait until it answers."""
    port = port or free_port()
    data = directory / f"mongod-{port}"
    data.mkdir()
    command = [
        *(str(find_mongod(os.environ)), "--dbpath", str(data), "--port", str(port)),
        *("--bind_ip", LOOPBACK, "--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"),
        *options,
    ]
    with (directory / f"mongod-{port}.log").open("wb") as output:
        process = spawn(command, output=output)
    server = Server("MongoDB", f"mongodb://{LOOPBACK}:{port}/", port, process)
    with direct(port) as client:
        eventually(lambda: _answers(client), "mongod never answers")
    return server


def start_with_users(directory: Path) -> tuple[Server, Users]:
    """Start a replica set whose users are root, and looker, who may only read."""
    key = directory / "key"
    key.write_text("c2VjcmV0c2VjcmV0")
    key.chmod(0o600)
    server = start_mongod_with(directory, "--replSet", "rs0", "--keyFile", str(key))
    users = Users(server.port)
    with direct(server.port) as client:
        member = {"_id": 0, "host": f"{LOOPBACK}:{server.port}"}
        client.admin.command("replSetInitiate", {"_id": "rs0", "members": [member]})
        eventually(lambda: client.admin.command("hello")["isWritablePrimary"], "no primary")
        client.admin.command("createUser", "root", pwd=PASSWORD, roles=["root"])
    with Client(users.url("root:right@")) as client:
        reading = [{"role": "read", "db": "inventory"}]
        client.admin.command("createUser", "looker", pwd=PASSWORD, roles=reading)
        writing = [{"role": "readWrite", "db": "inventory"}]
        client["inventory"].command("createUser", "clerk", pwd=PASSWORD, roles=writing)
    return server, users


def direct(port: int) -> Client:
    """Return a client of one server, whatever it is a part of."""
    return Client(LOOPBACK, port, directConnection=True, serverSelectionTimeoutMS=5_000)


def _answers(client: Client) -> bool:
    try:
        client.admin.command("ping")
    except PyMongoError:
        return False
    return True


@contextmanager
def gunicorn(
    directory: Path,
    mongo_url: str,
    redis_url: str = "off",
    avoid: int | None = None,
    **more: str,
) -> Iterator[Run]:
    """Start the service as its image does once the database is prepared; stop it at the end.

    It must `avoid` the port of what is started later.
    """
    environ = {"MONGO_URL": mongo_url, "REDIS_URL": redis_url, **more}
    log = directory / f"{time.monotonic_ns()}.log"
    run = Run(log, gunicorn_command(), free_port(avoid), **environ)
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.stop()


@contextmanager
def command_line(
    directory: Path,
    *arguments: str,
    mongo_url: str,
    redis_url: str = "off",
    avoid: int | None = None,
) -> Iterator[Run]:
    """Run `python -m inventory` with these arguments, on another port than one to `avoid`."""
    with inventory(
        *arguments,
        log=directory / f"{time.monotonic_ns()}.log",
        port=free_port(avoid),
        MONGO_URL=mongo_url,
        REDIS_URL=redis_url,
        INVENTORY_LOCAL_DIR=str(directory / "local"),
    ) as run:
        yield run


def assert_refuses(run: Run, code: int, sentence: str) -> None:
    """Assert that a start ends with this code and says this once, and nothing that is secret."""
    assert run.await_end() == code, run.output
    assert run.output.count(sentence) == 1, run.output
    assert "Traceback" not in run.output
    assert PASSWORD not in run.output
    assert "wrong" not in run.output


def asked(run: Run, method: str, path: str, body: Any = None) -> tuple[int, str]:
    """Ask, assert that the answer comes in time; return its status and code."""
    began = time.monotonic()
    status, answer = run.call(method, path, body)
    assert time.monotonic() - began < ANSWER_SECONDS_MAX
    return status, answer.get("code", "")


def answers(run: Run, path: str, status: int) -> Callable[[], bool]:
    """Return what tells whether a path is answered with this status."""

    def look() -> bool:
        assert run.process.poll() is None, run.output
        try:
            return run.call("GET", path)[0] == status
        except OSError:
            return False

    return look


def events(run: Run, name: str) -> list[dict[str, Any]]:
    """Return the lines of the log that tell of this event."""
    lines = [json.loads(line) for line in run.output.splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == name]
