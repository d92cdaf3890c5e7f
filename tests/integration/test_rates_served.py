"""Limits of rates as clients meet them: four workers, whose Redis dies or freezes meanwhile."""

import http.client
import itertools
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis

from inventory import limits
from inventory.cache.values import PREFIX
from inventory.local.servers import LOOPBACK, Server, start_valkey
from inventory.settings import Settings
from tests.integration.outages import serving
from tests.integration.processes import Run, eventually

pytestmark = pytest.mark.timeout(180)

WORKERS = 4
READS, PURCHASES = 1_000, 20
CLIENTS = 8
# Small enough to be spread over all workers.
REQUESTS_A_CONNECTION = 5
PATH = "/api/products/66f1c0ffee66f1c0ffee0001"
_ADDRESSES = itertools.count(1)


@dataclass
class Shop:
    """A service with four workers, and a Redis that nobody else uses."""

    run: Run
    directory: Path
    valkeys: list[Server]

    @property
    def valkey(self) -> Server:
        """The Valkey that runs now, or ran last."""
        return self.valkeys[-1]

    def hammer(self, kind: str, requests: int, address: str) -> Counter[int]:
        """Send requests from one address through several clients; count the statuses."""
        turns = range(requests // REQUESTS_A_CONNECTION)
        with ThreadPoolExecutor(CLIENTS) as pool:
            counts = pool.map(lambda _: self._connection(kind, address), turns)
            return sum(counts, Counter[int]())

    def _connection(self, kind: str, address: str) -> Counter[int]:
        statuses: Counter[int] = Counter()
        path, body = (PATH, None) if kind == "GET" else (f"{PATH}/purchase", b'{"quantity":1}')
        headers = {"X-Forwarded-For": address, "Content-Type": "application/json"}
        connection = http.client.HTTPConnection(LOOPBACK, self.run.port, timeout=20)
        try:
            for _ in range(REQUESTS_A_CONNECTION):
                connection.request(kind, path, body, headers)
                response = connection.getresponse()
                response.read()
                statuses[response.status] += 1
        finally:
            connection.close()
        return statuses

    def redis_failures(self) -> float:
        """Return how many calls of Redis have failed, or were not tried, in all workers."""
        connection = http.client.HTTPConnection(LOOPBACK, self.run.port, timeout=20)
        try:
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        finally:
            connection.close()
        failures = re.findall(
            r'^inventory_cache_events_total\{event="redis_\w+"\} (\S+)$', text, re.M
        )
        return sum(map(float, failures))

    def undisturbed(self, kind: str, requests: int) -> Counter[int]:
        """Hammer from a new address, within one minute and while Redis answers every call."""
        while True:
            before = (time.time() // limits.RATE_WINDOW_SECONDS, self.redis_failures())
            statuses = self.hammer(kind, requests, new_address())
            if before == (time.time() // limits.RATE_WINDOW_SECONDS, self.redis_failures()):
                return statuses

    def is_exact(self) -> bool:
        """Tell whether all workers together let in what one of them may."""
        return self.hammer("POST", 2 * PURCHASES, new_address())[404] == PURCHASES


def new_address() -> str:
    """Return an address that has sent nothing so far."""
    return f"198.51.{next(_ADDRESSES)}.7"


@pytest.fixture(name="shop", scope="module")
def _shop(
    tmp_path_factory: pytest.TempPathFactory, mongod: Server, database_settings: Settings
) -> Iterator[Shop]:
    """A service with limits for each address, behind one proxy."""
    directory = tmp_path_factory.mktemp("rates")
    valkeys = [start_valkey(directory)]
    environ = {
        "REDIS_URL": valkeys[0].url,
        "INVENTORY_MONGO_DATABASE": database_settings.mongo_database,
        "INVENTORY_WORKERS": str(WORKERS),
        "INVENTORY_TRUSTED_PROXIES": "1",
        "INVENTORY_AUTH": "off",
        "INVENTORY_RATE_PER_ADDRESS": str(READS),
        "INVENTORY_PURCHASE_RATE_PER_ADDRESS": str(PURCHASES),
    }
    try:
        with serving(directory, mongod, before=(), **environ) as run:
            yield Shop(run, directory, valkeys)
    finally:
        valkeys[-1].kill()


@pytest.mark.parametrize("kind, limit", [("GET", READS), ("POST", PURCHASES)])
def test_workers_keep_one_limit(shop: Shop, kind: str, limit: int) -> None:
    """Of many requests to four workers as many are admitted as may be, within 5 %."""
    statuses = shop.undisturbed(kind, limit + 200)
    assert statuses.keys() == {404, 429}
    assert limit <= statuses[404] <= limit * (1 + limits.RATE_ERROR)
    with Redis.from_url(shop.valkey.url) as redis:
        assert 1 < redis.zcard(PREFIX + "rate:processes") <= WORKERS


def test_redis_dies_and_comes_back(shop: Shop) -> None:
    """Without Redis each worker keeps the limit by itself, and no client hears of it."""
    shop.valkey.kill()
    statuses = shop.hammer("POST", 300, new_address())
    assert statuses.keys() == {404, 429}
    assert PURCHASES <= statuses[404] <= PURCHASES * WORKERS
    shop.valkeys.append(start_valkey(shop.directory, shop.valkey.port))
    eventually(shop.is_exact, "the workers never keep one limit again")


def test_redis_freezes_and_thaws(shop: Shop) -> None:
    """A Redis that never answers is no error either."""
    eventually(shop.is_exact, "the workers do not keep one limit")
    os.killpg(shop.valkey.pid, signal.SIGSTOP)
    try:
        statuses = shop.hammer("POST", 300, new_address())
    finally:
        os.killpg(shop.valkey.pid, signal.SIGCONT)
    assert statuses.keys() == {404, 429}
    assert PURCHASES <= statuses[404] <= PURCHASES * WORKERS
    eventually(shop.is_exact, "the workers never keep one limit again")
