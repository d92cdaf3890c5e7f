"""How long a check of all books takes, and how much memory: a store of its own, filled and checked.

The check is the one that everybody runs, `python -m inventory integrity`, in a process of its own.
Knows processes.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from inventory.local.servers import Server, start_mongod
from inventory.repository import mongo
from inventory.repository.schema import prepare_database
from inventory.serving import PROJECT
from inventory.settings import Settings
from loadtests import shop_books
from loadtests.service import temporary_directory

PREPARE_SECONDS_MAX = 60.0
CACHE_GB = 1.0
# Nothing that the fill writes may still be on its way to the disk when the check begins.
FILL_SECONDS_MAX = 3_600.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What a check took, and whether it found nothing."""

    products: int
    movements: int
    seconds: float
    peak_megabytes: float
    found_nothing: bool

    def table(self) -> str:
        """Return the figures for people."""
        return (
            f"products {self.products:,}, movements {self.movements:,}: {self.seconds:.1f} s, "
            f"{self.movements / self.seconds:,.0f} movements a second, "
            f"{self.peak_megabytes:.0f} MB at most"
        )


def run(products: int, say: Callable[[str], None]) -> Figures:
    """Fill a store, check it, and return what that took."""
    with temporary_directory() as directory:
        server = start_mongod(directory, cache_gb=CACHE_GB)
        try:
            say(f"Writing the books of {products:,} products ...")
            movements = _fill(server, products)
            say("Checking them ...")
            return _check(server, products, movements)
        finally:
            server.stop()


def _fill(server: Server, products: int) -> int:
    settings = Settings(mongo_url=server.url)
    prepare_database(settings, wait_seconds=PREPARE_SECONDS_MAX, initiate_replica_set=True)
    with mongo.connect(settings) as client, mongo.time_limit(FILL_SECONDS_MAX):
        movements = shop_books.fill(mongo.open_database(client, settings), products)
        client.admin.command("fsync")
        return movements


def _check(server: Server, products: int, movements: int) -> Figures:
    command = [sys.executable, "-m", "inventory", "integrity"]
    began = time.monotonic()
    process = subprocess.Popen(command, cwd=PROJECT, env={**os.environ, "MONGO_URL": server.url})
    _, status, used = os.wait4(process.pid, 0)
    return Figures(
        products=products,
        movements=movements,
        seconds=time.monotonic() - began,
        # Linux counts in kilobytes.
        peak_megabytes=used.ru_maxrss / 1024,
        found_nothing=os.waitstatus_to_exitcode(status) == 0,
    )
