"""A catalogue that is read, sales by the service, and a look before and after each."""

import http.client
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from inventory.local.servers import Server, spawn, start_mongod, start_valkey
from inventory.repository import mongo
from inventory.repository.schema import prepare_database
from inventory.serving import PROJECT
from inventory.settings import Settings
from loadtests import service, shop_books
from loadtests.bench import circumstances, shelves, stage, wrk
from loadtests.bench.plan import OURS
from loadtests.books import Api
from loadtests.footprint import looking
from loadtests.footprint.figures import NOTHING, Held, Sizes, Sold, markdown
from loadtests.processes import children
from loadtests.report import new_directory

CACHE_GB = 1.0
# All that a run writes has to be in it at the end.
OPLOG_MB = 4_096
FILL_SECONDS_MAX = 600.0
CATCH_UP_SECONDS_MAX = 300.0
POLL_SECONDS = 0.2
SHELF_PRODUCTS = 1_000
READERS = 8
CONNECTIONS = 64
CATALOGUE, SHOP = "inventory_catalogue", "inventory_shop"

Say = Callable[[str], None]
Client = MongoClient[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Plan:
    """How many products the catalogue has, and how many seconds each way of selling takes."""

    products: int
    seconds: int


@dataclass(frozen=True, slots=True)
class _Way:
    """One way of selling: with which script of wrk, from how many connections."""

    name: str
    script: str
    connections: int


SPREAD = _Way("1,000 products, without keys", "spread", CONNECTIONS)
TOLD = _Way("The same, and events are derived", "spread", CONNECTIONS)
KEYED = _Way("One product, with keys, and events", "keyed", CONNECTIONS)
SINGLY = _Way("One product, with keys and events, one client", "keyed", 1)
ALL = "All that was sold, with the shelf"


def run(plan: Plan, reports: Path, say: Say) -> None:
    """Measure all of it, print and keep it."""
    wrk.find()
    directory = new_directory(reports, "footprint")
    with ExitStack() as stack:
        own = stack.enter_context(service.temporary_directory())
        around = stack.enter_context(_stores(own))
        client = stack.enter_context(Client(around["mongod"].url))
        known = circumstances.look(client, around["valkey"].url)
        say("Writing a catalogue, and reading it ...")
        sizes, cached = _catalogue(plan.products, around, own, client)
        say("Selling ...")
        sales, workers = _sell(plan.seconds, around, own, client, say)
    held = Held(workers, plan.products, *cached)
    tables = markdown((plan.products, sizes), sales, held, known)
    (directory / "result.md").write_text(tables + "\n")
    say(f"\n{tables}\n\nKept in {directory}")


@contextmanager
def _stores(directory: Path) -> Iterator[dict[str, Server]]:
    with ExitStack() as stack:
        mongod = start_mongod(directory, cache_gb=CACHE_GB, oplog_mb=OPLOG_MB)
        stack.callback(mongod.stop)
        valkey = start_valkey(directory)
        stack.callback(valkey.stop)
        around = {"mongod": mongod, "valkey": valkey}
        for name in (CATALOGUE, SHOP):
            prepare_database(
                _settings(around, name), wait_seconds=FILL_SECONDS_MAX, initiate_replica_set=True
            )
        yield around


def _settings(around: Mapping[str, Server], database: str) -> Settings:
    return Settings.from_env(_urls(around, database))


def _urls(around: Mapping[str, Server], database: str) -> dict[str, str]:
    return stage.urls_of(around) | {"INVENTORY_MONGO_DATABASE": database}


def _catalogue(
    products: int, around: Mapping[str, Server], directory: Path, client: Client
) -> tuple[dict[str, Sizes], tuple[int, int]]:
    """Write products and read each once; return their sizes, and bytes and keys in the cache."""
    settings = _settings(around, CATALOGUE)
    with mongo.connect(settings) as own, mongo.time_limit(FILL_SECONDS_MAX):
        found = shop_books.open_catalogue(mongo.open_database(own, settings), products, 100)
    sizes = _sizes(client, around, CATALOGUE)
    with stage.serving(OURS, _urls(around, CATALOGUE), directory) as server:
        empty = looking.cache(settings.redis_url)
        with Api(server.url) as api, ThreadPoolExecutor(READERS) as readers:
            list(readers.map(lambda one: _read(api, f"/api/products/{one[0]}"), found))
        full = looking.cache(settings.redis_url)
    return sizes, (full[0] - empty[0], full[1] - empty[1])


def _read(api: Api, path: str) -> None:
    """Read, if necessary again: a machine that is too busy is no matter here."""
    while api.request("GET", path).status != http.client.OK:
        time.sleep(POLL_SECONDS)


def _sizes(client: Client, around: Mapping[str, Server], name: str) -> dict[str, Sizes]:
    """Return the sizes of all collections, with those of a backup."""
    return {
        one: replace(size, dumped=looking.dumped(around["mongod"].url, name, one))
        for one, size in looking.collections(client, name).items()
    }


def _sell(
    seconds: int, around: Mapping[str, Server], directory: Path, client: Client, say: Say
) -> tuple[list[Sold], dict[str, list[float]]]:
    """Sell in every way; return what each added, and the memory of processes on the way."""
    urls, sales = _urls(around, SHOP), []
    shop = directory / "shop"
    shop.mkdir()
    with ExitStack() as stack:
        server = stack.enter_context(stage.serving(OURS, urls, shop))
        shelf = shelves.fill(server.url, SHELF_PRODUCTS)
        (shop / "ids.txt").write_text("\n".join(shelf.product_ids))
        memory = {"workers, before": _of_workers(server)}
        for way in (SPREAD, TOLD, KEYED, SINGLY):
            if way is TOLD:
                deliverer = stack.enter_context(_delivering(urls, shop, client))
            sales.append(_sold(way, seconds, server, shop, client, shelf, say))
        together = sum(sale.purchases for sale in sales)
        oplog = sum(sale.oplog for sale in sales), sum(sale.oplog_stored for sale in sales)
        sales.append(Sold(ALL, together, _sizes(client, around, SHOP), *oplog))
        memory["workers, after"] = _of_workers(server)
        memory["gunicorn's master"] = looking.proportional_megabytes([server.pid])
        memory["deliverer"] = looking.proportional_megabytes([deliverer])
        memory["mongod, with 1 GB of cache"] = looking.proportional_megabytes(
            [around["mongod"].pid]
        )
    return sales, memory


def _of_workers(server: Server) -> list[float]:
    return looking.proportional_megabytes(children(server.pid))


def _sold(
    way: _Way,
    seconds: int,
    server: Server,
    shop: Path,
    client: Client,
    shelf: shelves.Shelf,
    say: Say,
) -> Sold:
    path = f"{server.url}/api/products/{shelf.product_ids[0]}/purchase"
    told = way is not SPREAD
    before, oplog = looking.collections(client, SHOP), looking.oplog(client)
    wrk.run(
        way.script,
        server.url if way.script == "spread" else path,
        str(shop / "ids.txt") if way.script == "spread" else uuid.uuid4().hex,
        seconds=seconds,
        connections=way.connections,
    )
    _await_the_rest(client, told=told)
    after, oplog_after = looking.collections(client, SHOP), looking.oplog(client)
    added = {name: size.less(before.get(name, NOTHING)) for name, size in after.items()}
    purchases = added["purchases"].documents
    if not purchases:
        raise service.ServiceError(f"Nothing was sold; see {server.log}.")
    say(f"  {way.name}: {purchases:,} purchases")
    grown = oplog_after.less(oplog)
    return Sold(way.name, purchases, added, grown.plain, grown.stored)


def _await_the_rest(client: Client, *, told: bool) -> None:
    """Return when the ledger has everything, and its events are there if they are derived."""
    shop = client[SHOP]
    _await(lambda: shop["stock"].find_one({"tail_since": {"$exists": True}}) is None)
    now = client.admin.command("hello")["localTime"]
    if told:
        _await(lambda: shop["event_feed"].find_one({"read_at": {"$gt": now}}) is not None)


def _await(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + CATCH_UP_SECONDS_MAX
    while not condition():
        if time.monotonic() > deadline:
            raise service.ServiceError("The ledger or its events do not catch up.")
        time.sleep(POLL_SECONDS)


@contextmanager
def _delivering(urls: Mapping[str, str], directory: Path, client: Client) -> Iterator[int]:
    """Let a process derive events; yield its id as soon as it has begun."""
    with (directory / "deliverer.log").open("wb") as output:
        process = spawn(
            [sys.executable, "-m", "inventory", "deliver"],
            output=output,
            environ={**os.environ, **urls},
            directory=PROJECT,
        )
    server = Server("The deliverer", "", 0, process, directory / "deliverer.log")
    try:
        _await(lambda: client[SHOP]["event_feed"].find_one() is not None)
        yield server.pid
    finally:
        server.stop()
