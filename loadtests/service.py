"""A service to put under load: one that is named, or one of our own for as long as the run takes.

Our own is started as everybody starts it, by `python -m inventory local`, on a free port and with
an empty directory of its own. Knows processes and `/readyz`.
"""

import http.client
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from inventory.local.servers import LOOPBACK, Server, free_port, spawn
from inventory.serving import PROJECT
from loadtests.books import Api

DIRECTORY = Path(".local")
READY_SECONDS_MAX = 90.0
# mongod, Valkey and gunicorn one after another, each with the time that it may take.
STOP_SECONDS_MAX = 60.0
POLL_SECONDS = 0.05


class ServiceError(Exception):
    """There is no service to put under load; the message says why."""


@contextmanager
def running(url: str | None) -> Iterator[str]:
    """Yield the URL of a service that is ready: the one at `url`, or a new one if that is None."""
    if url is not None:
        if not is_ready(url):
            raise ServiceError(f"No service is ready at {url}. Start it with: make run")
        yield url.rstrip("/")
        return
    with temporary_directory() as directory, started(directory) as server:
        yield server.url


@contextmanager
def temporary_directory() -> Iterator[Path]:
    """Yield an empty directory under `.local`; it goes when the block ends, however it ends."""
    DIRECTORY.mkdir(exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="load-", dir=DIRECTORY))
    try:
        yield directory.absolute()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def started(directory: Path) -> Iterator[Server]:
    """Run a service of our own, with all that it needs, in an empty directory."""
    port = free_port()
    environ = {**os.environ, "PORT": str(port), "INVENTORY_LOCAL_DIR": str(directory)}
    command = [sys.executable, "-m", "inventory", "local"]
    with serving("The service", command, port, environ, directory / "service.log") as server:
        yield server


@contextmanager
def serving(
    name: str,
    command: list[str],
    port: int,
    environ: Mapping[str, str],
    log: Path,
    directory: Path = PROJECT,
) -> Iterator[Server]:
    """Run a command that serves HTTP at `port` of loopback; yield when it is ready, stop it after.

    It runs in `directory`. Raises `ServiceError` if it does not become ready.
    """
    url = f"http://{LOOPBACK}:{port}"
    with log.open("wb") as output:
        process = spawn(command, output=output, environ=environ, directory=directory)
    server = Server(name, url, port, process, log)
    try:
        _await_ready(server)
        yield server
    finally:
        server.stop(STOP_SECONDS_MAX)


def _await_ready(server: Server) -> None:
    deadline = time.monotonic() + READY_SECONDS_MAX
    while not is_ready(server.url):
        if server.has_ended():
            raise ServiceError(f"{server.name} did not start ({server.last_words()}).")
        if time.monotonic() > deadline:
            raise ServiceError(f"{server.name} is not ready after {READY_SECONDS_MAX:.0f} s.")
        time.sleep(POLL_SECONDS)


def is_ready(url: str) -> bool:
    """Tell whether a service at `url` says that it can serve."""
    try:
        with Api(url) as api:
            return api.request("GET", "/readyz").status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
