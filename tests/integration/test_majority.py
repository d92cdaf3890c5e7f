"""A majority that lags: nobody is answered by what only the primary has.

The replica set has two members, and the second one stands still for a moment. What the primary has
written meanwhile is there to be read, and gone if the other one is elected.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from bson import ObjectId
from pymongo import MongoClient
from pymongo.database import Database

from inventory import limits
from inventory.domain.claims import Claim
from inventory.domain.purchases import Purchase
from inventory.errors import IdempotencyInProgress
from inventory.local.servers import LOOPBACK, Server, start_mongod
from inventory.repository import mongo
from inventory.repository.schema import prepare_database
from inventory.services.lines import AskedLine
from inventory.settings import Settings
from loadtests.powercut.freezing import freeze
from tests.integration.conftest import Process
from tests.integration.engine_calls import key, operation_of, until
from tests.integration.processes import eventually


@dataclass(frozen=True, slots=True)
class Pair:
    """A primary, and the member without which there is no majority."""

    settings: Settings
    follower: Server


@pytest.fixture(name="pair", scope="module")
def _pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with ExitStack() as stack:
        servers = []
        for name in ("primary", "follower"):
            server = start_mongod(tmp_path_factory.mktemp(name), cache_gb=0.25, oplog_mb=64)
            stack.callback(server.kill)
            servers.append(server)
        primary, follower = servers
        settings = Settings(mongo_url=primary.url, redis_url="off")
        # A set of one elects itself at once.
        prepare_database(settings, wait_seconds=30, initiate_replica_set=True)
        address = f"{LOOPBACK}:{follower.port}"
        with MongoClient[dict[str, Any]](LOOPBACK, primary.port, directConnection=True) as client:
            _add_member(client, {"_id": 1, "host": address, "priority": 0})
            eventually(lambda: _state(client, address) == "SECONDARY", "it never follows")
        yield Pair(settings, follower)


def _add_member(client: MongoClient[dict[str, Any]], member: dict[str, Any]) -> None:
    config = client.admin.command("replSetGetConfig")["config"]
    config["members"].append(member)
    config["version"] += 1
    client.admin.command("replSetReconfig", config)


def _state(client: MongoClient[dict[str, Any]], address: str) -> str:
    members = client.admin.command("replSetGetStatus")["members"]
    return next(str(member["stateStr"]) for member in members if member["name"] == address)


@pytest.fixture(name="processes")
def _processes(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Process]]:
    # Nobody is to give up before the follower goes on.
    monkeypatch.setattr(limits, "MONGO_TIMEOUT_SECONDS", 20.0)
    monkeypatch.setattr(limits, "REQUEST_SECONDS_MAX", 20.0)
    with ExitStack() as stack:
        yield [
            Process(stack.enter_context(mongo.connect(pair.settings)), pair.settings)
            for _ in range(2)
        ]


Buy = Callable[[Process, list[str], str], tuple[Purchase, bool]]
Seen = Callable[[Database[mongo.Document], list[str]], object]


def buy_one(process: Process, product_ids: list[str], name: str) -> tuple[Purchase, bool]:
    return process.purchasing.purchase_product(product_ids[0], 3, key=key(name))


def buy_both(process: Process, product_ids: list[str], name: str) -> tuple[Purchase, bool]:
    lines = [AskedLine(3, product_id=product_id) for product_id in product_ids]
    return process.purchasing.buy_cart(lines, key=key(name))


def entry_seen(database: Database[mongo.Document], product_ids: list[str]) -> object:
    return database["stock"].find_one({"_id": ObjectId(product_ids[0]), "tail.delta": -3})


def result_seen(database: Database[mongo.Document], product_ids: list[str]) -> object:
    return database["purchases"].find_one({"lines.product_id": ObjectId(product_ids[1])})


@pytest.mark.parametrize(
    "room, step, buy, seen",
    [("stock", "apply", buy_one, entry_seen), ("poster", "carry_out", buy_both, result_seen)],
)
def test_nobody_is_answered_by_what_no_majority_has(
    pair: Pair,
    processes: list[Process],
    monkeypatch: pytest.MonkeyPatch,
    room: str,
    step: str,
    buy: Buy,
    seen: Seen,
) -> None:
    """A retry sees what the first request is doing, and is told to wait until it is durable."""
    first, second = processes
    product_ids = [first.create(stock=10) for _ in range(2)]
    claimed, go_on = threading.Event(), threading.Event()
    change, add_many = getattr(getattr(first, room), step), second.operations.add_many

    def change_later(*arguments: Any) -> Any:
        claimed.set()
        assert go_on.wait(30)
        return change(*arguments)

    def stand_still_after(claims: Sequence[Claim]) -> set[str]:
        taken = add_many(claims)
        freeze(pair.follower.pid)
        go_on.set()
        until(lambda: seen(second.database, product_ids) is not None)
        return taken

    monkeypatch.setattr(getattr(first, room), step, change_later)
    monkeypatch.setattr(second.operations, "add_many", stand_still_after)
    with ThreadPoolExecutor(1) as pool:
        buying = pool.submit(buy, first, product_ids, step)
        try:
            assert claimed.wait(30)
            with pytest.raises(IdempotencyInProgress):
                buy(second, product_ids, step)
            assert not buying.done()
        finally:
            go_on.set()
            os.kill(pair.follower.pid, signal.SIGCONT)
        purchase, replayed = buying.result()
    assert not replayed
    monkeypatch.undo()
    assert buy(second, product_ids, step) == (purchase, True)
    first.assert_exact(product_ids[0])


def test_giving_up_waits_for_what_no_majority_has_yet(pair: Pair, processes: list[Process]) -> None:
    """Whoever gives an operation up learns of one that was applied, however late a majority has it.

    Otherwise it would be carried out a second time.
    """
    first, second = processes
    product_ids = [first.create(stock=10)]
    operation = operation_of(first, product_ids[0], -3)
    updates = updates_in(second.database)
    with ThreadPoolExecutor(2) as pool:
        try:
            freeze(pair.follower.pid)
            applying = pool.submit(first.stock.apply, product_ids[0], [operation])
            until(lambda: entry_seen(second.database, product_ids) is not None)
            giving_up = pool.submit(second.recovery.give_up, product_ids[0], operation.id)
            until(lambda: updates_in(second.database) > updates)
        finally:
            os.kill(pair.follower.pid, signal.SIGCONT)
        movement = giving_up.result()
        assert applying.result() is not None
    assert movement is not None
    assert movement.entry.operation_id == operation.id


def updates_in(database: Database[mongo.Document]) -> int:
    """Return how many updates the primary was sent so far; `findAndModify` is a command."""
    return int(database.client.admin.command("serverStatus")["opcounters"]["update"])
