"""The cache, seen from two workers: whatever Redis does, every answer is right and in time."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from redis import Redis
from redis.exceptions import RedisError

from inventory import limits
from inventory.app import close_app, create_app
from inventory.cache.values import PREFIX
from inventory.domain.products import Product
from inventory.local.servers import Server, start_valkey
from inventory.services.catalogue import Catalogue
from inventory.settings import Settings
from tests.api.support import Books, is_hit, together, until

ANY = {"If-Match": "*"}
# What a read may take while Redis does not answer, once nobody asks it any more.
ANSWER_SECONDS_MAX = 0.3

EPOCH = PREFIX + "epoch"


@dataclass
class Shop:
    """Two workers of one service with a Redis of their own, and one product."""

    workers: list[FlaskClient]
    valkey: Server
    redis: Redis
    books: Books
    path: str = ""

    @property
    def product_id(self) -> str:
        return self.path.rpartition("/")[2]

    def buy(self, worker: int, quantity: int = 1) -> None:
        """Sell units through one worker."""
        answer = self.workers[worker].post(f"{self.path}/purchase", json={"quantity": quantity})
        assert answer.status_code == 201, answer.data

    def rename(self, worker: int, name: str) -> None:
        """Edit the product through one worker."""
        answer = self.workers[worker].patch(self.path, json={"name": name}, headers=ANY)
        assert answer.status_code == 200, answer.data

    def assert_fresh(self, worker: int, times: int = 1) -> None:
        """Assert that a worker answers what the database says, for one product and in a list."""
        product = self.books.database["products"].find_one({"name": {"$ne": "Other"}})
        assert product is not None
        truth = (product["name"], product["version"], *self.books.counters(self.product_id))
        for _ in range(times):
            alone = self.workers[worker].get(self.path).get_json()
            listed = self.workers[worker].get("/api/products?sort=created_at").get_json()
            assert len(listed["items"]) == self.books.count("products")
            for shown in (alone, listed["items"][0]):
                told = (shown["name"], shown["version"], shown["stock"], shown["stock_version"])
                assert told == truth

    def warm_up(self) -> None:
        """Let both workers read until Redis knows everything, and both know this Redis."""
        for worker in self.workers * 2:
            for path in (self.path, "/api/products?sort=created_at"):
                until(partial(is_hit, worker, path))

    def signal(self, number: signal.Signals) -> None:
        """Freeze, thaw or kill Redis."""
        os.kill(self.valkey.pid, number)


@pytest.fixture(name="shop")
def _shop(settings: Settings, books: Books, tmp_path: Path) -> Iterator[Shop]:
    with ExitStack() as stack:
        valkey = start_valkey(tmp_path)
        stack.callback(valkey.kill)
        redis = stack.enter_context(Redis.from_url(valkey.url))
        workers = []
        for _ in range(2):
            app = create_app(replace(settings, redis_url=valkey.url))
            stack.callback(close_app, app)
            workers.append(app.test_client())
        shop = Shop(workers, valkey, redis, books)
        body = {"name": "Cap", "price": "5", "stock": 1_000}
        shop.path = workers[0].post("/api/products", json=body).headers["Location"]
        shop.warm_up()
        yield shop


def test_every_worker_sees_every_write(shop: Shop) -> None:
    """What one worker has acknowledged, the other shows at once, alone and in lists."""
    for turn in range(6):
        writer, reader = turn % 2, (turn + 1) % 2
        shop.buy(writer)
        shop.assert_fresh(reader)
        shop.rename(writer, f"Cap {turn}")
        shop.assert_fresh(reader)
        adjustment = {"delta": 5, "reason": "received"}
        answer = shop.workers[writer].post(f"{shop.path}/adjustments", json=adjustment)
        assert answer.status_code == 201
        shop.assert_fresh(reader)
        other = {"name": "Other", "price": "5", "stock": 1}
        location = shop.workers[writer].post("/api/products", json=other).headers["Location"]
        shop.assert_fresh(reader)
        assert shop.workers[writer].delete(location, headers=ANY).status_code == 204
        shop.assert_fresh(reader)
        assert shop.workers[reader].get(location).status_code == 404
    shop.assert_fresh(0, times=2)
    assert shop.workers[1].get(shop.path).headers["X-Cache"] == "hit"


def test_a_sale_keeps_the_cache_hot(shop: Shop) -> None:
    """After a sale the other worker's next reads are hits, and right."""
    for _ in range(3):
        shop.buy(0)
        for path in (shop.path, "/api/products?sort=created_at"):
            answer = shop.workers[1].get(path)
            assert answer.headers["X-Cache"] == "hit"
        shop.assert_fresh(1)


def test_a_crowd_that_misses_a_page_asks_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """And once more at most, for those who came when the first question was out already."""
    asked, list_products = [], Catalogue.list_products

    def list_slowly(self: Catalogue, *query: Any) -> list[Product]:
        asked.append(query)
        time.sleep(0.2)
        return list_products(self, *query)

    def read() -> int:
        reader = shop.workers[0].application.test_client()
        return len(reader.get("/api/products?limit=7").get_json()["items"])

    monkeypatch.setattr(Catalogue, "list_products", list_slowly)
    assert together([read] * 40) == [1] * 40
    assert len(asked) <= 2


def test_readers_and_writers_at_once(shop: Shop) -> None:
    """While one worker sells, nobody who reads ever sees an older stock than he saw before."""

    def sell() -> list[int]:
        for _ in range(40):
            shop.buy(0)
        return []

    def read() -> list[int]:
        reader = shop.workers[1].application.test_client()
        return [reader.get(shop.path).get_json()["stock_version"] for _ in range(80)]

    for seen in together([sell, read, read, read]):
        assert seen == sorted(seen)
    shop.assert_fresh(0)
    shop.assert_fresh(1)


