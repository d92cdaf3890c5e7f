"""The command that looks how fast a service sells, be it a running one or one of its own."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import click

from inventory import benchmark as bench
from inventory.calling import Api, Unreachable
from inventory.cli.output import NO, explained, many, progress, report, say
from inventory.local import LocalError
from inventory.local.servers import LOOPBACK, free_port, spawn
from inventory.serving import PROJECT, ServerOptions

BUYERS_MAX = 1_000
SECONDS_MAX = 3_600
STOCK_MAX = 1_000_000_000
START_SECONDS_MAX = 120.0
POLL_SECONDS = 0.1


@click.command()
@click.option("--url", help="Where the service listens.  [default: this machine, at PORT]")
@click.option("--embedded", is_flag=True, help="Start a service with empty stores, just for this.")
@click.option(
    "--buyers",
    type=click.IntRange(1, BUYERS_MAX),
    default=32,
    show_default=True,
    help="How many buy at a time.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0.1, SECONDS_MAX),
    default=10,
    show_default=True,
    help="For how long.",
)
@click.option(
    "--stock",
    type=click.IntRange(0, STOCK_MAX),
    default=1_000_000,
    show_default=True,
    help="Units of the product; with few of them it sells out.",
)
def benchmark(url: str | None, embedded: bool, buyers: int, seconds: float, stock: int) -> None:
    """Let buyers buy one product as fast as they can, then check its books.

    Makes a product of its own, named "Benchmark sandbox", and deletes it at the end; nothing else
    is touched. Sends the key in INVENTORY_API_KEY, if there is one. The buyers are threads of this
    one process, which takes time of its own: what a service can do at most, it does not show.

    Exit code 0 if the books are right, 1 if not, 2 if that could not be found out.
    """
    if url and embedded:
        raise click.UsageError("Say --url or --embedded, not both.")
    api_key = os.environ.get("INVENTORY_API_KEY")
    load = bench.Load(buyers, seconds, stock)
    with explained():
        url = url or ServerOptions.from_env(os.environ).url
        where = _embedded() if embedded else nullcontext(url)
        with where as at, bench.sandbox(at, api_key, stock) as product:
            say(f'Product {product}, "{bench.NAME}", is made at {at} and deleted afterwards.')
            with progress(round(seconds), f"{many(buyers, 'buyer')} at work") as advance:
                result = bench.run(at, api_key, product, load, advance)
    report(_document(result, load, product), *_lines(result))
    sys.exit(0 if result.books_ok else NO)


@contextmanager
def _embedded() -> Iterator[str]:
    """Start a service with stores of its own, and stop it; yield its address."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="inventory-benchmark-") as name:
        log = Path(name) / "log"
        environ = {k: v for k, v in os.environ.items() if k not in ("MONGO_URL", "REDIS_URL")}
        own = {"PORT": str(port), "INVENTORY_HOST": LOOPBACK, "INVENTORY_AUTH": "off"}
        say("Starting MongoDB, Valkey and the service ...")
        with log.open("wb") as output:
            process = spawn(
                [sys.executable, "-m", "inventory", "local"],
                output=output,
                environ={**environ, **own, "INVENTORY_LOCAL_DIR": str(Path(name) / "data")},
                directory=PROJECT,
            )
        try:
            url = f"http://{LOOPBACK}:{port}"
            deadline = time.monotonic() + START_SECONDS_MAX
            while not _is_ready(url):
                if process.poll() is not None or time.monotonic() > deadline:
                    said = log.read_text(errors="replace").strip().splitlines()[-1:]
                    raise LocalError(f"The service did not start. {''.join(said)}")
                time.sleep(POLL_SECONDS)
            yield url
        finally:
            process.terminate()
            process.wait()


def _is_ready(url: str) -> bool:
    with closing(Api(url)) as api:
        try:
            return api.call("GET", "/readyz").status == 200
        except Unreachable:
            return False


def _lines(result: bench.Result) -> Iterator[str]:
    told = result.told
    yield (
        f"{result.rate:.0f} sales/s in {result.seconds:.1f} s; answers took "
        f"{_ms(result.latency_ms(50))} at p50, {_ms(result.latency_ms(99))} at p99."
    )
    refused = ", ".join(f"{count} {code}" for code, count in told.refusals.most_common())
    yield f"Refused: {refused or 'nobody'}."
    verdict = "right" if result.books_ok else "WRONG"
    ledger = "agrees" if result.ledger_ok else "does not agree"
    yield (
        f"The books are {verdict}: {told.sold} sold, {result.taken} taken out of stock, and the "
        f"ledger {ledger}."
    )


def _ms(span: float | None) -> str:
    return "no time" if span is None else f"{span:.1f} ms"


def _document(result: bench.Result, load: bench.Load, product_id: str) -> dict[str, Any]:
    spans = {f"p{percent}_ms": result.latency_ms(percent) for percent in (50, 99)}
    return {
        "product_id": product_id,
        "buyers": load.buyers,
        "seconds": round(result.seconds, 3),
        "sold": result.told.sold,
        "sales_per_second": round(result.rate, 1),
        **{name: span and round(span, 2) for name, span in spans.items()},
        "refusals": dict(result.told.refusals),
        "taken": result.taken,
        "ledger_ok": result.ledger_ok,
        "books_ok": result.books_ok,
    }
