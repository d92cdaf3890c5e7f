"""The numbers of a service of several workers, one of which is killed while they are read."""

import http.client
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pymongo import MongoClient

from inventory.local.servers import LOOPBACK
from inventory.settings import Settings
from tests.integration.processes import Run, descendants, eventually, inventory, is_ready

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks processes up in /proc")

DATABASE = "inventory_test_metrics"
ROUTE = "/api/products/{product_id}/purchase"


@pytest.fixture(name="service")
def _service(tmp_path: Path, database_settings: Settings) -> Iterator[Run]:
    with inventory(
        "serve",
        log=tmp_path / "log",
        MONGO_URL=database_settings.mongo_url,
        REDIS_URL=database_settings.redis_url,
        INVENTORY_MONGO_DATABASE=DATABASE,
        INVENTORY_WORKERS="2",
        PROMETHEUS_MULTIPROC_DIR=str(tmp_path),
    ) as run:
        eventually(lambda: is_ready(run), lambda: run.output)
        yield run
    with MongoClient[dict[str, object]](database_settings.mongo_url) as client:
        client.drop_database(DATABASE)


def scrape(run: Run) -> dict[tuple[str, str, frozenset[tuple[str, str]]], float]:
    """Return all numbers by type, name and labels, as whichever worker has them told."""
    connection = http.client.HTTPConnection(LOOPBACK, run.port, timeout=30)
    try:
        connection.request("GET", "/metrics", headers={"Connection": "close"})
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    return {
        (family.type, sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def total(run: Run, name: str) -> float:
    """Return the sum of all series of a name."""
    return sum(value for (_, told, _), value in scrape(run).items() if told == name)


def test_no_counter_falls_when_a_worker_is_killed(service: Run, tmp_path: Path) -> None:
    """What workers count adds up, and stays when one of them is gone and another has begun."""
    body = {"name": "Air Runner", "price": "1.00", "stock": 100}
    product = service.call("POST", "/api/products", body)[1]["id"]

    def buy(times: int) -> None:
        for _ in range(times):
            path = f"/api/products/{product}/purchase"
            assert service.call("POST", path, {"quantity": 2})[0] == 201

    eventually(lambda: total(service, "inventory_workers") == 2, "both workers are told")
    buy(12)
    before = scrape(service)
    # Workers begin after the master.
    victim = max(descendants(service.process.pid))
    os.kill(victim, signal.SIGKILL)

    def replaced() -> bool:
        nonlocal before
        now = scrape(service)
        fallen = [
            series
            for series, value in before.items()
            if series[0] != "gauge" and now.get(series, 0.0) < value
        ]
        assert fallen == []
        before = now
        return total(service, "inventory_worker_starts_total") == 3

    eventually(replaced, lambda: service.output)
    buy(5)
    assert total(service, "inventory_purchases_total") == 17
    assert total(service, "inventory_units_sold_total") == 34
    assert total(service, "inventory_group_granted_operations_sum") == 17
    eventually(lambda: total(service, "inventory_workers") == 2, "the new worker is told")
    assert not list(tmp_path.glob(f"*_{victim}.db"))
    purchases = {
        labels: value
        for (_, name, labels), value in scrape(service).items()
        if name == "inventory_requests_total" and ("route", ROUTE) in labels
    }
    labels = {"route": ROUTE, "method": "POST", "status": "201"}
    assert purchases == {frozenset(labels.items()): 17}


def test_an_overview_is_of_the_whole_instance(service: Run) -> None:
    """Whichever worker is asked tells of all of them, also when one was killed and replaced."""
    body = {"name": "Air Runner", "price": "1.00", "stock": 100}
    path = f"/api/products/{service.call('POST', '/api/products', body)[1]['id']}/purchase"
    instances = set()

    def told() -> tuple[int, int, int]:
        overview = service.call("GET", "/api/overview")[1]
        instances.add(overview["instance"])
        purchases = sum(overview["purchase_seconds"]["counts"])
        return overview["workers"], overview["totals"]["purchases"], purchases

    for _ in range(8):
        assert service.call("POST", path, {"quantity": 2})[0] == 201
    eventually(lambda: told() == (2, 8, 8), lambda: f"{told()} {service.output}")
    os.kill(max(descendants(service.process.pid)), signal.SIGKILL)
    started = "inventory_worker_starts_total"
    eventually(lambda: total(service, started) == 3, lambda: service.output)
    assert service.call("POST", path, {"quantity": 2})[0] == 201
    eventually(lambda: told() == (2, 9, 9), lambda: f"{told()} {service.output}")
    assert len(instances) == 1
