"""`python -m loadtests.bulk`; `make bench-import` calls it. Exit code 0 if the books are right."""

import sys
from pathlib import Path

import click

from loadtests import service
from loadtests.bulk.run import run

REPORTS = service.DIRECTORY / "reports"


@click.command()
@click.option("--rows", type=click.IntRange(1_000), default=100_000, show_default=True)
@click.option("--picture", type=click.Path(path_type=Path), help="Where to draw the memory.")
def main(rows: int, picture: Path | None) -> None:
    """Import and export so many products, by the command line and by HTTP."""
    try:
        right = run(rows, REPORTS, picture, click.echo)
    except service.ServiceError as error:
        raise click.ClickException(str(error)) from error
    sys.exit(not right)


main()
