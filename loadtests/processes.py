"""What processes cost, from Linux's own accounts in `/proc`."""

import os
from collections.abc import Mapping
from pathlib import Path

PROC = Path("/proc")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")

# Positions in the first line of /proc/stat.
_IDLE, _WAITING, _STOLEN = 4, 5, 8
# Position in /proc/PID/statm.
_RESIDENT = 1
# Positions in /proc/PID/stat, counted from the field after the command's name.
_PARENT, _USER, _SYSTEM, _WAITED_USER, _WAITED_SYSTEM = 1, 11, 12, 13, 14


def cpu_seconds(roots: Mapping[str, int]) -> dict[str, float]:
    """Return the CPU time that each of these processes has used so far, descendants included."""
    stats = _stats()
    return {name: _ticks(stats, pid) / TICKS_PER_SECOND for name, pid in roots.items()}


def machine_cpu_seconds() -> tuple[float, float]:
    """Return the CPU time that the machine has been busy since it started, and busy or idle."""
    first_line = (PROC / "stat").read_text().splitlines()[0].split()
    spent = [int(ticks) / TICKS_PER_SECOND for ticks in first_line[1 : _STOLEN + 1]]
    return sum(spent) - spent[_IDLE - 1] - spent[_WAITING - 1], sum(spent)


def children(pid: int) -> list[int]:
    """Return the processes that this one has started and that still run, the oldest first."""
    return sorted(child for child, stat in _stats().items() if int(stat[_PARENT]) == pid)


def resident_megabytes(pid: int) -> float:
    """Return how much memory a process holds now, what it shares with others included."""
    pages = int((PROC / str(pid) / "statm").read_text().split()[_RESIDENT])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def open_files(pid: int) -> int:
    """Return how many file descriptors a process holds now, sockets included."""
    return sum(1 for _ in (PROC / str(pid) / "fd").iterdir())


def _stats() -> dict[int, list[str]]:
    stats = {}
    for directory in PROC.iterdir():
        if directory.name.isdigit():
            try:
                text = (directory / "stat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                # It has ended since the directory was listed.
                continue
            # The name is in brackets and may itself contain brackets and spaces.
            stats[int(directory.name)] = text.rpartition(")")[2].split()
    return stats


def _ticks(stats: Mapping[int, list[str]], pid: int) -> int:
    own = stats.get(pid)
    if own is None:
        return 0
    used = sum(int(own[at]) for at in (_USER, _SYSTEM, _WAITED_USER, _WAITED_SYSTEM))
    children = (child for child, stat in stats.items() if int(stat[_PARENT]) == pid)
    return used + sum(_ticks(stats, child) for child in children)
