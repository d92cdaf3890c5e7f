"""One run: sell, let faults strike by the schedule, settle what is unknown, judge."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.client import HTTPException
from itertools import islice
from pathlib import Path
from random import Random

from pymongo import MongoClient

from inventory.local.servers import spawn
from inventory.repository import mongo
from inventory.serving import PROJECT, gunicorn_command
from inventory.settings import Settings
from loadtests import journal, scenario, service
from loadtests.bench import circumstances, integrity
from loadtests.books import Api
from loadtests.chaos import audit, report, seen
from loadtests.chaos.clients import Crowd
from loadtests.chaos.faults import CLOCK
from loadtests.chaos.plan import Step, faults_of, schedule
from loadtests.chaos.seen import Struck
from loadtests.chaos.stack import VALKEY, Stack, running
from loadtests.chaos.strikes import both
from loadtests.journal import Journal
from loadtests.report import new_directory
from loadtests.verdict import Violation

PROCESSES, HOLDERS = 2, 1
STOCK = 10**7
PRODUCTS = 8
WARM_UP_SECONDS = 3.0
RECOVERY_SECONDS_MAX = 90.0
SETTLE_SECONDS_MAX = 120.0
CLIENTS_SECONDS_MAX = 120.0
PROBE_SECONDS = 0.05
# No request is under way for longer: nginx waits for 3 s.
CALM_SECONDS = 3.5
LOST = "what was sold is booked once"
UNDURABLE = "loadtests.powercut.undurable:create_app()"
PAGE = PROJECT / "docs" / "reliability.md"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """Which faults, how long. With `steps`, so many of them instead of a time."""

    seed: int
    topology: str
    minutes: float
    only: str | None = None
    steps: int | None = None
    brief: bool = False
    keep: bool = False
    shoppers: int = 24
    # Serve what acknowledges before the journal has it; the audit has to find that out.
    control: bool = False


class ChaosError(Exception):
    """The run broke off; the message says why."""


def run(plan: Plan, reports: Path, say: Say) -> bool:
    """Run a plan, print and keep its report; tell whether everything that must be true was.

    Of a control: whether it was caught.
    """
    faults = faults_of(plan.topology, plan.only)
    able = [fault for fault in faults if not fault.needs or shutil.which(fault.needs)]
    left_out = [fault.name for fault in faults if fault not in able]
    directory = new_directory(reports, f"chaos-{plan.topology}")
    application = UNDURABLE if plan.control else gunicorn_command()[-1]
    steps = islice(schedule(plan.seed, able, brief=plan.brief), plan.steps)
    with (
        service.temporary_directory() as place,
        running(
            plan.topology,
            place,
            application,
            with_clock=any(fault.name == CLOCK for fault in able),
        ) as stack,
    ):
        with Api(stack.front) as api:
            product_ids = [_product(api, f"Product {number}") for number in range(PRODUCTS)]
            probe, held = _product(api, "Probe"), _product(api, "Held")
        with Journal(directory / "journal") as writing:
            for id in product_ids:
                writing.product(id, STOCK)
            with _clients(stack, directory, product_ids, held, plan):
                struck = _strike_all(plan, stack, steps, probe, say)
            say("Settling what is unknown, reading the books ...")
            with Api(stack.front) as api:
                scenario.settle(api, directory / "journal", writing, SETTLE_SECONDS_MAX)
        found = _judge(stack, directory, product_ids, held, struck)
        found.violations += _integrity(stack, say)
        _keep_logs(stack, directory)
    return _report(plan, directory, struck, left_out, found, say)


def _product(api: Api, name: str) -> str:
    body = {"name": name, "price": "9.90", "stock": STOCK}
    id: str = api.create("/api/products", body)["id"]
    return id


@contextmanager
def _clients(
    stack: Stack, directory: Path, product_ids: list[str], held: str, plan: Plan
) -> Iterator[None]:
    """Let clients buy in processes of their own while the block runs."""
    processes = []
    for number in range(PROCESSES):
        crowd = Crowd(
            stack.front,
            str(directory.absolute()),
            product_ids,
            held,
            plan.shoppers // PROCESSES,
            HOLDERS,
            f"{plan.seed} {number}",
        )
        command = [sys.executable, "-m", "loadtests.chaos.clients", json.dumps(asdict(crowd))]
        with (directory / f"clients-{number}.log").open("wb") as output:
            processes.append(spawn(command, output=output, environ=os.environ, directory=PROJECT))
    try:
        time.sleep(WARM_UP_SECONDS)
        yield
        for process in processes:
            process.terminate()
        for process in processes:
            if process.wait(CLIENTS_SECONDS_MAX) != 0:
                raise ChaosError(f"Clients ended with {process.returncode}; see {directory}")
    except subprocess.TimeoutExpired as error:
        raise ChaosError(f"Clients did not end; see {directory}") from error
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _strike_all(
    plan: Plan, stack: Stack, steps: Iterator[Step], probe: str, say: Say
) -> list[Struck]:
    struck: list[Struck] = []
    until = time.monotonic() + plan.minutes * 60
    with Api(stack.front) as api:
        for step in steps:
            if plan.steps is None and time.monotonic() > until:
                break
            loud_before = bool(struck) and not struck[-1].step.is_silent
            if step.is_silent and loud_before:
                # What failed because of the one before shall not be laid to this one.
                stack.await_instances()
                time.sleep(CALM_SECONDS)
            else:
                time.sleep(step.gap_seconds)
            struck.append(_strike(stack, step, api, probe))
            last = struck[-1]
            took = f"back after {last.recovery_seconds:.2f} s"
            say(f"  {step.number:>4}  {step.name}, {step.seconds:.1f} s: {took}")
    return struck


def _strike(stack: Stack, step: Step, api: Api, probe: str) -> Struck:
    dice = Random(step.seed)  # nosec B311 # nobody has to be unable to guess it
    began = time.monotonic_ns()
    with both([fault.strike for fault in step.faults], stack, dice):
        time.sleep(step.seconds)
    healed = time.monotonic_ns()
    deadline = time.monotonic() + RECOVERY_SECONDS_MAX
    while not _sells(api, probe):
        if time.monotonic() > deadline:
            raise ChaosError(f"Nothing is sold any more after: {step.name} (step {step.number})")
        time.sleep(PROBE_SECONDS)
    recovered = time.monotonic_ns()
    return Struck(step, began, healed, recovered, stack.elected_since(began))


def _sells(api: Api, product_id: str) -> bool:
    """Tell whether a new purchase succeeds."""
    try:
        reply = api.request("POST", f"/api/products/{product_id}/purchase", {"quantity": 1})
    except (OSError, HTTPException):
        return False
    return reply.status == 201


def _judge(
    stack: Stack, directory: Path, product_ids: list[str], held: str, struck: list[Struck]
) -> report.Found:
    history = journal.read(directory / "journal")
    settings = Settings(mongo_url=stack.mongo_url)
    with Api(stack.front) as api, MongoClient[mongo.Document](stack.mongo_url) as client:
        database = mongo.open_database(client, settings)
        books = audit.books_of(api, database, product_ids)
        audited = audit.examine(history, books)
        violations = [
            *audited.violations,
            *audit.holds(api, directory, held, STOCK),
            *audit.cache(api, [*product_ids, held]),
            *audit.events(database),
        ]
        known = circumstances.look(client, stack.places[VALKEY].server.url)
    steps, calm_rate = seen.seen_in(history, struck)
    violations += seen.broken_silence(steps)
    return report.Found(history, steps, calm_rate, violations, audited.late_reads, known)


def _integrity(stack: Stack, say: Say) -> list[Violation]:
    problems = integrity.problems_of(stack.front, stack.mongo_url, say)
    return [Violation("the service finds its books right", "any", text) for text in problems]


def _keep_logs(stack: Stack, directory: Path) -> None:
    """Keep what the instances said, without a line for each request."""
    for name in [*stack.instances, *stack.deliverers]:
        log = stack.places[name].server.log
        if log is not None:
            lines = [line for line in log.read_text().splitlines() if '"request"' not in line]
            (directory / log.name).write_text("\n".join(lines) + "\n")


def _report(
    plan: Plan,
    directory: Path,
    struck: list[Struck],
    left_out: list[str],
    found: report.Found,
    say: Say,
) -> bool:
    report.write(directory, asdict(plan), found, left_out)
    say(f"\n{report.markdown(found, left_out)}\n")
    say(report.verdict(found))
    if plan.keep and not found.violations:
        report.keep(PAGE, asdict(plan), found, left_out)
    say(f"Kept in {directory}; the same schedule again: SEED={plan.seed} TOPOLOGY={plan.topology}")
    if plan.control:
        lost = [v for v in found.violations if v.rule == LOST]
        say(f"CONTROL: {len(lost)} losses found" if lost else "CONTROL: NOT CAUGHT")
        return bool(lost)
    return bool(struck) and not found.violations
