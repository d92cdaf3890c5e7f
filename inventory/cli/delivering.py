"""The command that runs the process beside the service."""

import os

import click

from inventory import delivering
from inventory.cli.output import explained
from inventory.local.running import with_mongo_url
from inventory.settings import Settings


@click.command()
def deliver() -> None:
    """Derive events from the ledger, until it is told to stop.

    Any number of these may run, wherever the database can be reached: they share the work, and
    take the place of one that dies. The service itself needs none of them.
    """
    with explained():
        delivering.run(Settings.from_env(with_mongo_url(os.environ)))
