"""The parts of the local start one by one: server processes, the data directory, signals."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inventory.local import LocalError, directory, servers
from inventory.local.servers import LOOPBACK, Server
from inventory.local.signals import StopRequested, StopSignals

HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def nothing() -> None:
    """Do nothing while something is waited for."""


def python(program: str) -> Server:
    """Start a Python program as a server, and return when it has begun."""
    reader, writer = os.pipe()
    command = [sys.executable, "-c", f"import os; {program}"]
    with open(reader, "rb") as begun:
        process = servers.spawn([*command, str(writer)], keep_open=(writer,))
        os.close(writer)
        assert begun.read(1) == b"!"
    return Server("Python", "", 0, process)


STUBBORN = (
    "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "os.write(int(sys.argv[1]), b'!'); signal.pause()"
)


@pytest.mark.parametrize("seconds,hurry", [(0.05, False), (60, True)])
def test_who_does_not_stop_is_killed(seconds: float, hurry: bool) -> None:
    """Who ignores TERM is killed after its grace, or at once if somebody is impatient."""
    server = python(STUBBORN)
    server.stop(seconds, lambda: hurry)
    assert server.last_words() == "killed by signal 9"


def test_waiting_can_be_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the caller gives up while a server starts, the server is stopped first."""
    started: list[subprocess.Popen[bytes]] = []
    spawn = servers.spawn

    def remember(*args: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(spawn(*args, **options))
        return started[0]

    def give_up() -> None:
        raise StopRequested

    monkeypatch.setattr(servers, "spawn", remember)
    with pytest.raises(StopRequested):
        servers.start_mongod(tmp_path, while_waiting=give_up)
    assert started[0].returncode is not None


def test_who_never_listens_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that runs but does not listen in time is an expected problem."""
    idler = tmp_path / "idler"
    idler.write_text("#!/bin/sh\nexec sleep 60\n")
    idler.chmod(0o700)
    monkeypatch.setattr(servers, "START_SECONDS_MAX", 0.05)
    with pytest.raises(LocalError, match=r"^Valkey did not listen after 0 s; see .*valkey.log"):
        servers.start_valkey(tmp_path, binary=idler)


def test_a_foreign_mongod_keeps_its_data(tmp_path: Path) -> None:
    """Two mongods never share a directory: the second one says what is in its way."""
    first = servers.start_mongod(tmp_path)
    try:
        with pytest.raises(LocalError, match=r"MongoDB did not start \(exit code 100: .*mongod"):
            servers.start_mongod(tmp_path)
    finally:
        first.kill()


def test_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """A taken port is told from one that cannot be had, and none is chosen that is taken."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        taken = listener.getsockname()[1]
        assert servers.is_taken(LOOPBACK, taken)
        monkeypatch.setattr(servers, "PORTS", range(taken, taken + 1))
        with pytest.raises(LocalError, match=r"^No free port was found"):
            servers.free_port()
    with pytest.raises(OSError, match="assign requested address"):
        servers.is_taken("192.0.2.1", taken)


def test_ports_are_remembered(tmp_path: Path) -> None:
    """A port is found again; a file that makes no sense is as good as none."""
    assert directory.remembered_port(tmp_path, "mongod") is None
    directory.remember_port(tmp_path, "mongod", 1)
    directory.remember_port(tmp_path, "valkey", 2)
    assert directory.remembered_port(tmp_path, "mongod") == 1
    for nonsense in ("[]", "{", '{"mongod": "x"}'):
        (tmp_path / "ports.json").write_text(nonsense)
        assert directory.remembered_port(tmp_path, "mongod") is None


@pytest.fixture(name="orphan")
def _orphan(tmp_path: Path) -> Iterator[int]:
    """A lock whose holder's parent is gone."""
    process = servers.spawn([sys.executable, "-c", ""])
    process.wait()
    (tmp_path / "lock").write_text(str(process.pid))
    handle = os.open(tmp_path / "lock", os.O_RDWR)
    fcntl.flock(handle, fcntl.LOCK_EX)
    yield handle
    os.close(handle)


def test_orphans_are_waited_for(tmp_path: Path, orphan: int) -> None:
    """What is left of a killed run may end by itself before the next one begins."""

    def end() -> None:
        fcntl.flock(orphan, fcntl.LOCK_UN)

    with directory.locked(tmp_path, end):
        assert (tmp_path / "lock").read_text() == str(os.getpid())


def test_orphans_are_not_waited_for_for_ever(
    tmp_path: Path, orphan: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Orphans that do not end are an expected problem."""
    assert orphan
    monkeypatch.setattr(directory, "ORPHANS_SECONDS_MAX", 0)
    with (
        pytest.raises(LocalError, match="still held by servers"),
        directory.locked(tmp_path, nothing),
    ):
        pass


@pytest.fixture(name="signals")
def _signals() -> Iterator[StopSignals]:
    before = {number: signal.getsignal(number) for number in HANDLED}
    yield StopSignals()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", HANDLED)
def test_signals_wait_to_be_asked_for(signals: StopSignals, number: signal.Signals) -> None:
    """A signal interrupts nothing by itself; whoever asks hears of it, every time."""
    signals.check()
    os.kill(os.getpid(), number)
    for _ in range(2):
        with pytest.raises(StopRequested):
            signals.check()


def test_signals_interrupt_where_they_may(signals: StopSignals) -> None:
    """Inside `interrupting()` a signal strikes at once, or on entry if it came before."""
    reached: list[str] = []

    def work() -> None:
        with signals.interrupting():
            reached.append("begun")
            os.kill(os.getpid(), signal.SIGTERM)
            reached.append("not interrupted")

    for _ in range(2):
        with pytest.raises(StopRequested):
            work()
        assert reached == ["begun"]


def test_impatience(signals: StopSignals, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal that is passed on twice is one wish; one that comes later is impatience."""
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGINT)
    assert not signals.is_impatient()
    monkeypatch.setattr("inventory.local.signals.SAME_WISH_SECONDS", 0)
    os.kill(os.getpid(), signal.SIGINT)
    assert signals.is_impatient()


def test_a_closed_terminal_is_a_wish_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the terminal is closed the end is asked for, unless `nohup` said otherwise."""
    before = {number: signal.getsignal(number) for number in HANDLED}
    terminal, program = os.openpty()
    monkeypatch.setattr("inventory.local.signals.STDOUT", program)
    try:
        signals = StopSignals()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        steadfast = StopSignals()
        signals.check()
        os.close(terminal)
        with pytest.raises(StopRequested):
            signals.check()
        steadfast.check()
    finally:
        os.close(program)
        for number, handler in before.items():
            signal.signal(number, handler)
