"""The command line: `python -m inventory ...`.

Turns options and the environment into calls, and every expected problem into one sentence and exit
code 1. Knows click; decides nothing itself. A module for each topic; this one gathers them.
"""

import click

from inventory.cli import books, catalogue, delivering, keys, running


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Stock API for storefronts: never oversells, never undersells, loses nothing."""


for _command in (
    running.local,
    running.prepare,
    running.serve,
    delivering.deliver,
    catalogue.demo,
    books.integrity,
    books.repair,
    keys.keys,
):
    main.add_command(_command)
