"""A whole run: the peak, half of it for a long time, the check of the books, the results."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database

from inventory.domain.movements import Kind
from inventory.local.servers import LOOPBACK, Server
from inventory.repository import mongo
from inventory.settings import Settings
from loadtests import service, shop_books
from loadtests.bench import circumstances, integrity, openloop, stage, wrk
from loadtests.bench.plan import OURS
from loadtests.bench.shelves import STOCK
from loadtests.bench.singles import SEED, ZIPF_PURCHASES_PERCENT
from loadtests.report import new_directory, write_json
from loadtests.soak.figures import Bounds, Sample, markdown, targets_of
from loadtests.soak.load import requests
from loadtests.soak.looking import Looking

LOAD_SHARE = 0.5
WARM_UP_SECONDS = 10
PEAK_SECONDS = 5
CONNECTIONS = 64
MINUTE_SECONDS = 60.0
# Rows follow their sales by themselves, at the latest when somebody sweeps.
SETTLE_SECONDS_MAX = 30.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, and over how many products."""

    minutes: int
    products: int


@dataclass(slots=True)
class Changes:
    """Purchases and holds so far: acknowledged, and those of which nobody heard."""

    acknowledged: int = 0
    unheard: int = 0


def run(plan: Plan, reports: Path, say: Say) -> bool:
    """Load a service of our own, print and keep what it held; tell whether its books are right."""
    wrk.find()
    directory = new_directory(reports, "soak")
    with _running() as (settings, server, looking, client):
        known = circumstances.look(client, settings.redis_url)
        database = mongo.open_database(client, settings)
        product_ids = shop_books.open_shop(database, plan.products, STOCK)
        changes = Changes()
        peak = _peak(server, product_ids, changes)
        bounds = looking.bounds()
        say(f"The peak is {peak:.0f}/s; now {peak * LOAD_SHARE:.0f}/s for {plan.minutes} minutes:")
        samples = _soak(plan, server, product_ids, peak * LOAD_SHARE, looking, changes, say)
        say("Checking all books ...")
        problems = [*_lost(database, changes)]
        problems += integrity.problems_of(server.url, settings.mongo_url, say)
    tables = markdown(samples, bounds, known, peak)
    _write(directory, plan, peak, bounds, samples, known, problems)
    (directory / "result.md").write_text(tables + "\n")
    say(f"\n{tables}\n")
    say("\n".join(problems) or "What was acknowledged is on record.")
    say(f"Kept in {directory}: result.json, result.md")
    return not problems


@contextmanager
def _running() -> Iterator[tuple[Settings, Server, Looking, MongoClient[dict[str, Any]]]]:
    with ExitStack() as stack:
        directory = stack.enter_context(service.temporary_directory())
        around = stack.enter_context(stage.stores(directory))
        metrics = directory / "metrics"
        metrics.mkdir()
        urls = stage.urls_of(around)
        # Where the workers count, so that it can be looked at.
        environ = urls | {"PROMETHEUS_MULTIPROC_DIR": str(metrics)}
        server = stack.enter_context(stage.serving(OURS, environ, directory))
        settings = Settings.from_env(urls)
        client = stack.enter_context(MongoClient[dict[str, Any]](around["mongod"].url))
        yield settings, server, Looking(settings, server, around, metrics, client), client


def _peak(server: Server, product_ids: Sequence[str], changes: Changes) -> float:
    """Return how many requests of nearly the same mix a second the service can carry."""
    rate = 0.0
    with service.temporary_directory() as directory:
        file = directory / "mix.txt"
        file.write_text("\n".join(product_ids))
        for seed, seconds in enumerate((WARM_UP_SECONDS, PEAK_SECONDS), SEED):
            outcome = wrk.run(
                *("mix", server.url, str(file), str(ZIPF_PURCHASES_PERCENT), str(seed)),
                seconds=seconds,
                connections=CONNECTIONS,
            )
            changes.acknowledged += outcome.created
            changes.unheard += CONNECTIONS + outcome.broken
            rate = outcome.rate
    return rate


def _soak(
    plan: Plan,
    server: Server,
    product_ids: Sequence[str],
    rate: float,
    looking: Looking,
    changes: Changes,
    say: Say,
) -> list[Sample]:
    """Load the service minute by minute, and look at it after each."""
    wanted = requests(LOOPBACK, server.port, product_ids, SEED)
    samples = [looking.sample(0.0, 0, None, 0.0)]
    began, sent = time.monotonic(), 0
    for minute in range(plan.minutes):
        times = openloop.schedule(rate, MINUTE_SECONDS, SEED + minute)
        answers = openloop.run(LOOPBACK, server.port, wanted, times)
        sent += answers.scheduled
        changes.acknowledged += len(answers.latencies.get(201, ()))
        changes.unheard += answers.unheard
        seconds = time.monotonic() - began
        samples.append(looking.sample(seconds, sent, answers, answers.goodput))
        held = ", ".join(f"{one.megabytes:.1f}" for one in samples[-1].workers.values())
        say(
            f"  {minute + 1:>4} min {answers.goodput:7.0f}/s   p99 {samples[-1].p99_ms:6.1f} ms   "
            f"workers {held} MB   {samples[-1].refused} refused"
        )
    return samples


def _lost(database: Database[mongo.Document], changes: Changes) -> Iterator[str]:
    """Tell if fewer purchases and holds are on record than were acknowledged, or too many."""
    query = {"kind": {"$in": [str(Kind.PURCHASE), str(Kind.HOLD)]}}
    until = time.monotonic() + SETTLE_SECONDS_MAX
    while True:
        booked = database["movements"].count_documents(query)
        if booked >= changes.acknowledged or time.monotonic() > until:
            break
        time.sleep(1)
    if not changes.acknowledged <= booked <= changes.acknowledged + changes.unheard:
        yield (
            f"{booked} purchases and holds are on record, {changes.acknowledged} were "
            f"acknowledged and {changes.unheard} more may have been."
        )


def _write(
    directory: Path,
    plan: Plan,
    peak: float,
    bounds: Bounds,
    samples: Sequence[Sample],
    known: Mapping[str, str],
    problems: Sequence[str],
) -> None:
    targets = targets_of(samples, bounds)
    result = {
        "circumstances": dict(known),
        "plan": asdict(plan),
        "peak": peak,
        "targets": [asdict(target) | {"met": target.met} for target in targets],
        "samples": [asdict(sample) for sample in samples],
        "problems": list(problems),
    }
    write_json(directory / "result.json", result)
