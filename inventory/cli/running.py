"""The commands that start the service, or make its database ready for it."""

import os
import signal
import sys
from collections.abc import Callable

import click

from inventory.bookkeeping import opened
from inventory.cli.output import explained, report, say
from inventory.local import supervisor
from inventory.repository.schema import prepare_database
from inventory.serving import PROJECT, gunicorn_command, read_environment
from inventory.settings import Settings

PREPARE_SECONDS_DEFAULT = 30.0

Command = Callable[..., None]


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


@click.command()
def local() -> None:
    """Start everything on this machine: mongod, Valkey and the service."""
    with explained():
        _, options = read_environment(os.environ)
        code = supervisor.run(os.environ, options, say, _announce_first_key)
    sys.exit(code)


@click.command()
@_preparation_options
def prepare(wait_seconds: float, initiate_replica_set: bool) -> None:
    """Make the collections and indexes; repeating it changes nothing."""
    with explained():
        settings = Settings.from_env(os.environ)
        prepare_database(
            settings, wait_seconds=wait_seconds, initiate_replica_set=initiate_replica_set
        )
        _announce_first_key(settings)
    report({"ready": True}, "The database is ready.")


@click.command()
@_preparation_options
def serve(wait_seconds: float, initiate_replica_set: bool) -> None:
    """Prepare the database, then serve; this process becomes gunicorn."""
    # As the first process of a container it would not hear TERM while it waits.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with explained():
        settings, _ = read_environment(os.environ)
        prepare_database(
            settings, wait_seconds=wait_seconds, initiate_replica_set=initiate_replica_set
        )
        _announce_first_key(settings)
    os.chdir(PROJECT)
    command = gunicorn_command()
    os.execv(command[0], command)  # nosec B606 # no shell is wanted


def _announce_first_key(settings: Settings) -> None:
    """Make the first key that may do everything where keys are needed, and show it this once."""
    if not settings.authenticates:
        return
    with opened(settings) as books:
        secret = books.keyring.issue_first()
    if secret is not None:
        report(
            {"first_key": secret},
            f"The first API key, which may do everything; it is not shown again: {secret}",
        )
