"""Numbers of several processes: added up, and kept when a process ends."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from inventory.telemetry import files
from inventory.telemetry.burying import bury
from tests.api.support import until

_PROCESS = """
import sys
from inventory.telemetry.metrics import Metrics
metrics = Metrics()
metrics.sampled("inventory_queue_operations", lambda: 3.0)
for _ in range(int(sys.argv[1])):
    metrics.sold(1, 2)
    metrics.request("/api/products", "GET", 200, 0.02)
sys.stdout.write(metrics.exposition().decode())
sys.stdout.flush()
sys.stdin.read()
"""


class Process:
    """A process that has counted some sales, and told the numbers of all."""

    def __init__(self, directory: Path, sales: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROCESS, str(sales)],
            env={**os.environ, files.DIRECTORY_VARIABLE: str(directory)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        lines = iter(self._process.stdout.readline, "")
        told = []
        for line in lines:
            told.append(line)
            if line.startswith("# TYPE inventory_webhook_endpoints"):
                break
        self.told = {
            sample.name: sample.value
            for family in text_string_to_metric_families("".join(told))
            for sample in family.samples
            if set(sample.labels) <= {"route", "method", "status"}
        }

    def kill(self) -> int:
        """Kill it; return what its id was."""
        self._process.kill()
        self._process.communicate()
        return self._process.pid


def test_a_process_that_ends_leaves_what_it_counted(tmp_path: Path) -> None:
    """Counters and histograms are those of the living and of all that ended; gauges are not."""
    first = Process(tmp_path, 5)
    assert first.told["inventory_purchases_total"] == 5
    bury(tmp_path, first.kill())
    second = Process(tmp_path, 7)
    third = Process(tmp_path, 11)
    try:
        assert second.told["inventory_purchases_total"] == 12
        assert second.told["inventory_workers"] == 1
        assert third.told["inventory_purchases_total"] == 23
        assert third.told["inventory_units_sold_total"] == 46
        assert third.told["inventory_requests_total"] == 23
        assert third.told["inventory_request_seconds_count"] == 23
        assert third.told["inventory_request_seconds_sum"] == pytest.approx(0.46)
        assert third.told["inventory_worker_starts_total"] == 3
        assert third.told["inventory_workers"] == 2
        assert third.told["inventory_queue_operations"] == 6
    finally:
        ended = [second.kill(), third.kill()]
    for pid in ended:
        bury(tmp_path, pid)
    last = Process(tmp_path, 0)
    assert last.told["inventory_purchases_total"] == 23
    last.kill()


def test_the_ended_need_no_more_room_than_one(tmp_path: Path) -> None:
    """However many have ended, there are as many files as of one."""
    left = set()
    for _ in range(2):
        bury(tmp_path, Process(tmp_path, 1).kill())
        left.add(frozenset(file.name for file in tmp_path.iterdir()))
    assert left == {frozenset({"counter_ended.db", "histogram_ended.db", "lock"})}


def test_nobody_reads_while_numbers_move(tmp_path: Path) -> None:
    """While those of an ended process are added up, a reader waits: it would see them twice."""
    reading, done = threading.Event(), threading.Event()

    def read() -> None:
        reading.set()
        with files.reading(tmp_path):
            done.set()

    with files.changing(tmp_path):
        reader = threading.Thread(target=read)
        reader.start()
        assert reading.wait(10)
        assert not done.wait(0.05)
    until(done.is_set)
    reader.join()
