"""The load tests themselves: small ones, run as anybody runs them, against a service of their own.

Locust changes the process that imports it, so everything here runs in processes of its own.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest
from bson import ObjectId
from pymongo import MongoClient
from pymongo.database import Database

from inventory.serving import PROJECT
from loadtests import service
from loadtests.bench import openloop
from loadtests.processes import children, cpu_seconds, resident_megabytes
from tests.integration.processes import eventually

SALE = ("--users", "40", "--stock", "150", "--seconds", "20", "--processes", "1")
EXACT, COOKED, NOT_RUN = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Sale:
    """A small flash sale that is over, and where its books can be cooked."""

    url: str
    directory: Path
    ended: subprocess.CompletedProcess[str]
    database: Database[dict[str, Any]]
    product_id: ObjectId


def loadtests(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the load tests' command line."""
    command = [sys.executable, "-m", "loadtests", *arguments]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


@pytest.fixture(name="sale", scope="module")
def _sale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sale]:
    data, reports = tmp_path_factory.mktemp("service"), tmp_path_factory.mktemp("reports")
    with service.started(data) as server:
        ended = loadtests("flash-sale", "--url", server.url, "--reports", str(reports), *SALE)
        (directory,) = reports.iterdir()
        ports = json.loads((data / "ports.json").read_text())
        with MongoClient[dict[str, Any]](
            "127.0.0.1", ports["mongod"], directConnection=True
        ) as client:
            database = client["inventory"]
            product = database["stock"].find_one({})
            assert product is not None, ended.stderr
            # Until the sweeper has come by, the service could restore what a test takes away.
            waiting = {"tail_since": {"$exists": True}}
            eventually(
                lambda: not database["stock"].count_documents(waiting),
                "entries still wait in tails",
            )
            yield Sale(server.url, directory, ended, database, product["_id"])


def test_a_flash_sale_ends_with_exact_books(sale: Sale) -> None:
    """Everything is sold once, the verdict says so, and the reports are there."""
    assert sale.ended.returncode == EXACT, sale.ended.stdout + sale.ended.stderr
    assert "VERDICT: the books are exact" in sale.ended.stdout
    result = json.loads((sale.directory / "result.json").read_text())
    assert result["exact"]
    assert result["figures"]["sold_units"] == 150
    assert result["figures"]["refused_orders"] > 0
    assert result["figures"]["replays"] > 0
    assert (sale.directory / "locust.html").stat().st_size > 0


def lose_a_movement(sale: Sale) -> Callable[[], object]:
    """Delete a row from the middle of the ledger; return what puts it back."""
    movements = sale.database["movements"]
    row = movements.find_one_and_delete({"product_id": sale.product_id, "version": 9})
    assert row is not None
    return lambda: movements.insert_one(row)


def conjure_up_a_unit(sale: Sale) -> Callable[[], object]:
    """Raise the stock without a movement; return what lowers it again."""
    one, stock = {"_id": sale.product_id}, sale.database["stock"]
    stock.update_one(one, {"$inc": {"available": 1}})
    return lambda: stock.update_one(one, {"$inc": {"available": -1}})


def lose_a_purchase(sale: Sale) -> Callable[[], object]:
    """Delete what a customer was told to have bought; return what puts it back."""
    purchases = sale.database["purchases"]
    purchase = purchases.find_one_and_delete({})
    assert purchase is not None
    return lambda: purchases.insert_one(purchase)


@pytest.mark.parametrize("cook", [lose_a_movement, conjure_up_a_unit, lose_a_purchase])
def test_cooked_books_are_found_out(
    cook: Callable[[Sale], Callable[[], object]], sale: Sale
) -> None:
    """Whoever changes the database behind the service's back changes the verdict."""
    put_back = cook(sale)
    try:
        judged = loadtests("verdict", "--url", sale.url, str(sale.directory))
    finally:
        put_back()
    assert judged.returncode == COOKED, judged.stderr
    assert "VERDICT: the books are exact" not in judged.stdout


def test_no_service_is_no_verdict(tmp_path: Path) -> None:
    """Where nothing can be judged the exit code is neither that of a good nor of a bad verdict."""
    nowhere = "http://127.0.0.1:1"
    ended = loadtests("flash-sale", "--url", nowhere, "--reports", str(tmp_path), *SALE)
    assert (ended.returncode, ended.stdout) == (NOT_RUN, "")
    assert nowhere in ended.stderr


class Till(BaseHTTPRequestHandler):
    """Sells what it has, refuses the next, and hangs up on whoever comes after that."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    stock = 40
    asked: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        """Sell."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append(self.path)
        if len(self.asked) > self.stock + 1:
            self.close_connection = True
            return
        self.send_response(201 if len(self.asked) <= self.stock else 503)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_the_open_loop_accounts_for_every_request() -> None:
    """Each request that was to be sent is an answer, or is said to have had none."""
    with HTTPServer(("127.0.0.1", 0), Till) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            # One at a time is served, so the others wait in the generator and in the backlog.
            request = openloop.purchase_request("127.0.0.1", server.server_port, "1")
            times = openloop.schedule(400, 0.11, seed=1)
            answers = openloop.run("127.0.0.1", server.server_port, request, times, 1)
        finally:
            server.shutdown()
            thread.join()
    assert (answers.scheduled, answers.succeeded, answers.unheard) == (44, 40, 3)
    assert (len(answers.refused), answers.without_retry_after) == (1, 1)
    assert 0 < answers.latency(0.5) <= answers.latency(0.99)
    assert set(Till.asked) == {"/api/products/1/purchase"}


def test_cpu_time_includes_children() -> None:
    """What a process has had its children do is on its account."""
    spin = "import time\nwhile time.process_time() < 0.2: pass\n"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {spin!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", f"{parent}; print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert 0.2 <= cpu_seconds({"it": process.pid})["it"] < 5
        process.communicate(b"\n")


def test_children_are_found_and_weighed() -> None:
    """Who is asked for its processes names those that run, and each holds some memory."""
    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.pid in children(os.getpid())
        assert resident_megabytes(process.pid) > 0
        process.communicate(b"\n")
    assert process.pid not in children(os.getpid())


def test_a_check_of_all_books_is_measured() -> None:
    """The books that are written for it are right, and it says how long the check took."""
    ended = loadtests("check", "--products", "12")
    assert ended.returncode == EXACT, ended.stdout + ended.stderr
    assert "The books of 12 products are right." in ended.stdout
    assert "products 12, movements 120: " in ended.stdout
