"""The commands that fill the catalogue, through the API."""

import os
from collections import Counter

import click

from inventory import demo as sample
from inventory.cli.output import explained, progress, report
from inventory.serving import ServerOptions


@click.command()
@click.option("--url", help="Where the service listens.  [default: this machine, at PORT]")
def demo(url: str | None) -> None:
    """Load a sample catalogue through the API; repeating it adds only what is missing."""
    outcomes: Counter[str] = Counter()
    with explained():
        url = (url or ServerOptions.from_env(os.environ).url).rstrip("/")
        size = len(sample.read_catalogue())
        with progress(size, "Loading the sample catalogue") as advance:
            for outcome in sample.load(url, api_key=os.environ.get("INVENTORY_API_KEY")):
                outcomes[outcome] += 1
                advance(1)
    created, present = outcomes[sample.CREATED], outcomes[sample.PRESENT]
    report(
        {"created": created, "present": present, "url": url},
        f"{created} products created, {present} already there: {url}/api/products",
    )
