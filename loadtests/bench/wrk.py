"""The closed loop: wrk, a generator written in C, with the scripts that lie beside this module."""

import json
import os
import resource
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(__file__).parent / "scripts"
# Longer than any design takes for an answer: one that comes late is late, not lost.
TIMEOUT_SECONDS = 10
START_SECONDS_MAX = 30.0
ABSENT = "wrk is not installed. On Debian and Ubuntu: sudo apt install wrk"


class WrkError(Exception):
    """wrk is not there, or did not do what it is for."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came back in a while.

    `refused` are answers from 400 on, `broken` connections that failed and answers that came too
    late. The counts from `hit` on are kept by scripts that look at the answers, else they are 0.
    """

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    refused: int
    broken: int
    hit: int
    miss: int
    bypass: int
    created: int
    own_cpu_seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Return the answers a second."""
        return self.requests / self.seconds

    @property
    def hit_ratio(self) -> float | None:
        """Return the share of reads that came out of the cache; None if nobody looked."""
        reads = self.hit + self.miss + self.bypass
        return self.hit / reads if reads else None


def find() -> str:
    """Return where wrk is; raise `WrkError` that says how to get it."""
    found = shutil.which("wrk")
    if found is None:
        raise WrkError(ABSENT)
    return found


def run(
    script: str,
    url: str,
    *arguments: str,
    seconds: float,
    connections: int,
    headers: Mapping[str, str] | None = None,
) -> Outcome:
    """Keep `connections` busy for `seconds`, whole ones; return what came of it.

    What is under way at the end is cut off: up to `connections` requests were sent and not counted.
    """
    command = [
        *(find(), "--threads", "1", "--connections", str(connections)),
        *("--duration", f"{seconds:.0f}s", "--timeout", f"{TIMEOUT_SECONDS}s", "--latency"),
        *("--script", str(SCRIPTS / f"{script}.lua")),
        *(part for name, text in (headers or {}).items() for part in ("-H", f"{name}: {text}")),
        *(url, "--", *arguments),
    ]
    environ = {**os.environ, "LUA_PATH": f"{SCRIPTS}/?.lua;;"}
    began = _children_cpu_seconds()
    ended = subprocess.run(
        command,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds + START_SECONDS_MAX,
    )
    return parse(ended.stdout, ended.stderr, _children_cpu_seconds() - began)


def parse(output: str, trouble: str, own_cpu_seconds: float) -> Outcome:
    """Read the line of JSON that the scripts end with; raise `WrkError` if there is none."""
    last = output.strip().rpartition("\n")[2]
    try:
        found = json.loads(last)
        return Outcome(
            seconds=found.pop("duration_us") / 1e6,
            p50_ms=found.pop("p50_us") / 1000,
            p99_ms=found.pop("p99_us") / 1000,
            own_cpu_seconds=own_cpu_seconds,
            **found,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WrkError(f"wrk did not run: {(trouble or output).strip()[-300:]}") from error


def _children_cpu_seconds() -> float:
    """Return the CPU time of all children that have ended; the servers have not."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
