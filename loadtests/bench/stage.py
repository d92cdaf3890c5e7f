"""The stage of a run: one mongod, one Valkey, and on them every design with the same gunicorn."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from inventory.bookkeeping import opened
from inventory.domain.keys import Scope
from inventory.local.servers import (
    MONGOD_CACHE_GB,
    Server,
    free_port,
    start_mongod,
    start_valkey,
)
from inventory.repository.schema import prepare_database
from inventory.serving import gunicorn_command
from inventory.settings import Settings
from loadtests import edge, service
from loadtests.bench.plan import BARE, DESIGNS, GUARDED, NGINX, OURS
from loadtests.bench.ratios import APP
from loadtests.bench.shelves import goods
from loadtests.books import Api
from loadtests.processes import children, resident_megabytes

PREPARE_SECONDS_MAX = 30.0
PAGE_SIZE = 20
# Limits of everything, and so wide that nobody meets them.
GUARDS = {
    "INVENTORY_AUTH": "on",
    "INVENTORY_RATE_PER_KEY": "100000000",
    "INVENTORY_RATE_PER_ADDRESS": "100000000",
    "INVENTORY_PURCHASE_RATE_PER_KEY": "100000000",
    "INVENTORY_PURCHASE_RATE_PER_ADDRESS": "100000000",
}

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs. `client` looks at mongod from outside of all designs.

    `around` are the servers that all designs share, nginx included where it is to be had.
    """

    directory: Path
    settings: Settings
    around: Mapping[str, Server]
    designs: Mapping[str, Server]
    client: MongoClient[dict[str, Any]]
    # What opens the guarded service.
    api_key: str

    def open_url(self, design: str) -> str:
        """Return where the shop of a design is looked after, without a key."""
        return self.designs[OURS if design == GUARDED else design].url

    def workers_megabytes(self) -> tuple[float, ...]:
        """Return what each worker of the service holds in memory now."""
        workers = children(self.designs[OURS].pid)
        return tuple(round(resident_megabytes(pid), 1) for pid in workers)

    def pids(self, design: str) -> dict[str, int]:
        """Return the processes that serve a design."""
        app = self.designs[OURS if design == NGINX else design]
        return {APP: app.pid} | {name: server.pid for name, server in self.around.items()}


@contextmanager
def running(with_proxy: bool) -> Iterator[Stage]:
    """Start everything, and stop it when the block ends."""
    with ExitStack() as stack:
        directory = stack.enter_context(service.temporary_directory())
        around = stack.enter_context(stores(directory))
        urls = urls_of(around)
        settings = Settings.from_env(urls)
        designs: dict[str, Server] = {}
        # Ours is the first, because the bare one repeats its answers.
        for name in sorted(DESIGNS, key=lambda name: name != OURS):
            if name == BARE:
                urls["BARE_ANSWERS"] = str(_answers_of(designs[OURS], directory))
            designs[name] = stack.enter_context(serving(name, urls, directory))
        if with_proxy:
            around[NGINX] = designs[NGINX] = stack.enter_context(
                edge.started(directory / "nginx", [designs[OURS]])
            )
        client = stack.enter_context(MongoClient[dict[str, Any]](around["mongod"].url))
        with opened(settings) as books:
            _, api_key = books.keyring.issue("bench", [Scope.STOCK_PURCHASE])
        yield Stage(directory, settings, around, designs, client, api_key)


@contextmanager
def stores(directory: Path, cache_gb: float = MONGOD_CACHE_GB) -> Iterator[dict[str, Server]]:
    """Start mongod and Valkey by these names, ready for the service; stop them after the block."""
    with ExitStack() as stack:
        around = {"mongod": start_mongod(directory, cache_gb=cache_gb)}
        stack.callback(around["mongod"].stop)
        around["valkey"] = start_valkey(directory)
        stack.callback(around["valkey"].stop)
        settings = Settings.from_env(urls_of(around))
        prepare_database(settings, wait_seconds=PREPARE_SECONDS_MAX, initiate_replica_set=True)
        yield around


def urls_of(around: Mapping[str, Server]) -> dict[str, str]:
    """Return the settings that tell a design where its stores are."""
    return {"MONGO_URL": around["mongod"].url, "REDIS_URL": around["valkey"].url}


@contextmanager
def serving(name: str, urls: Mapping[str, str], directory: Path) -> Iterator[Server]:
    """Run a design on a port of its own, with these settings and its log in `directory`."""
    command = gunicorn_command()
    if name not in (OURS, GUARDED):
        command = [*command[:-1], f"loadtests.yardsticks.{name}:create_app()"]
    port = free_port()
    environ = {**os.environ, **urls, **(GUARDS if name == GUARDED else {}), "PORT": str(port)}
    with service.serving(name, command, port, environ, directory / f"{name}.log") as server:
        yield server


def _answers_of(ours: Server, directory: Path) -> Path:
    """Ask the service what a purchase, a product and a page look like; return the file with it."""
    with Api(ours.url) as api:
        ids = [api.create("/api/products", goods())["id"] for _ in range(PAGE_SIZE)]
        path = f"/api/products/{ids[0]}"
        answers = {
            "purchase": api.request("POST", f"{path}/purchase", {"quantity": 1}).body,
            "product": api.request("GET", path).body,
            "page": api.request("GET", f"/api/products?limit={PAGE_SIZE}").body,
        }
    file = directory / "answers.json"
    file.write_text(json.dumps(answers))
    return file
