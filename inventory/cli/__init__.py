"""The command line: `inventory ...`, or `python -m inventory ...`.

Turns options and the environment into calls, and every expected problem into one sentence and an
exit code. Knows click; decides nothing itself. A module for each topic; this one says where.
"""

import sys

import click

from inventory import __version__
from inventory.cli.output import NAME, Commands
from inventory.telemetry import logs

# Imported one at a time, and only the one that is asked for: most would open the books.
_PLACES = {
    "local": "inventory.cli.running:local",
    "prepare": "inventory.cli.running:prepare",
    "serve": "inventory.cli.running:serve",
    "deliver": "inventory.cli.delivering:deliver",
    "demo": "inventory.cli.catalogue:demo",
    "benchmark": "inventory.cli.benchmarking:benchmark",
    "import": "inventory.cli.transfer:import_",
    "export": "inventory.cli.transfer:export",
    "integrity": "inventory.cli.books:integrity",
    "repair": "inventory.cli.books:repair",
    "expire": "inventory.cli.expiring:expire",
    "keys": "inventory.cli.keys:keys",
    "completion": "inventory.cli.completing:completion",
}


@click.group(cls=Commands, places=_PLACES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name=NAME)
def main() -> None:
    """Stock API for storefronts: never oversells, never undersells, loses nothing.

    Every command takes --json. Exit codes: 0 - done, 1 - the answer is no, such as wrong books or
    a refusal, 2 - it could not be done: a bad command line, bad settings, or no answer from a
    store or the service.
    """
    # Results are on the standard output; what the rooms inside have to tell is none.
    logs.configure("warning", sys.stderr.buffer)
