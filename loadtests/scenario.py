"""A run from the first product to the verdict: create, load, settle, read the books, judge.

Runs locust as a program, never as a module. Knows the HTTP contract and the files of a run:

    parameters.json what was run
    journal/        what the clients did and saw
    locust.html     locust's own report
    locust.log      what it said
    result.json     figures and violations
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from inventory.local.servers import LOOPBACK, Server, free_port, spawn
from inventory.serving import PROJECT
from loadtests import journal, report
from loadtests.books import READERS, Api, read_books
from loadtests.figures import Figures, measure
from loadtests.journal import Journal, Order, Outcome
from loadtests.orders import send
from loadtests.verdict import Violation, judge

JOURNAL_VARIABLE = "LOADTEST_JOURNAL"
API_KEY_VARIABLE = "INVENTORY_API_KEY"
# Locust's workers look for their master once a second, and its report takes a moment.
LOCUST_MARGIN_SECONDS = 60
SETTLE_SECONDS_MAX = 30.0
SETTLE_PAUSE_SECONDS = 0.2

COLOURS = ("red", "blue", "green", "black", "white", "grey", "olive", "plum")
THINGS = ("sneaker", "jacket", "lamp", "kettle", "chair", "mug", "backpack", "scarf", "watch")

Say = Callable[[str], None]


class LoadError(Exception):
    """The load could not be put on the service; the message says why."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is run: which locust file, how many shoppers for how long, over how many products."""

    scenario: str
    users: int
    seconds: int
    processes: int
    products: int
    stock: int


def run(load: Load, url: str, directory: Path, say: Say) -> bool:
    """Put a load on the service at `url`, keep the files of the run, tell whether all is exact."""
    notes = directory / "journal"
    report.write_json(directory / "parameters.json", asdict(load))
    with _api(url) as api, Journal(notes) as writing:
        say(f"Creating {load.products} products with {load.stock} units each ...")
        _create_products(api, load, writing)
        say(f"{load.users} shoppers, {load.seconds} s at most, {load.processes} processes ...")
        _run_locust(load, url, directory)
        say("Settling what is unknown, reading the books ...")
        settle(api, notes, writing)
    figures, violations = examine(directory, url)
    report.write_json(
        directory / "result.json",
        {
            "exact": not violations,
            "figures": asdict(figures),
            "violations": [asdict(violation) for violation in violations],
        },
    )
    say(report.table(figures, violations))
    say(f"Kept in {directory}")
    return not violations


def examine(directory: Path, url: str) -> tuple[Figures, list[Violation]]:
    """Hold the journal of a run against the books as they are now."""
    history = journal.read(directory / "journal")
    if not history.orders:
        raise LoadError(f"Nobody ordered anything, so nothing can be concluded; see {directory}")
    with _api(url) as api:
        books = read_books(api, history.openings)
    return measure(history), judge(history, books)


def _api(url: str) -> Api:
    return Api(url, os.environ.get(API_KEY_VARIABLE))


def _create_products(api: Api, load: Load, writing: Journal) -> None:
    with ThreadPoolExecutor(READERS) as creators:
        created = creators.map(
            lambda body: api.create("/api/products", body), _new_products(load.products, load.stock)
        )
        for product in created:
            writing.product(product["id"], product["stock"])


def _new_products(count: int, stock: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        colour, thing = COLOURS[number % len(COLOURS)], THINGS[number % len(THINGS)]
        yield {
            "name": f"{colour} {thing} {number}",
            "price": f"{5 + number % 90}.90",
            "stock": stock,
            "tags": [colour],
            "description": "Part of a load test.",
        }


def _run_locust(load: Load, url: str, directory: Path) -> None:
    command = [
        *(sys.executable, "-m", "locust", "-f", f"loadtests/{load.scenario}.py", "--headless"),
        *("--host", url, "--users", str(load.users), "--spawn-rate", str(load.users)),
        *("--run-time", f"{load.seconds}s", "--stop-timeout", "5", "--only-summary"),
        *("--html", str(directory / "locust.html"), "--loglevel", "WARNING"),
        # What counts as an error is for the verdict to say.
        *("--exit-code-on-error", "0"),
    ]
    if load.processes > 1:
        port = str(free_port())
        command += ["--processes", str(load.processes), "--master-bind-host", LOOPBACK]
        command += ["--master-bind-port", port, "--master-port", port]
    environ = {**os.environ, JOURNAL_VARIABLE: str((directory / "journal").absolute())}
    code = _call(command, load.seconds + LOCUST_MARGIN_SECONDS, environ, directory / "locust.log")
    if code != 0:
        raise LoadError(f"locust ended with exit code {code}; see {directory / 'locust.log'}")


def _call(command: list[str], seconds: float, environ: dict[str, str], log: Path) -> int:
    """Run a command in a group of its own, so that none of it is left behind."""
    with log.open("wb") as output:
        process = spawn(command, output=output, environ=environ, directory=PROJECT)
    locust = Server("locust", "", 0, process, log)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired as error:
        raise LoadError(f"locust was not done after {seconds:.0f} s; see {log}") from error
    finally:
        locust.stop()


def settle(api: Api, notes: Path, writing: Journal, seconds: float = SETTLE_SECONDS_MAX) -> None:
    """Ask again, each with its own key, for what was left without a definite answer."""
    deadline = time.monotonic() + seconds
    waiting = [h.order for h in journal.read(notes).orders if h.outcome is Outcome.UNKNOWN]
    while waiting and time.monotonic() < deadline:
        waiting = [order for order in waiting if not _ask_again(api, order, writing)]
        if waiting:
            time.sleep(SETTLE_PAUSE_SECONDS)


def _ask_again(api: Api, order: Order, writing: Journal) -> bool:
    """Send an order once more; tell whether asking yet again would be in vain."""
    answer = send(api, order, writing)
    return answer is not None and answer.outcome not in (Outcome.UNKNOWN, Outcome.BUSY)
