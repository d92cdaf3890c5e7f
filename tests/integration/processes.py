"""What the tests of whole processes share: a run of the command line, and plain HTTP to it.

A run is started with `spawn`, so that nothing of it outlives the tests.
"""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from inventory.local.servers import LOOPBACK, Server, free_port, is_taken, spawn
from inventory.serving import PROJECT

SECONDS_MAX = 60.0


def eventually(condition: Callable[[], object], what: Callable[[], str] | str) -> None:
    """Return when `condition` holds; fail with `what` if it does not within a minute."""
    deadline = time.monotonic() + SECONDS_MAX
    while not condition():
        assert time.monotonic() < deadline, what if isinstance(what, str) else what()
        time.sleep(0.02)


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    """Stop a server in the middle of whatever it does, and let it go on after the block."""
    os.killpg(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(server.pid, signal.SIGCONT)


# What reading a file of a process raises that has ended meanwhile.
GONE = (FileNotFoundError, ProcessLookupError)


def descendants(process: int) -> dict[int, str]:
    """Return the ids and commands of all processes below `process`."""
    found: dict[int, str] = {}
    for thread in _threads(process):
        with suppress(*GONE):
            for child in map(int, (thread / "children").read_text().split()):
                command = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
                found |= {child: command} | descendants(child)
    return found


def is_alive(process: int) -> bool:
    """Tell whether a process exists and is more than an entry that nobody has collected yet.

    One that was killed looks like such an entry as soon as its first thread is gone, but keeps its
    files and ports until the last one is.
    """
    return any(map(_runs, _threads(process)))


def _threads(process: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{process}/task").iterdir())
    except GONE:
        return []


def _runs(thread: Path) -> bool:
    try:
        state = (thread / "stat").read_text().rpartition(")")[2].split()[0]
    except GONE:
        return False
    return state not in ("Z", "X")


class Run:
    """One run of `python -m inventory ...`, or of another command around it."""

    def __init__(self, log: Path, command: list[str], port: int, **environ: str) -> None:
        self.port = port
        self.log = log
        with log.open("wb") as output:
            self.process = spawn(
                command,
                output=output,
                environ={**os.environ, "PORT": str(port), "INVENTORY_WORKERS": "1", **environ},
                directory=PROJECT,
            )

    @property
    def output(self) -> str:
        """Return what it has written so far."""
        return self.log.read_text()

    def child(self, name: str) -> int:
        """Return the first of its processes whose command contains `name`."""
        return min(process for process, c in descendants(self.process.pid).items() if name in c)

    def await_output(self, text: str) -> None:
        """Return when it has written `text`."""

        def said() -> bool:
            ended = self.process.poll() is not None
            if ended:
                assert text in self.output, self.output
            return text in self.output

        eventually(said, lambda: self.output)

    def await_end(self) -> int:
        """Return its exit code, and make sure that nobody listens at its port any more."""
        eventually(lambda: self.process.poll() is not None, lambda: self.output)
        eventually(lambda: not is_taken(LOOPBACK, self.port), "its port is still taken")
        return self.process.wait()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send it a signal; return its exit code, and make sure that all its children are gone."""
        children = descendants(self.process.pid)
        self.process.send_signal(number)
        code = self.await_end()
        assert [command for child, command in children.items() if is_alive(child)] == []
        return code

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        """Make one request; return the status and what the answer's JSON says."""
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=10)
        try:
            headers = {"Content-Type": "application/json"} if body else {}
            connection.request(method, path, json.dumps(body) if body else None, headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()


@contextmanager
def inventory(*arguments: str, log: Path, port: int | None = None, **environ: str) -> Iterator[Run]:
    """Run `python -m inventory` with `arguments`; kill it at the end if it still runs."""
    command = [sys.executable, "-m", "inventory", *arguments]
    run = Run(log, command, port or free_port(), **environ)
    try:
        yield run
    finally:
        if run.process.poll() is None:
            children = descendants(run.process.pid)
            run.process.kill()
            run.process.wait()
            eventually(lambda: not any(map(is_alive, children)), "children outlive their parent")


def command(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end."""
    return subprocess.run(
        [sys.executable, "-m", "inventory", *arguments],
        cwd=PROJECT,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def is_ready(run: Run) -> bool:
    """Tell whether the service answers that it can serve; it must not have ended by itself."""
    assert run.process.poll() is None, run.output
    try:
        return run.call("GET", "/readyz")[0] == 200
    except OSError:
        return False
