"""MongoDB dies or freezes under a running service: quick and honest answers, nothing lost."""

import os
import signal
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from inventory.local.servers import start_mongod
from inventory.repository.schema import prepare_database
from inventory.settings import Settings
from tests.integration.outages import ANSWER_SECONDS_MAX, Shop, serving
from tests.integration.processes import eventually, is_ready

pytestmark = [pytest.mark.timeout(180), pytest.mark.alone]


@pytest.fixture(name="shop")
def _shop(service: Shop) -> Shop:
    """The service with a mongod that runs, whatever an earlier test did to it."""
    if service.mongod.has_ended():
        service.start_again()
    eventually(lambda: is_ready(service.service), lambda: service.service.output)
    return service


@pytest.fixture(name="service", scope="module")
def _service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    directory = tmp_path_factory.mktemp("outages")
    mongod = start_mongod(directory, cache_gb=0.25, oplog_mb=64)
    # Each test that kills it starts another one in its place.
    running = [mongod]
    try:
        prepare_database(Settings(mongo_url=mongod.url), wait_seconds=30, initiate_replica_set=True)
        with serving(directory, mongod) as service:
            yield Shop(directory, running, service)
    finally:
        running[-1].kill()


def test_mongod_is_killed_and_comes_back(shop: Shop) -> None:
    """Without MongoDB every call is answered 503 in time; with it again, all goes on as before."""
    shop.open_sale()
    shop.mongod.kill()
    keys = shop.assert_everything_away()
    shop.start_again()
    shop.assert_back(keys)
    shop.assert_nothing_lost()


def test_mongod_freezes_and_thaws(shop: Shop) -> None:
    """A MongoDB that takes requests and never answers holds nobody up longer than a dead one."""
    shop.open_sale()
    os.kill(shop.mongod.pid, signal.SIGSTOP)
    try:
        keys = shop.assert_everything_away()
    finally:
        os.kill(shop.mongod.pid, signal.SIGCONT)
    shop.assert_back(keys)
    shop.assert_nothing_lost()


def test_mongod_is_killed_while_everybody_buys(shop: Shop) -> None:
    """Whatever was under way when MongoDB died was done once or not at all, and retries tell."""
    shop.open_sale()
    sold = len(shop.acknowledged)
    keys = [uuid.uuid4().hex for _ in range(120)]
    with ThreadPoolExecutor(40) as pool:
        asked = [pool.submit(shop.buy, key) for key in keys]
        eventually(lambda: len(shop.acknowledged) > sold, "nothing is sold")
        shop.mongod.kill()
        answers = [future.result() for future in asked]
    assert {answer.status for answer in answers} == {201, 503}
    slowest = max(answers, key=lambda answer: answer.seconds)
    assert slowest.seconds < ANSWER_SECONDS_MAX, slowest
    shop.start_again()
    shop.assert_back(keys)
    shop.assert_nothing_lost()
