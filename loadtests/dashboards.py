"""`python -m loadtests.dashboards`; `make bench-dashboards` calls it: what open dashboards cost.

The same service is left alone for a while and then asked for its overview by many pages, each over
a connection that it keeps. What counts is the difference in CPU time of all that serves: workers,
mongod, Valkey. The pages themselves are not counted.
"""

import http.client
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass

import click

from inventory.local.servers import Server
from inventory.repository import mongo
from inventory.settings import Settings
from loadtests import report, service, shop_books
from loadtests.bench import stage
from loadtests.bench.plan import OURS
from loadtests.books import Api
from loadtests.processes import cpu_seconds

REPORTS = service.DIRECTORY / "reports"
PATH = "/api/overview"
FILL_SECONDS_MAX = 600.0
# What a start leaves behind to be done is done by then.
SETTLE_SECONDS = 5.0
PER_CENT = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """How many pages ask how often, for how long, of how many workers and products."""

    pages: int
    every_seconds: float
    seconds: int
    workers: int
    products: int


@dataclass(frozen=True, slots=True)
class Result:
    """CPU seconds by server, alone and watched; how long answers took."""

    alone: Mapping[str, float]
    watched: Mapping[str, float]
    answers: int
    p50_ms: float
    p99_ms: float
    core_per_cent: float


class Pages:
    """Many pages that ask again and again; what they get must be a whole overview."""

    def __init__(self, url: str, plan: Plan) -> None:
        self._url = url
        self._plan = plan
        self.seconds: list[float] = []

    def watch(self) -> None:
        """Ask for as long as the plan says, each page at moments of its own."""
        pause = self._plan.every_seconds / self._plan.pages
        begin = time.monotonic()
        threads = [
            threading.Thread(target=self._page, args=(begin + number * pause, begin))
            for number in range(self._plan.pages)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _page(self, first: float, begin: float) -> None:
        with Api(self._url) as api:
            due = first
            while due < begin + self._plan.seconds:
                time.sleep(max(0.0, due - time.monotonic()))
                sent = time.monotonic()
                reply = api.request("GET", PATH)
                self.seconds.append(time.monotonic() - sent)
                if reply.status != http.client.OK:
                    raise service.ServiceError(f"{PATH} answered {reply.status}: {reply.body}")
                due += self._plan.every_seconds


def measure(plan: Plan) -> Result:
    """Start a service with so many products, leave it alone, then let it be watched."""
    with started(plan) as around:
        pids = {name: server.pid for name, server in around.items()}
        pages = Pages(around["gunicorn"].url, plan)
        time.sleep(SETTLE_SECONDS)
        before = cpu_seconds(pids)
        time.sleep(plan.seconds)
        between = cpu_seconds(pids)
        pages.watch()
        after = cpu_seconds(pids)
    asked = plan.pages * int(plan.seconds / plan.every_seconds)
    if len(pages.seconds) < asked:
        raise service.ServiceError(f"Only {len(pages.seconds)} of {asked} answers came.")
    alone = {name: round(between[name] - before[name], 2) for name in pids}
    watched = {name: round(after[name] - between[name], 2) for name in pids}
    more = sum(watched.values()) - sum(alone.values())
    times = sorted(round(1000 * seconds, 1) for seconds in pages.seconds)
    p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
    return Result(alone, watched, len(times), p50, p99, round(PER_CENT * more / plan.seconds, 2))


@contextmanager
def started(plan: Plan) -> Iterator[dict[str, Server]]:
    """Run a service over so many products; yield it and its stores."""
    with ExitStack() as stack:
        directory = stack.enter_context(service.temporary_directory())
        around = stack.enter_context(stage.stores(directory))
        urls = stage.urls_of(around)
        settings = Settings.from_env(urls)
        with mongo.connect(settings) as client, mongo.time_limit(FILL_SECONDS_MAX):
            shop_books.open_catalogue(mongo.open_database(client, settings), plan.products, 100)
        own = urls | {"INVENTORY_WORKERS": str(plan.workers), "INVENTORY_LOG_LEVEL": "warning"}
        ours = stack.enter_context(stage.serving(OURS, own, directory))
        yield {**around, "gunicorn": ours}


@click.command()
@click.option("--pages", type=click.IntRange(1), default=50, show_default=True)
@click.option("--every", type=click.FloatRange(0.1), default=3.0, show_default=True)
@click.option("--seconds", type=click.IntRange(5), default=30, show_default=True)
@click.option("--workers", type=click.IntRange(1), default=3, show_default=True)
@click.option("--products", type=click.IntRange(1), default=1_000, show_default=True)
def main(pages: int, every: float, seconds: int, workers: int, products: int) -> None:
    """Measure what open dashboards cost a service on which nothing else happens."""
    plan = Plan(pages, every, seconds, workers, products)
    try:
        result = measure(plan)
    except service.ServiceError as error:
        raise click.ClickException(str(error)) from error
    directory = report.new_directory(REPORTS, "dashboards")
    report.write_json(directory / "result.json", {"plan": asdict(plan), "result": asdict(result)})
    for name in result.alone:
        click.echo(f"{name}: {result.alone[name]} s alone, {result.watched[name]} s watched")
    click.echo(f"{result.answers} answers, p50 {result.p50_ms} ms, p99 {result.p99_ms} ms")
    click.echo(f"{result.core_per_cent} % of one core more. Kept in {directory}")


if __name__ == "__main__":
    main()
