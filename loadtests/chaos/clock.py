"""A clock of its own for one program, which can be set while it runs, by libfaketime.

Only for programs that are not Python: its `time.sleep` fails under libfaketime 0.9.10.
"""

import shlex
from pathlib import Path

LIBRARY = "libfaketimeMT.so.1"
PLACES = ("/usr/lib", "/usr/local/lib")
# The library looks at the file again after so long, and not at each look at the clock.
CACHE_SECONDS = 1


def find_library() -> Path | None:
    """Return libfaketime, None where it is not installed."""
    patterns = (f"faketime/{LIBRARY}", f"*/faketime/{LIBRARY}")
    found = (path for place in PLACES for what in patterns for path in Path(place).glob(what))
    return next(found, None)


class Clock:
    """The time that a program sees; its monotonic clock and its waits stay as they are."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory.absolute()
        self._file = self._directory / "clock"
        self._ahead_seconds = 0
        self.jump(0)

    def jump(self, seconds: int) -> None:
        """Set the clock forward, or back; seen after a second at the most."""
        self._ahead_seconds += seconds
        new = self._file.with_suffix(".new")
        new.write_text(f"{self._ahead_seconds:+}\n")
        new.replace(self._file)

    def told_by(self, binary: Path) -> Path:
        """Return a program that runs `binary` with this clock; raise `LookupError` if none can."""
        library = find_library()
        if library is None:
            raise LookupError(f"{LIBRARY} is not installed.")
        script = self._directory / f"{binary.name}.sh"
        environ = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": str(CACHE_SECONDS),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # Else waits that go by the monotonic clock end at once, again and again.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        }
        named = " ".join(f"{name}={shlex.quote(value)}" for name, value in environ.items())
        script.write_text(f'#!/bin/sh\n{named} exec {shlex.quote(str(binary))} "$@"\n')
        script.chmod(0o755)
        return script
