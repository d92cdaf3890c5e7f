"""The data directory: one run at a time, and the ports that its servers had last.

Knows files only.
"""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from inventory.local import LocalError

# After a kill -9 the servers of that run need a moment to be gone; they hold the lock until then.
ORPHANS_SECONDS_MAX = 40.0
POLL_SECONDS = 0.05


def chosen(environ: Mapping[str, str]) -> Path:
    """Return the directory that an environment names."""
    return Path(environ.get("INVENTORY_LOCAL_DIR") or ".local").absolute()


@contextmanager
def locked(directory: Path, while_waiting: Callable[[], None]) -> Iterator[int]:
    """Hold the directory for this run; yield the lock's file, for children to inherit.

    The lock is the system's, so nothing remains of it once the last process that holds it is gone,
    however it ended. Raises `LocalError` if another run holds it.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + ORPHANS_SECONDS_MAX
        while not _try_lock(handle):
            holder = _holder(handle)
            if _lives(holder):
                raise LocalError(
                    f"The data in {directory} are in use by another run (process {holder}). Stop "
                    "it, or set INVENTORY_LOCAL_DIR to another directory."
                )
            if time.monotonic() > deadline:
                raise LocalError(
                    f"The data in {directory} are still held by servers of a run that was killed; "
                    "end them first."
                )
            while_waiting()
            time.sleep(POLL_SECONDS)
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield handle
    finally:
        os.close(handle)


def remembered_port(directory: Path, server: str) -> int | None:
    """Return the port that `server` had in the last run, None if that is not known."""
    port = _ports(directory).get(server)
    return port if isinstance(port, int) else None


def remember_port(directory: Path, server: str, port: int) -> None:
    """Store the port of `server` for the next run."""
    ports = _ports(directory) | {server: port}
    fresh = directory / "ports.json.new"
    fresh.write_text(json.dumps(ports) + "\n")
    fresh.replace(directory / "ports.json")


def _ports(directory: Path) -> dict[str, object]:
    try:
        ports = json.loads((directory / "ports.json").read_text())
    except (OSError, ValueError):
        return {}
    return ports if isinstance(ports, dict) else {}


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(handle: int) -> int:
    text = os.pread(handle, 20, 0)
    return int(text) if text.isdigit() else 0


def _lives(process: int) -> bool:
    if process <= 0:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
