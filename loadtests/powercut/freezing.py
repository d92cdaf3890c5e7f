"""Stops all threads of a process where they are, and knows when the last of them stands."""

import os
import signal
import time

from inventory.local import LocalError
from loadtests.processes import PROC

STOPPED = "T"
STOP_SECONDS_MAX = 10.0
POLL_SECONDS = 0.001


def freeze(pid: int) -> None:
    """Stop a process; return when all its threads stand, out of every system call."""
    os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + STOP_SECONDS_MAX
    while states(pid) != {STOPPED}:
        if time.monotonic() > deadline:
            raise LocalError(f"Process {pid} did not stop within {STOP_SECONDS_MAX:.0f} s.")
        time.sleep(POLL_SECONDS)


def states(pid: int) -> set[str]:
    """Return the states that the threads of a process are in, as `/proc` spells them."""
    found = set()
    for thread in (PROC / str(pid) / "task").iterdir():
        try:
            found.add(state_of((thread / "stat").read_text()))
        except (FileNotFoundError, ProcessLookupError):
            # It has ended since the directory was listed.
            continue
    return found


def state_of(stat: str) -> str:
    """Return the state in a line of `/proc`; the name before it may hold brackets and spaces."""
    return stat.rpartition(")")[2].split()[0]
