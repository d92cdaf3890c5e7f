"""The files in which the workers count, where there are several; knows nothing of what is counted.

Each worker writes files of its own, which others read. What a worker has counted outlives it, or
counters would fall; but files of the dead would pile up in memory and make every scrape longer, so
the master adds them up in one. Nobody may read meanwhile, and see the same number twice or not at
all: hence the lock.

Read by gunicorn's master, so nothing here may import the library before it is needed: that looks
for the directory in the environment when it is imported.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_LOCK = "lock"
_ADDED_UP = ("counter", "histogram")


def directory() -> Path | None:
    """Return where the workers count, None where there is only one process."""
    named = os.environ.get(DIRECTORY_VARIABLE)
    return Path(named) if named else None


@contextmanager
def reading(where: Path) -> Iterator[None]:
    """Keep the files as they are."""
    with _locked(where, fcntl.LOCK_SH):
        yield


@contextmanager
def changing(where: Path) -> Iterator[None]:
    """Let nobody read."""
    with _locked(where, fcntl.LOCK_EX):
        yield


@contextmanager
def _locked(where: Path, how: int) -> Iterator[None]:
    with (where / _LOCK).open("ab") as file:
        fcntl.flock(file, how)
        yield


def bury(where: Path, pid: int) -> None:
    """Add what a worker that has ended had counted to what those before it had; drop its files."""
    from prometheus_client import mmap_dict  # noqa: PLC0415 - not before the name is set

    # The library has no types for it.
    numbers: Any = mmap_dict.MmapedDict
    with changing(where):
        for kind in _ADDED_UP:
            left = where / f"{kind}_{pid}.db"
            if not left.exists():
                continue
            everything = numbers(str(where / f"{kind}_ended.db"))
            for key, value, _, _ in numbers.read_all_values_from_file(str(left)):
                before, _ = everything.read_value(key)
                everything.write_value(key, before + value, 0.0)
            everything.close()
            left.unlink()
        for left in where.glob(f"gauge_*_{pid}.db"):
            left.unlink()
