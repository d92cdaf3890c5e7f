"""The command line: `python -m inventory ...`.

Turns options and the environment into calls, and every expected problem into one sentence and exit
code 1. Knows click; decides nothing itself.
"""

import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta

import click

from inventory import demo as sample
from inventory.bookkeeping import Bookkeeping, Outcome, opened
from inventory.domain.integrity.problems import Problem
from inventory.domain.keys import ApiKey, Scope
from inventory.errors import InventoryError
from inventory.local import LocalError, supervisor
from inventory.local.running import with_mongo_url
from inventory.repository.schema import prepare_database
from inventory.serving import PROJECT, ServerOptions, gunicorn_command, read_environment
from inventory.settings import Settings, SettingsError

PREPARE_SECONDS_DEFAULT = 30.0
DAYS_MAX = 3_650
KEYS_A_PAGE = 100

Command = Callable[..., None]


class _NotChecked(click.ClickException):
    """Whether the books are right could not be found out, which is neither yes nor no."""

    exit_code = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Stock API for storefronts: never oversells, never undersells, loses nothing."""


def _preparation_options(command: Command) -> Command:
    wait = click.option(
        "--wait",
        "wait_seconds",
        type=click.FloatRange(min=0),
        default=PREPARE_SECONDS_DEFAULT,
        show_default=True,
        metavar="SECONDS",
        help="How long to wait for MongoDB.",
    )
    initiate = click.option(
        "--initiate-replica-set",
        is_flag=True,
        help="Make a server that was started with --replSet a one-node replica set.",
    )
    return wait(initiate(command))


@main.command()
def local() -> None:
    """Start everything on this machine: mongod, Valkey and the service."""
    with _explained():
        _, options = read_environment(os.environ)
        code = supervisor.run(os.environ, options, _say, _announce_first_key)
    sys.exit(code)


@main.command()
@_preparation_options
def prepare(wait_seconds: float, initiate_replica_set: bool) -> None:
    """Make the collections and indexes; repeating it changes nothing."""
    with _explained():
        settings = Settings.from_env(os.environ)
        prepare_database(
            settings, wait_seconds=wait_seconds, initiate_replica_set=initiate_replica_set
        )
        _announce_first_key(settings)
    _say("The database is ready.")


@main.command()
@_preparation_options
def serve(wait_seconds: float, initiate_replica_set: bool) -> None:
    """Prepare the database, then serve; this process becomes gunicorn."""
    # As the first process of a container it would not hear TERM while it waits.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with _explained():
        settings, _ = read_environment(os.environ)
        prepare_database(
            settings, wait_seconds=wait_seconds, initiate_replica_set=initiate_replica_set
        )
        _announce_first_key(settings)
    os.chdir(PROJECT)
    command = gunicorn_command()
    os.execv(command[0], command)  # nosec B606 # no shell is wanted


@main.command()
@click.option("--url", help="Where the service listens.  [default: this machine, at PORT]")
def demo(url: str | None) -> None:
    """Load a sample catalogue through the API; repeating it adds only what is missing."""
    outcomes: Counter[str] = Counter()
    with _explained():
        url = url or ServerOptions.from_env(os.environ).url
        size = len(sample.read_catalogue())
        with click.progressbar(
            sample.load(url, api_key=os.environ.get("INVENTORY_API_KEY")),
            size,
            "Loading the sample catalogue",
        ) as results:
            outcomes.update(results)
    created, present = outcomes[sample.CREATED], outcomes[sample.PRESENT]
    _say(f"{created} products created, {present} already there: {url.rstrip('/')}/api/products")


@main.command()
def integrity() -> None:
    """Check that the books hold together; the service may go on meanwhile.

    Exit code 0 if nothing is wrong, 1 if something is, 2 if it could not be found out.
    """
    with _explained(_NotChecked), _books() as books:
        size = books.auditing.count_products()
        with click.progressbar(length=size, label="Checking the books") as bar:
            report = books.auditing.check_all(bar.update)
    for problem in report.problems:
        _say(_line(problem))
    total = report.problems_total
    if total > len(report.problems):
        _say(f"... and {total - len(report.problems)} more.")
    if total:
        _say(f"{_many(total, 'problem')} in the books of {_many(report.checked, 'product')}.")
    else:
        _say(f"The books of {_many(report.checked, 'product')} are right.")
    sys.exit(not report.ok)


@main.command()
@click.option("--apply", is_flag=True, help="Do it; else it is only shown.")
def repair(apply: bool) -> None:
    """Put the books right where something else still knows what they must say.

    Without --apply nothing is changed. Safe while the service goes on: what has changed since it
    was checked is left alone. Exit code 0 if nothing is left to be done, 1 if something is, 2 if
    it could not be found out.
    """
    with _explained(_NotChecked), _books() as books:
        size = books.auditing.count_products()
        with click.progressbar(length=size, label="Checking the books") as bar:
            outcome = books.repairing.repair_all(bar.update, apply=apply)
    for product_id, step in outcome.repairs:
        _say(f"{'done' if apply else 'would'}  {product_id}  {step}")
    for product_id, step in outcome.overtaken:
        _say(f"changed meanwhile, run this again  {product_id}  {step}")
    for problem in outcome.unsolved:
        _say(f"needs a person  {_line(problem)}")
    _say(_sum_up(outcome, applied=apply))
    sys.exit(bool(outcome.overtaken or outcome.unsolved or (outcome.repairs and not apply)))


@main.group()
def keys() -> None:
    """Make, list and revoke API keys."""


@keys.command("create")
@click.argument("client")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([str(scope) for scope in Scope]),
    help="What it is good for; may be given several times. `admin` is good for everything.",
)
@click.option("--publishable", is_flag=True, help="For pages: every shopper can read it.")
@click.option("--days", type=click.IntRange(1, DAYS_MAX), help="How long it lasts. [for ever]")
def create_key(client: str, scopes: tuple[str, ...], publishable: bool, days: int | None) -> None:
    """Make a key for CLIENT and print it, once and never again.

    Only the key goes to the standard output, so that it can be piped to where it is kept.
    """
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
    with _explained(), _books() as books:
        made, secret = books.keyring.issue(
            client,
            [Scope(scope) for scope in scopes],
            publishable=publishable,
            expires_at=expires_at,
        )
    click.echo(f"Key {made.id} of {made.client}: {', '.join(made.scopes)}", err=True)
    _say(secret)


@keys.command("list")
def list_keys() -> None:
    """Show all keys, the newest first: what they are good for, not the keys themselves."""
    with _explained(), _books() as books:
        before = None
        while page := books.keyring.list_keys(before, KEYS_A_PAGE):
            for key in page:
                _say(_key_line(key))
            before = page[-1].id


@keys.command("revoke")
@click.argument("key_id")
def revoke_key(key_id: str) -> None:
    """Let the key with this id open nothing any more, everywhere within a second."""
    with _explained(), _books() as books:
        revoked = books.keyring.revoke(key_id)
    _say(f"Key {revoked.id} of {revoked.client} is revoked.")


def _announce_first_key(settings: Settings) -> None:
    """Make the first key that may do everything where keys are needed, and show it this once."""
    if not settings.authenticates:
        return
    with opened(settings) as books:
        secret = books.keyring.issue_first()
    if secret is not None:
        _say(f"The first API key, which may do everything; it is not shown again: {secret}")


def _key_line(key: ApiKey) -> str:
    now = datetime.now(UTC)
    state = "revoked" if key.revoked_at else "valid" if key.is_valid(now) else "expired"
    kind = "publishable" if key.publishable else "secret"
    used = f"{key.last_used_at:%Y-%m-%d %H:%M} UTC" if key.last_used_at else "never"
    scopes = ",".join(key.scopes)
    return f"{key.id}  {state}  {kind}  {key.hint}...  {scopes}  used {used}  {key.client}"


def _sum_up(outcome: Outcome, *, applied: bool) -> str:
    did = "done" if applied else "to be done (--apply does it)"
    return (
        f"{_many(outcome.checked, 'product')} checked: {_many(len(outcome.repairs), 'repair')} "
        f"{did}, {_many(len(outcome.unsolved), 'problem')} left for a person."
    )


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _books() -> AbstractContextManager[Bookkeeping]:
    """Open the books of the named database, or of the run that is going on here."""
    return opened(Settings.from_env(with_mongo_url(os.environ)))


def _line(problem: Problem) -> str:
    return f"{problem.code}  {problem.product_id or '-'}  {problem.detail}"


@contextmanager
def _explained(
    kind: type[click.ClickException] = click.ClickException,
) -> Iterator[None]:
    try:
        yield
    except (SettingsError, LocalError, InventoryError, sample.DemoError) as error:
        raise kind(str(error)) from error


def _say(text: str) -> None:
    """Write one line; a reader that has gone away is no reason to stop."""
    try:
        click.echo(text)
    except OSError:
        # What is still buffered goes nowhere, or the interpreter would complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
