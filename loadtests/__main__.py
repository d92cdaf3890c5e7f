"""The command line: `python -m loadtests ...`; `make load-...` calls it.

Exit code 0 only if the books are exact, 1 if they are not, 2 if there was nothing to judge. Knows
click; decides nothing itself.
"""

import signal
import sys
from collections.abc import Callable
from pathlib import Path

import click

from loadtests import checking, flame, replicas, report, scenario, service
from loadtests import checkout as shop
from loadtests.bench import run as benchmark
from loadtests.bench.plan import Plan, chosen
from loadtests.chaos import run as faults
from loadtests.chaos.stack import TOPOLOGIES
from loadtests.explaining import NOT_RUN, explained
from loadtests.flame import FLAMES
from loadtests.footprint import run as footprint
from loadtests.fuzz import run as fuzzing
from loadtests.fuzz.engine import Plan as FuzzPlan
from loadtests.growth import run as growth
from loadtests.powercut import run as powercut
from loadtests.soak import run as soaking

SIZES = "1000,100000,1000000"
# So many products are bought; with fewer, the same request would be another one.
SIZE_MIN = 1_000
REPORTS = service.DIRECTORY / "reports"

Command = Callable[..., None]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
def main() -> None:
    """Load tests whose verdict comes from the books."""
    # Whoever asks for the end gets the servers stopped, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(NOT_RUN))


def _number(name: str, default: int, text: str) -> Callable[[Command], Command]:
    return click.option(name, type=click.IntRange(min=1), default=default, help=text)


_url = click.option("--url", help="A running service.  [default: start one for this run]")
_reports = click.option(
    "--reports",
    type=click.Path(file_okay=False, path_type=Path),
    default=REPORTS,
    help="Where the files of a run are kept.",
)


@main.command("flash-sale")
@_url
@_reports
@_number("--users", 200, "Shoppers at once.")
@_number("--seconds", 60, "How long at most; it ends when all is sold.")
@_number("--stock", 2_000, "Units of the one product.")
@_number("--processes", 2, "Processes of locust's.")
def flash_sale(
    url: str | None, reports: Path, users: int, seconds: int, stock: int, processes: int
) -> None:
    """Everybody wants the one product, until it is gone and then some."""
    _run(scenario.Load("flash_sale", users, seconds, processes, 1, stock), url, reports)


@main.command()
@_url
@_reports
@_number("--users", 60, "Shoppers at once.")
@_number("--seconds", 20, "How long.")
@_number("--stock", 20, "Units of each product.")
@_number("--products", 500, "Products in the catalogue.")
@_number("--processes", 2, "Processes of locust's.")
def browse(
    url: str | None,
    reports: Path,
    users: int,
    seconds: int,
    stock: int,
    products: int,
    processes: int,
) -> None:
    """Many look, few buy, over a whole catalogue."""
    _run(scenario.Load("browse", users, seconds, processes, products, stock), url, reports)


@main.command()
@_url
@_number("--clients", 64, "Clients at once.")
@_number("--processes", 8, "Processes that they run in.")
@_number("--seconds", 30, "How long.")
@_number("--stock", 10_000, "Units of the one product.")
def checkout(url: str | None, clients: int, processes: int, seconds: int, stock: int) -> None:
    """Buy, hold, commit, release and return one product, all at once."""
    plan = shop.Plan(clients, processes, seconds, stock)
    with explained(), service.running(url) as running:
        exact = shop.run(plan, running, click.echo)
    sys.exit(not exact)


@main.command()
@click.option("--url", required=True, help="The service that the run was put on.")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
def verdict(url: str, directory: Path) -> None:
    """Judge an earlier run once more, by its journal and the books as they are now."""
    with explained():
        figures, violations = scenario.examine(directory, url)
    click.echo(report.table(figures, violations))
    sys.exit(bool(violations))


@main.command("bench")
@_reports
@_number("--rounds", 5, "Turns for each variant.")
@_number("--seconds", 5, "How long a turn takes.")
@_number("--connections", 64, "Kept-alive connections.")
@click.option("--only", help="Names of variants, separated by commas.  [default: all]")
@click.option("--keep", is_flag=True, help="Put the results into docs/performance.md as well.")
def bench(
    reports: Path, rounds: int, seconds: int, connections: int, only: str | None, keep: bool
) -> None:
    """Measure the service beside its yardsticks, in turns, and hold it against its targets."""
    with explained():
        plan = Plan(rounds, seconds, connections, chosen(only))
        exact = benchmark.run(plan, reports, keep, click.echo)
    sys.exit(not exact)


@main.command("replicas")
@_reports
@_number("--rounds", 3, "Turns for each way.")
@_number("--seconds", 8, "How long a turn takes.")
@_number("--connections", 64, "Kept-alive connections.")
def replicated(reports: Path, rounds: int, seconds: int, connections: int) -> None:
    """Sell one product by three instances on three members, spread and by product."""
    directory = report.new_directory(reports, "replicas")
    with explained():
        exact = replicas.run(replicas.Plan(rounds, seconds, connections), directory, click.echo)
    sys.exit(not exact)


