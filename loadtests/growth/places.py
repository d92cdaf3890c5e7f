"""A place for every size: a database, filled past the service, and a service on it.

All stand on the same mongod and the same Valkey at the same time, so that sizes can be measured in
turns. Knows how the service names its databases.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from inventory.api import cursors
from inventory.domain.products import Position, SortKey
from inventory.local.servers import Server
from inventory.repository import mongo
from inventory.repository.schema import prepare_database
from inventory.settings import Settings
from loadtests import service, shop_books
from loadtests.bench import stage
from loadtests.bench.plan import OURS
from loadtests.bench.ratios import APP
from loadtests.bench.shelves import STOCK, Shelf

CACHE_GB = 1.0
FILL_SECONDS_MAX = 3_600.0
BOUGHT_PRODUCTS = 1_000
DEEP_SHARE = 0.9
SEED = 20_261_124

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Place:
    """A catalogue of one size and the service on it.

    `shelf` are the products that are bought, `bestseller` the one with as many movements as there
    are products; the cursors lead to where nine tenths of a list lie behind.
    """

    size: int
    settings: Settings
    server: Server
    product_ids: Sequence[str]
    shelf: Shelf
    bestseller: str
    deep_cursor: str
    deep_movements_cursor: str


@dataclass(frozen=True, slots=True)
class Ground:
    """What all places stand on; `client` looks at mongod from outside."""

    directory: Path
    around: Mapping[str, Server]
    client: MongoClient[dict[str, Any]]
    places: Mapping[int, Place]

    def pids(self, size: int) -> dict[str, int]:
        """Return the processes that serve a size."""
        app = {APP: self.places[size].server.pid}
        return app | {name: server.pid for name, server in self.around.items()}


@contextmanager
def running(sizes: Sequence[int], say: Say) -> Iterator[Ground]:
    """Fill a database of each size and start a service on each; stop all when the block ends."""
    with ExitStack() as stack:
        directory = stack.enter_context(service.temporary_directory())
        around = stack.enter_context(stage.stores(directory, CACHE_GB))
        places = {}
        for number, size in enumerate(sizes):
            own = directory / f"{size}"
            own.mkdir()
            urls = stage.urls_of(around) | {
                "INVENTORY_MONGO_DATABASE": f"inventory_{size}",
                # What is cached of one catalogue must not be taken for what is in another.
                "REDIS_URL": f"{around['valkey'].url.rpartition('/')[0]}/{number}",
            }
            settings = Settings.from_env(urls)
            began = time.monotonic()
            catalogue, bestseller = _fill(settings, size)
            say(f"  {size:>9,} products: {time.monotonic() - began:.0f} s")
            server = stack.enter_context(stage.serving(OURS, urls, own))
            places[size] = _place(settings, server, catalogue, bestseller)
        client = stack.enter_context(MongoClient[dict[str, Any]](around["mongod"].url))
        # What the fill wrote must not be on its way to the disk any more when turns begin.
        client.admin.command("fsync")
        yield Ground(directory, around, client, places)


def _fill(settings: Settings, size: int) -> tuple[list[tuple[str, datetime]], str]:
    """Write `size` products and as many movements of one more; indexes last, which is quicker."""
    with mongo.connect(settings) as client, mongo.time_limit(FILL_SECONDS_MAX):
        database = mongo.open_database(client, settings)
        catalogue = shop_books.open_catalogue(database, size, STOCK)
        bestseller = shop_books.write_bestseller(database, size, STOCK)
    prepare_database(settings, wait_seconds=FILL_SECONDS_MAX)
    return catalogue, bestseller


def _place(
    settings: Settings, server: Server, catalogue: list[tuple[str, datetime]], bestseller: str
) -> Place:
    size = len(catalogue)
    ids = [product_id for product_id, _ in catalogue]
    chance = random.Random(SEED)  # nosec B311 # a choice, not a secret
    left = round(size * (1 - DEEP_SHARE))
    # The newest comes first.
    product_id, created_at = catalogue[left]
    return Place(
        size,
        settings,
        server,
        ids,
        Shelf(chance.sample(ids, min(BOUGHT_PRODUCTS, size))),
        bestseller,
        cursors.encode(SortKey.NEWEST, Position(created_at, product_id)),
        cursors.encode_version(left),
    )
