"""Explores all schedules of all scenarios, or replays one: `python -m tests.faults.explore --help`.

Starts a MongoDB of its own. Exit code 0 only if nothing was violated.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from inventory.local.servers import start_mongod
from inventory.repository.schema import prepare_database
from inventory.settings import Settings
from tests.faults.explorer import Choose, Event, Search, replayed
from tests.faults.playing import Dying, Played, run_schedule
from tests.faults.scenarios import SCENARIOS, Scenario
from tests.faults.world import Clients

VIOLATIONS_SHOWN_MAX = 5


@dataclass
class Tally:
    """What the exploration of one scenario came to."""

    schedules: int = 0
    crashes: int = 0
    cut: int = 0
    violations: int = 0
    seconds: float = 0.0

    def row(self, name: str) -> str:
        """Return it as a line of the table."""
        numbers = (self.schedules, self.crashes, self.cut, self.violations)
        return f"{name:14}" + "".join(f"{n:11}" for n in numbers) + f"{self.seconds:9.1f}"


def explore(clients: Clients, scenario: Scenario, runs_max: int | None = None) -> Tally:
    """Run every trace of a scenario, without a crash and with one at each point of each actor."""
    tally = Tally()
    began = time.monotonic()
    longest = _explore_with(clients, scenario, None, runs_max, tally)
    for actor in sorted(longest):
        place = 0
        while place < longest[actor]:
            reached = _explore_with(clients, scenario, (actor, place), runs_max, tally)
            # After a crash the others may have more to do.
            longest = {name: max(steps, reached[name]) for name, steps in longest.items()}
            place += 1
    tally.seconds = time.monotonic() - began
    return tally


def _explore_with(
    clients: Clients, scenario: Scenario, dying: Dying | None, runs_max: int | None, tally: Tally
) -> dict[str, int]:
    """Explore with one crash or none; return how many steps each actor took at most."""
    longest: dict[str, int] = {}

    def run(choose: Choose) -> list[Event]:
        played = run_schedule(clients, scenario, choose, dying)
        for actor in played.outcomes:
            steps = played.schedule.count(actor)
            longest[actor] = max(longest.get(actor, 0), steps)
        tally.crashes += played.crashed and played.complete
        if played.violation:
            tally.violations += 1
            if tally.violations <= VIOLATIONS_SHOWN_MAX:
                click.echo(told(scenario, played, dying), err=True)
        if sys.stderr.isatty():
            click.echo(f"\r{scenario.name}: {tally.schedules + search.runs}", nl=False, err=True)
        return played.events

    search = Search(run, runs_max)
    search.explore()
    tally.schedules += search.runs - search.cut
    tally.cut += search.cut
    return longest


def told(scenario: Scenario, played: Played, dying: Dying | None) -> str:
    """Return what was violated, in which schedule, and how to run it again."""
    crash = f" --crash {dying[0]}{dying[1]}" if dying else ""
    command = f"{scenario.name} --replay {played.schedule}{crash}"
    outcomes = ", ".join(f"{actor} {outcome}" for actor, outcome in played.outcomes.items())
    return (
        f"VIOLATED in {scenario.name}: {played.violation}\n"
        f"  answers: {outcomes}\n"
        f"  again:   make explore ARGS='{command}'"
    )


@contextmanager
def _clients() -> Iterator[Clients]:
    with tempfile.TemporaryDirectory() as directory:
        server = start_mongod(Path(directory), cache_gb=0.25, oplog_mb=64)
        try:
            settings = Settings(mongo_url=server.url, mongo_database="explored")
            prepare_database(settings, wait_seconds=30, initiate_replica_set=True)
            clients = Clients(settings)
            yield clients
            clients.close()
        finally:
            server.kill()


def _replay(clients: Clients, scenario: Scenario, schedule: str, crash: str | None) -> bool:
    dying = (crash[0], int(crash[1:])) if crash else None
    played = run_schedule(clients, scenario, replayed(schedule), dying)
    for event in played.events:
        touched = [
            *(f"reads {name}" for name in sorted(event.footprint.reads)),
            *(f"writes {name}" for name in sorted(event.footprint.changes)),
        ]
        click.echo(f"  {event.actor}  {', '.join(touched) or '(answers or dies)'}")
    click.echo(told(scenario, played, dying) if played.violation else "Nothing was violated.")
    return played.violation is None


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1, type=click.Choice(sorted(SCENARIOS)))
@click.option("--replay", help="Run this one schedule of one scenario, such as AABBA.")
@click.option("--crash", help="In it A3: actor A dies after three steps.")
@click.option("--runs", type=click.IntRange(min=1), help="At most so many for each crash.")
def main(names: tuple[str, ...], replay: str | None, crash: str | None, runs: int | None) -> None:
    """Explore all scenarios, or those named."""
    chosen = [SCENARIOS[name] for name in names] or list(SCENARIOS.values())
    with _clients() as clients:
        if replay is not None:
            sys.exit(0 if _replay(clients, chosen[0], replay, crash) else 1)
        columns = ("schedules", "crashes", "cut short", "violated")
        click.echo(f"{'scenario':14}" + "".join(f"{c:>11}" for c in columns) + f"{'seconds':>9}")
        violations = 0
        for scenario in chosen:
            tally = explore(clients, scenario, runs)
            violations += tally.violations
            if sys.stderr.isatty():
                click.echo("\r", nl=False, err=True)
            click.echo(tally.row(scenario.name))
    sys.exit(1 if violations else 0)


if __name__ == "__main__":
    main()
