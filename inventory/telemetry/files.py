"""Where the workers count, where there are several, and who may read it when.

Each worker writes files of its own, which whoever is asked reads. Imports nothing of the library,
which looks for the directory in the environment when it is imported.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_LOCK = "lock"


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
