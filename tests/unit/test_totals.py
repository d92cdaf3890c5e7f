"""The numbers of an overview: those of `/metrics`, of one process and of several."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from inventory.telemetry import files
from inventory.telemetry.burying import bury
from inventory.telemetry.metrics import Metrics
from inventory.telemetry.totals import BOUNDS

_PROCESS = """
import dataclasses, json, sys
from inventory.telemetry.metrics import Metrics
metrics = Metrics()
for _ in range(int(sys.argv[1])):
    metrics.sold(1, 2)
    metrics.request("/api/products", "GET", 503, 0.02)
    metrics.request("/api/products", "GET", 200, 0.02)
    metrics.refused("overloaded")
    metrics.purchase_decided(0.02)
    metrics.cache_event("hit", 3)
    metrics.cache_event("stale", 1)
print(json.dumps(dataclasses.asdict(metrics.totals())), flush=True)
sys.stdin.read()
"""


def totals_of(sales: int) -> dict[str, Any]:
    """Return what has been counted after so many sales."""
    return {
        "requests": 2 * sales,
        "server_errors": sales,
        "turned_away": sales,
        "purchases": sales,
        "units_sold": 2 * sales,
        "refusals": {"overloaded": sales} if sales else {},
        "cache_hits": 3 * sales,
        "cache_misses": 0,
    }


class Process:
    """A process that has counted some sales, and told the totals of all."""

    def __init__(self, directory: Path, sales: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROCESS, str(sales)],
            env={**os.environ, files.DIRECTORY_VARIABLE: str(directory)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        self.told = json.loads(self._process.stdout.readline())

    def kill(self) -> int:
        """Kill it; return what its id was."""
        self._process.kill()
        self._process.communicate()
        return self._process.pid


def test_several_processes_add_up(tmp_path: Path) -> None:
    """Totals are those of all workers and of those that have ended; only the living are counted."""
    first = Process(tmp_path, 5)
    second = Process(tmp_path, 7)
    assert (second.told["workers"], second.told["totals"]) == (2, totals_of(12))
    bury(tmp_path, first.kill())
    third = Process(tmp_path, 0)
    assert (third.told["workers"], third.told["totals"]) == (2, totals_of(12))
    counts = third.told["purchase_counts"]
    assert counts == [12 if end == 0.025 else 0 for end in (*BOUNDS, None)]
    second.kill()
    third.kill()


@pytest.mark.parametrize(
    "seconds, place", [(0.0005, 0), (0.001, 0), (0.02, 4), (2.0, 10), (2.1, 11)]
)
def test_each_purchase_counts_once(seconds: float, place: int) -> None:
    """A purchase is in the one bucket that its time belongs to, the last being without an end."""
    metrics = Metrics()
    metrics.purchase_decided(seconds)
    assert metrics.totals().purchase_counts == tuple(int(at == place) for at in range(12))


def test_one_process_counts_alike() -> None:
    """Without a directory the numbers are those of this process."""
    metrics = Metrics()
    metrics.sold(1, 2)
    metrics.refused("rate_limited")
    counted = metrics.totals()
    assert (counted.workers, counted.totals.purchases, counted.totals.units_sold) == (1, 1, 2)
    assert (counted.totals.turned_away, counted.totals.refusals) == (1, {"rate_limited": 1})