def test_redis_is_emptied_in_the_middle(shop: Shop) -> None:
    """A Redis that forgets everything at any moment makes no answer wrong."""
    for turn in range(4):
        shop.redis.flushall()
        shop.buy(turn % 2)
        shop.assert_fresh((turn + 1) % 2)
        shop.rename(turn % 2, f"Cap {turn}")
        shop.redis.flushall()
        shop.assert_fresh((turn + 1) % 2, times=2)
    shop.warm_up()


def test_redis_is_gone(shop: Shop) -> None:
    """Without Redis every answer is right and in time, and the service says that it is degraded."""
    shop.valkey.kill()
    for turn in range(4):
        shop.buy(turn % 2)
        shop.rename(turn % 2, f"Cap {turn}")
        shop.assert_fresh((turn + 1) % 2)
    began = time.monotonic()
    assert shop.workers[0].get(shop.path).headers["X-Cache"] == "miss"
    assert time.monotonic() - began < ANSWER_SECONDS_MAX
    ready = shop.workers[0].get("/readyz")
    assert (ready.status_code, ready.get_json()["redis"]) == (200, "degraded")


def freeze_and_exhaust(shop: Shop) -> None:
    """Freeze Redis and read through both workers until neither asks it any more."""
    shop.signal(signal.SIGSTOP)
    for worker in range(2):
        for _ in range(limits.BREAKER_FAILURES):
            shop.assert_fresh(worker)


def test_redis_is_frozen(shop: Shop) -> None:
    """A Redis that accepts connections and never answers costs a few milliseconds, once."""
    freeze_and_exhaust(shop)
    for turn in range(10):
        began = time.monotonic()
        shop.buy(turn % 2)
        bought = time.monotonic()
        assert shop.workers[1 - turn % 2].get(shop.path).status_code == 200
        assert bought - began < ANSWER_SECONDS_MAX
        assert time.monotonic() - bought < ANSWER_SECONDS_MAX
        shop.assert_fresh(1 - turn % 2)


def test_redis_is_thawed(shop: Shop) -> None:
    """What was sold and renamed while Redis was frozen is not undone by what it still holds."""
    freeze_and_exhaust(shop)
    shop.buy(0)
    shop.rename(0, "Hat")
    shop.signal(signal.SIGCONT)
    for worker in (0, 1):
        shop.assert_fresh(worker, times=3)
    shop.warm_up()
    shop.assert_fresh(0)
    shop.assert_fresh(1)


def test_a_worker_that_noticed_nothing(shop: Shop) -> None:
    """A worker that was idle while Redis was frozen shows at once what the other sold meanwhile.

    At once is as soon as the seller has told the thawed Redis that what it holds is outdated.
    """
    epoch = shop.redis.get(EPOCH)
    shop.signal(signal.SIGSTOP)
    for _ in range(limits.BREAKER_FAILURES):
        shop.assert_fresh(0)
    shop.buy(0)
    shop.rename(0, "Hat")
    shop.signal(signal.SIGCONT)
    until(lambda: shop.redis.get(EPOCH) not in (epoch, None))
    shop.assert_fresh(1)


def test_redis_takes_no_more(shop: Shop) -> None:
    """A Redis that is full, and goes on to answer what it knows, makes no worker's answer old."""
    shop.redis.config_set("maxmemory-policy", "noeviction")
    shop.redis.config_set("maxmemory", "1")
    with pytest.raises(RedisError):
        shop.redis.set("x", "y")
    shop.buy(0)
    shop.rename(0, "Hat")
    shop.assert_fresh(0)
    shop.assert_fresh(1)


RUBBISH: dict[str, Callable[[Redis, Any], Any]] = {
    "nothing": lambda redis, key: redis.set(key, b""),
    "text": lambda redis, key: redis.set(key, b"rubbish"),
    "bytes": lambda redis, key: redis.set(key, bytes(range(256))),
    "another version's value": lambda redis, key: redis.set(key, b"0:1:{}"),
    "a number": lambda redis, key: redis.set(key, b"7"),
    "a megabyte": lambda redis, key: redis.set(key, b"x" * 1_000_000),
    "a list": lambda redis, key: redis.delete(key) and redis.lpush(key, b"x"),
    "a hash": lambda redis, key: redis.delete(key) and redis.hset(key, "a", "b"),
    "a set": lambda redis, key: redis.delete(key) and redis.sadd(key, "a"),
}


@pytest.mark.parametrize("rubbish", RUBBISH)
def test_rubbish_under_every_key(shop: Shop, rubbish: str) -> None:
    """Whatever somebody writes into Redis, no answer is wrong and none fails."""
    for turn in range(4):
        keys = shop.redis.keys("*")
        assert keys
        for key in keys:
            RUBBISH[rubbish](shop.redis, key)
        shop.assert_fresh(turn % 2)
        shop.buy(turn % 2)
        shop.rename(turn % 2, f"Cap {turn}")
        shop.assert_fresh((turn + 1) % 2)


@pytest.mark.parametrize("rubbish", ["text", "a list"])
def test_the_cache_gets_over_rubbish(shop: Shop, rubbish: str) -> None:
    """Rubbish is replaced by the values that belong there, so reads become hits again."""
    for key in shop.redis.keys("*"):
        RUBBISH[rubbish](shop.redis, key)
    shop.warm_up()


@pytest.mark.parametrize("lost", [1, 3, 30])
def test_values_that_were_damaged(shop: Shop, lost: int) -> None:
    """A value that lost its end is as good as none."""
    for key in shop.redis.keys("*:product*"):
        value = shop.redis.get(key)
        assert isinstance(value, bytes)
        shop.redis.set(key, value[:-lost])
    shop.assert_fresh(0)
    shop.assert_fresh(1)