@main.command("flame")
@_number("--seconds", 10, "How long each is recorded.")
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=FLAMES,
    help="Where the pictures go.",
)
def flame_graphs(seconds: int, directory: Path) -> None:
    """Draw where the time of a purchase and of a cached read goes."""
    with explained():
        flame.run(seconds, directory, click.echo)


def _sizes(_context: click.Context, _option: click.Parameter, text: str) -> list[int]:
    sizes = [int(size) for size in text.split(",") if size.strip().isdecimal()]
    if len(sizes) != text.count(",") + 1 or min(sizes) < SIZE_MIN:
        raise click.BadParameter(f"Say numbers from {SIZE_MIN:,} on, separated by commas.")
    return sorted(set(sizes))


@main.command("growth")
@_reports
@click.option("--sizes", default=SIZES, callback=_sizes, help="Numbers of products.")
@_number("--rounds", 3, "Turns for each kind of request at each size.")
@_number("--seconds", 5, "How long a turn takes.")
@_number("--connections", 64, "Kept-alive connections.")
@click.option("--keep", is_flag=True, help="Put the results into docs/performance.md as well.")
def growth_of(
    reports: Path, sizes: list[int], rounds: int, seconds: int, connections: int, keep: bool
) -> None:
    """Measure what a request costs in catalogues of several sizes."""
    with explained():
        plan = growth.Plan(sizes, rounds, seconds, connections)
        exact = growth.run(plan, reports, keep, click.echo)
    sys.exit(not exact)


@main.command("footprint")
@_reports
@_number("--products", 20_000, "Products in the catalogue that is read.")
@_number("--seconds", 20, "How long each way of selling takes.")
def footprint_of(reports: Path, products: int, seconds: int) -> None:
    """Measure the bytes that sales take on disk, in oplog, backup and cache, and the memory."""
    with explained():
        footprint.run(footprint.Plan(products, seconds), reports, click.echo)


@main.command()
@_reports
@_number("--minutes", 30, "How long.")
@_number("--products", 10_000, "Products in the catalogue.")
def soak(reports: Path, minutes: int, products: int) -> None:
    """Half of what the service can carry, for long: does anything in it grow without end?"""
    with explained():
        exact = soaking.run(soaking.Plan(minutes, products), reports, click.echo)
    sys.exit(not exact)


@main.command()
@_reports
@_number("--seed", 1, "The same seed gives the same schedule.")
@click.option("--minutes", type=float, default=10.0, help="How long faults strike.")
@click.option("--topology", type=click.Choice(TOPOLOGIES), default=TOPOLOGIES[0], help="Of mongod.")
@_number("--shoppers", 24, "Who buy and look; the default is half of what two cores carry.")
@click.option("--only", help="Names of faults, separated by commas.  [default: all]")
@click.option("--keep", is_flag=True, help="Put the report into docs/reliability.md as well.")
@click.option("--control", is_flag=True, help="Acknowledge before the journal: must be caught.")
def chaos(
    reports: Path,
    seed: int,
    minutes: float,
    topology: str,
    only: str | None,
    keep: bool,
    control: bool,
    shoppers: int,
) -> None:
    """Sell while everything around the service dies, and check what must be true in the end."""
    with explained():
        plan = faults.Plan(
            seed, topology, minutes, only, keep=keep, control=control, shoppers=shoppers
        )
        exact = faults.run(plan, reports, click.echo)
    sys.exit(not exact)


@main.command("power-cut")
@_reports
@_number("--rounds", 3, "Cuts of the service, and as many of the control.")
@_number("--seconds", 5, "How long it sells before the cut.")
@_number("--seed", 1, "What buyers want, and when the cut comes.")
def power_cut(reports: Path, rounds: int, seconds: int, seed: int) -> None:
    """Cut the power under mongod while the service sells; is everything there afterwards?"""
    with explained():
        exact = powercut.run(powercut.Plan(rounds, seconds, seed), reports, click.echo)
    sys.exit(not exact)


@main.command("fuzz")
@_url
@_number("--calls", 20_000, "Calls to make.")
@click.option("--seed", type=int, default=1, help="The same seed makes up the same calls.")
@click.option("--key", "api_key", help="The key to send, where the service wants one.")
def fuzz(url: str | None, calls: int, seed: int, api_key: str | None) -> None:
    """Call everything that the OpenAPI document describes, in ways that nobody thought of."""
    with explained():
        fine = fuzzing.run(FuzzPlan(calls, seed, api_key=api_key), url, click.echo)
    sys.exit(not fine)


@main.command("check")
@_number("--products", 100_000, "Products, with ten movements each.")
def check(products: int) -> None:
    """Check the books of many products, and tell how long it took."""
    with explained():
        figures = checking.run(products, click.echo)
    click.echo(figures.table())
    sys.exit(not figures.found_nothing)


def _run(load: scenario.Load, url: str | None, reports: Path) -> None:
    directory = report.new_directory(reports, load.scenario.replace("_", "-"))
    with explained(), service.running(url) as running:
        exact = scenario.run(load, running, directory, click.echo)
    sys.exit(not exact)


if __name__ == "__main__":
    main()
