"""Adds up what workers have counted that have ended, so that counters never fall.

Their files would pile up in memory, and make every scrape longer. Nobody may read meanwhile, and
see the same number twice or not at all.
"""

from pathlib import Path
from typing import Any

from prometheus_client.mmap_dict import MmapedDict

from inventory.telemetry import files

_ADDED_UP = ("counter", "histogram")
# The library has no types for it.
_NUMBERS: Any = MmapedDict


def bury(where: Path, pid: int) -> None:
    """Add what a worker had counted to what those before it had, and drop its files."""
    with files.changing(where):
        for kind in _ADDED_UP:
            left = where / f"{kind}_{pid}.db"
            if left.exists():
                _add(left, where / f"{kind}_ended.db")
                left.unlink()
        for left in where.glob(f"gauge_*_{pid}.db"):
            left.unlink()


def _add(left: Path, everything: Path) -> None:
    numbers = _NUMBERS(str(everything))
    for key, value, _, _ in _NUMBERS.read_all_values_from_file(str(left)):
        before, _ = numbers.read_value(key)
        numbers.write_value(key, before + value, 0.0)
    numbers.close()
