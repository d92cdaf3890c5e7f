"""Start, watch and stop one server process: mongod, Valkey, or any other.

Knows the command lines of mongod and Valkey, and processes; not the order among them. The tests'
servers are started here as well.
"""

import ctypes
import errno
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from inventory.local import LocalError, binaries

LOOPBACK = "127.0.0.1"
# Below the ports that systems give to outgoing connections, so that a remembered port stays free.
PORTS = range(20_000, 32_000)
START_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 20.0
POLL_SECONDS = 0.02
MONGOD_CACHE_GB = 0.5
MONGOD_OPLOG_MB = 256
# Longer than any request waits for MongoDB; MongoDB's own default is a minute.
TRANSACTION_SECONDS_MAX = 3
VALKEY_MEMORY = "128mb"

_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def _nothing() -> None:
    """Do nothing while waiting."""


def _never() -> bool:
    return False


@dataclass(slots=True)
class Server:
    """A running server process in a process group of its own."""

    name: str
    url: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path | None = None

    @property
    def pid(self) -> int:
        """Return the id of the process, which is that of its group as well."""
        return self.process.pid

    def has_ended(self) -> bool:
        """Tell whether the process is gone."""
        return self.process.poll() is not None

    def last_words(self) -> str:
        """Say how the process ended, as far as its exit code and its log tell."""
        code = self.process.poll()
        words = (
            f"killed by signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        )
        if self.log is not None:
            words += f": {_last_line(self.log)}; see {self.log}"
        return words

    def stop(
        self, seconds: float = STOP_SECONDS_MAX, in_a_hurry: Callable[[], bool] = _never
    ) -> None:
        """Ask the process to end; kill its group after `seconds`, or when `in_a_hurry` says so."""
        with suppress(ProcessLookupError):
            self.process.terminate()
        deadline = time.monotonic() + seconds
        while not self.has_ended() and time.monotonic() < deadline and not in_a_hurry():
            time.sleep(POLL_SECONDS)
        self.kill()

    def kill(self) -> None:
        """Kill the process and whatever is left of its group; return when it is gone."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()


def start_mongod(
    directory: Path,
    port: int | None = None,
    *,
    binary: Path | None = None,
    cache_gb: float = MONGOD_CACHE_GB,
    oplog_mb: int = MONGOD_OPLOG_MB,
    keep_open: tuple[int, ...] = (),
    while_waiting: Callable[[], None] = _nothing,
) -> Server:
    """Start a mongod on loopback, with its data in `directory`, and wait until it listens.

    It runs with `--replSet rs0`; initiating the replica set is the caller's part. `while_waiting`
    is called again and again; if it raises, the process is stopped first.
    """
    port = port or free_port()
    data = directory / "mongod"
    data.mkdir(parents=True, exist_ok=True)
    command = [
        *(str(binary or binaries.find_mongod(os.environ)), "--dbpath", str(data)),
        *("--bind_ip", LOOPBACK, "--port", str(port), "--nounixsocket"),
        *("--replSet", "rs0", "--oplogSize", str(oplog_mb)),
        *("--wiredTigerCacheSizeGB", str(cache_gb)),
        # zlib is left out because of CVE-2025-14847, which reads memory through it.
        *("--networkMessageCompressors", "snappy,zstd"),
        *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        # A process that dies in the middle of a transaction leaves counters locked for so long.
        *("--setParameter", f"transactionLifetimeLimitSeconds={TRANSACTION_SECONDS_MAX}"),
    ]
    url = mongod_url(port)
    return _start("MongoDB", url, command, directory / "mongod.log", port, keep_open, while_waiting)


def mongod_url(port: int) -> str:
    """Return the URL of a mongod that was started here."""
    return f"mongodb://{LOOPBACK}:{port}/?replicaSet=rs0"


def valkey_url(port: int) -> str:
    """Return the URL of a Valkey that was started here."""
    return f"redis://{LOOPBACK}:{port}/0"


def start_valkey(
    directory: Path,
    port: int | None = None,
    *,
    binary: Path | None = None,
    keep_open: tuple[int, ...] = (),
    while_waiting: Callable[[], None] = _nothing,
) -> Server:
    """Start a Valkey on loopback that keeps nothing on disk, and wait until it listens."""
    port = port or free_port()
    command = [
        *(str(binary or binaries.find_valkey(os.environ)), "--bind", LOOPBACK),
        *("--port", str(port), "--dir", str(directory), "--daemonize", "no"),
        # A cache: it may forget, it must not grow, and it need not survive.
        *("--save", "", "--appendonly", "no"),
        *("--maxmemory", VALKEY_MEMORY, "--maxmemory-policy", "allkeys-lru"),
    ]
    url = valkey_url(port)
    return _start("Valkey", url, command, directory / "valkey.log", port, keep_open, while_waiting)


def spawn(
    command: list[str],
    *,
    when_orphaned: signal.Signals = signal.SIGKILL,
    keep_open: tuple[int, ...] = (),
    output: IO[bytes] | None = None,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, so that a terminal's Ctrl-C does not reach it.

    Linux sends it `when_orphaned` if this process dies. `keep_open` are files that it inherits.
    """
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd=directory,
        env=environ,
        pass_fds=keep_open,
        start_new_session=True,
        preexec_fn=_bind_to_parent(when_orphaned),  # noqa: PLW1509 - one system call, no locks
    )


def free_port(avoid: int | None = None) -> int:
    """Return a port of loopback on which nobody listens, other than `avoid`."""
    for _ in range(1_000):
        port = secrets.choice(PORTS)
        if port != avoid and not is_taken(LOOPBACK, port):
            return port
    raise LocalError(f"No free port was found between {PORTS.start} and {PORTS.stop}.")


def is_taken(host: str, port: int) -> bool:
    """Tell whether another server listens at `host` and `port`.

    Raises `OSError` if one could not listen there for any other reason.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            # Linux lets two servers bind and refuses the second one to listen.
            probe.listen(1)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return True
    return False


def _start(
    name: str,
    url: str,
    command: list[str],
    log: Path,
    port: int,
    keep_open: tuple[int, ...],
    while_waiting: Callable[[], None],
) -> Server:
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
    with log.open("wb") as output:
        process = spawn(command, keep_open=keep_open, output=output)
    server = Server(name, url, port, process, log)
    try:
        _await_listening(server, port, while_waiting)
    except BaseException:
        server.stop()
        raise
    return server


def _await_listening(server: Server, port: int, while_waiting: Callable[[], None]) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while not _listens(port):
        while_waiting()
        if server.has_ended():
            raise LocalError(f"{server.name} did not start ({server.last_words()}).")
        if time.monotonic() > deadline:
            raise LocalError(
                f"{server.name} did not listen after {START_SECONDS_MAX:.0f} s; see {server.log}."
            )
        time.sleep(POLL_SECONDS)


def _listens(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


def _bind_to_parent(when_orphaned: signal.Signals) -> Callable[[], None] | None:
    if _prctl is None:
        return None
    parent = os.getpid()

    def bind() -> None:
        _prctl(_PR_SET_PDEATHSIG, when_orphaned.value)
        # The parent may have died before the kernel knew.
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)

    return bind


def _last_line(log: Path) -> str:
    """Return the last line of trouble in a log; mongod writes JSON with severities F and E."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    plain = [line for line in lines if not line.startswith("{")]
    for line in reversed(lines):
        with suppress(ValueError, AttributeError):
            entry = json.loads(line)
            if entry.get("s") in ("F", "E"):
                return f"{entry.get('msg')} {entry.get('attr', {}).get('error', '')}".strip()[:300]
    return plain[-1][:300] if plain else "its log says nothing"
