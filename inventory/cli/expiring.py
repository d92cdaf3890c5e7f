"""The command that releases holds which have run out."""

import click

from inventory.cli.output import explained, many, report
from inventory.cli.shop import open_engine


@click.command()
def expire() -> None:
    """Release the holds that have run out, now.

    The service does this by itself every few seconds, and whoever needs the units takes them back
    at once; this is for a service that is stopped, or for whoever does not want to wait.
    """
    released = 0
    with explained(), open_engine() as engine:
        while due := engine.expire_due():
            released += due
    were = "was" if released == 1 else "were"
    report({"released": released}, f"{many(released, 'hold')} that had run out {were} released.")
