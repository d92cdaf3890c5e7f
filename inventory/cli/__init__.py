"""The command line: `inventory ...`, or `python -m inventory ...`.

Turns options and the environment into calls, and every expected problem into one sentence and an
exit code. Knows click; decides nothing itself. A module for each topic; this one gathers them.
"""

import sys

import click

from inventory import __version__
from inventory.cli import (
    benchmarking,
    books,
    catalogue,
    completing,
    delivering,
    keys,
    running,
    transfer,
)
from inventory.cli.output import Commands
from inventory.telemetry import logs


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name=completing.NAME)
def main() -> None:
    """Stock API for storefronts: never oversells, never undersells, loses nothing.

    Every command takes --json. Exit codes: 0 - done, 1 - the answer is no, such as wrong books or
    a refusal, 2 - it could not be done: a bad command line, bad settings, or no answer from a
    store or the service.
    """
    # Results are on the standard output; what the rooms inside have to tell is none.
    logs.configure("warning", sys.stderr.buffer)


for _command in (
    running.local,
    running.prepare,
    running.serve,
    delivering.deliver,
    catalogue.demo,
    benchmarking.benchmark,
    transfer.import_,
    transfer.export,
    books.integrity,
    books.repair,
    books.expire,
    keys.keys,
    completing.completion,
):
    main.add_command(_command)
