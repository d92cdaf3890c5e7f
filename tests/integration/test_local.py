"""`python -m inventory local` from the outside: real processes, real signals, real data."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from inventory.local.servers import LOOPBACK, free_port
from inventory.serving import PROJECT
from inventory.settings import Settings
from tests.integration.processes import Run, descendants, eventually, inventory, is_alive

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks processes up in /proc")

READY = "Ready at "
PRODUCT = {"name": "Air Runner", "sku": "AIR-1", "price": "129.95", "stock": 5}


@pytest.fixture(name="directory")
def _directory(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture(scope="module", name="shared")
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Run, Path]]:
    """A run that is ready, and its directory; no test may harm it."""
    data = tmp_path_factory.mktemp("shared") / "data"
    with local(data) as run:
        run.await_output(READY)
        yield run, data


@contextmanager
def local(data: Path, port: int | None = None, **environ: str) -> Iterator[Run]:
    """Run the local start with its data in `data` and its output in a new file beside it."""
    log = data.with_name(f"{uuid.uuid4().hex}.log")
    environ = {"INVENTORY_LOCAL_DIR": str(data), **environ}
    with inventory("local", log=log, port=port, **environ) as run:
        yield run


@contextmanager
def stranger(port: int = 0) -> Iterator[int]:
    """Listen at a port of loopback and hang up on everybody."""
    with socket.create_server((LOOPBACK, port)) as listener:

        def hang_up() -> None:
            while True:
                try:
                    listener.accept()[0].close()
                except OSError:
                    return

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_says_where_it_listens(shared: tuple[Run, Path]) -> None:
    """One line names the address and a request to try, and the service is ready by then."""
    run, _ = shared
    assert run.call("GET", "/readyz") == (200, {"status": "ready", "mongodb": "ok", "redis": "ok"})
    url = f"http://127.0.0.1:{run.port}"
    ready = [line for line in run.output.splitlines() if url in line]
    assert ready == [f"{READY}{url} (Ctrl-C stops it). Try: curl {url}/api/products"]


def test_servers_stay_private(shared: tuple[Run, Path]) -> None:
    """Neither server listens anywhere but on loopback, and mongod speaks no zlib."""
    run, _ = shared
    children = descendants(run.process.pid)
    mongod = next(command for command in children.values() if "mongod" in command)
    assert "--bind_ip 127.0.0.1 " in mongod
    assert "--networkMessageCompressors snappy,zstd " in mongod
    assert any("valkey-server 127.0.0.1:" in command for command in children.values())


def test_taken_port_is_refused(shared: tuple[Run, Path], directory: Path) -> None:
    """A second start at the same port says so in one sentence, and leaves nothing behind."""
    run, _ = shared
    with local(directory, run.port) as second:
        assert second.process.wait(30) == 2
        assert second.output.startswith(f"Error: Port {run.port} is taken by another server.")
        assert second.output.count("\n") == 1
    assert not directory.exists()


def test_directory_in_use_is_refused(shared: tuple[Run, Path]) -> None:
    """A second start in the same directory says so in one sentence, and disturbs nobody."""
    run, data = shared
    before = {file: file.read_bytes() for file in (data / "lock", data / "ports.json")}
    with local(data) as second:
        assert second.process.wait(30) == 2
        assert f"in use by another run (process {run.process.pid})" in second.output
        assert second.output.count("\n") == 1
    assert {file: file.read_bytes() for file in before} == before
    assert run.call("GET", "/readyz")[0] == 200


def test_books_of_a_run_can_be_checked(shared: tuple[Run, Path], tmp_path: Path) -> None:
    """The command that checks the books finds the database of the run that is going on."""
    run, data = shared
    environ = {"INVENTORY_LOCAL_DIR": str(data)}
    with inventory("integrity", log=tmp_path / "log", port=run.port, **environ) as check:
        assert check.process.wait(30) == 0
        assert "The books of 0 products are right." in check.output


def test_clean_stop_and_death_of_the_service(directory: Path) -> None:
    """TERM stops everything with exit code 0, and the next start finds what was stored.

    Without the service its servers are of no use: if it dies all stop, and the exit code tells.
    """
    with local(directory) as run:
        run.await_output(READY)
        product = run.call("POST", "/api/products", PRODUCT)[1]
        assert run.stop(signal.SIGTERM) == 0
        assert run.output.endswith("Stopping ...\n")
    with local(directory) as run:
        run.await_output(READY)
        assert run.call("GET", f"/api/products/{product['id']}")[1] == product
        children = descendants(run.process.pid)
        os.kill(run.child("-m gunicorn"), signal.SIGKILL)
        assert run.await_end() == 1
        assert "The service has ended unexpectedly: killed by signal 9." in run.output
        assert not any(map(is_alive, children))


def test_power_cuts_and_death_of_the_servers(directory: Path) -> None:
    """Kill -9 of the parent leaves no orphans and no stale lock, kill -9 of all loses nothing.

    The last start finds a stranger at the port that its mongod had, so the replica set moves. The
    service then goes on without its cache; without its database everything stops.
    """
    with local(directory) as run:
        run.await_output(READY)
        product = run.call("POST", "/api/products", PRODUCT)[1]
        orphans = descendants(run.process.pid)
        run.process.kill()
        run.process.wait()
        with local(directory, run.port) as second:
            second.await_output(READY)
            assert not any(map(is_alive, orphans))
            assert second.call("GET", f"/api/products/{product['id']}")[1] == product
            victims = [second.process.pid, *descendants(second.process.pid)]
            for victim in victims:
                os.kill(victim, signal.SIGKILL)
            second.await_end()
            eventually(lambda: not any(map(is_alive, victims)), "the dead still live")
    ports = json.loads((directory / "ports.json").read_text())
    with stranger(ports["mongod"]), local(directory) as third:
        third.await_output(READY)
        assert third.call("GET", f"/api/products/{product['id']}")[1] == product
        moved = json.loads((directory / "ports.json").read_text())
        assert moved["mongod"] != ports["mongod"]
        assert moved["valkey"] == ports["valkey"]
        os.kill(third.child("valkey-server"), signal.SIGKILL)
        third.await_output("Valkey has ended unexpectedly; the service goes on without its cache.")
        assert third.call("GET", "/readyz")[0] == 200
        os.kill(third.child("mongod"), signal.SIGKILL)
        assert third.await_end() == 1
        assert "MongoDB has ended unexpectedly: killed by signal 9" in third.output


def test_ctrl_c_in_a_terminal_under_make(directory: Path) -> None:
    """`make run` in a terminal ends with all it started when Ctrl-C is pressed there."""
    port = free_port()
    # The tests' own environment is used, so that nothing is installed here.
    stamp, binaries = ".venv/.run.stamp", f"BIN={Path(sys.executable).parent}"
    make = ["make", "--old-file", stamp, "run", binaries, f"PORT={port}"]
    make.append(f"INVENTORY_LOCAL_DIR={directory}")
    with pressing_ctrl_c(make, directory.with_suffix(".log")) as (terminal, output):
        eventually(lambda: READY in output(), output)
        children = descendants(terminal.pid)
        assert terminal.stdin
        terminal.stdin.write(b"\x03")
        terminal.stdin.flush()
        terminal.wait(60)
        assert not any(map(is_alive, children))
    assert "Traceback" not in output()


@contextmanager
def pressing_ctrl_c(
    command: list[str], log: Path
) -> Iterator[tuple[subprocess.Popen[bytes], Callable[[], str]]]:
    """Run `command` in a terminal of its own; what is written to its stdin are key presses."""
    terminal = "import pty, sys; pty.spawn(sys.argv[1:])"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-c", terminal, *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            cwd=PROJECT,
        ) as process,
    ):
        try:
            yield process, log.read_text
        finally:
            process.terminate()


def test_named_servers_are_used(directory: Path, database_settings: Settings) -> None:
    """With MONGO_URL and REDIS_URL nothing is embedded, and no directory is needed."""
    with local(
        directory,
        MONGO_URL=database_settings.mongo_url,
        REDIS_URL=database_settings.redis_url,
        INVENTORY_MONGO_DATABASE="inventory_test_named",
    ) as run:
        run.await_output(READY)
        assert "Starting MongoDB" not in run.output
        assert not any(
            "mongod" in c or "valkey" in c for c in descendants(run.process.pid).values()
        )
        assert run.stop() == 0
    assert not directory.exists()


@pytest.mark.parametrize(
    "environ,said",
    [
        (
            {"PORT": "http", "INVENTORY_TYPO": "1"},
            ["INVENTORY_TYPO: no such setting", "PORT='http'"],
        ),
        ({"MONGOD_BIN": "/nowhere"}, ["MONGOD_BIN=/nowhere is not a program that can be run."]),
        ({"MONGOD_BIN": shutil.which("false")}, ["MongoDB did not start (exit code 1"]),
        ({"INVENTORY_HOST": "no host"}, ["no host:", "cannot be listened on"]),
    ],
)
def test_expected_problems_are_sentences(
    directory: Path, environ: dict[str, str], said: list[str]
) -> None:
    """What an operator can do wrong ends with a sentence and exit code 2, not with a traceback."""
    with local(directory, None, **environ) as run:
        assert run.await_end() == 2
        for text in said:
            assert text in run.output
        assert "Traceback" not in run.output


def test_unreachable_database_is_a_sentence(directory: Path) -> None:
    """Preparing a database that does not answer says so, and does not wait for longer than told."""
    unreachable = "mongodb://127.0.0.1:9/?replicaSet=rs0"
    arguments = ("prepare", "--wait", "0")
    with inventory(*arguments, log=directory.with_suffix(".log"), MONGO_URL=unreachable) as run:
        assert run.await_end() == 2
        assert "MongoDB at 127.0.0.1:9 has no primary that answers." in run.output
