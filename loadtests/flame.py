"""Where the time of a worker goes: flame graphs of a purchase and a cached read, under full load.

py-spy looks into one worker from outside, a hundred times a second, while wrk keeps the service
busy. On Linux that takes root, or a kernel that lets a process look into its children.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from inventory.serving import PROJECT
from loadtests.bench import shelves, wrk
from loadtests.bench import stage as staging
from loadtests.bench.plan import OURS
from loadtests.processes import children

CONNECTIONS = 64
SAMPLES_PER_SECOND = 100
# Before and after the record, so that only full load is seen.
MARGIN_SECONDS = 2
FLAMES = PROJECT / "docs" / "flames"
PY_SPY = Path(sys.executable).with_name("py-spy")

Say = Callable[[str], None]


class FlameError(Exception):
    """Nothing could be recorded; the message says why."""


def run(seconds: int, directory: Path, say: Say) -> None:
    """Record both, `seconds` each, into `purchase.svg` and `read.svg` of a directory."""
    wrk.find()
    directory.mkdir(parents=True, exist_ok=True)
    with staging.running(with_proxy=False) as stage:
        server = stage.designs[OURS]
        product = f"{server.url}/api/products/{shelves.fill(server.url).product_ids[0]}"
        worker = children(server.pid)[0]
        for name, script, url in (
            ("read", "read", product),
            ("purchase", "purchase", f"{product}/purchase"),
        ):
            file = directory / f"{name}.svg"
            _record(worker, seconds, file, script, url)
            say(f"{file}")


def _record(worker: int, seconds: int, file: Path, script: str, url: str) -> None:
    command = [
        *(str(PY_SPY), "record", "--pid", str(worker), "--duration", str(seconds), "--function"),
        *("--rate", str(SAMPLES_PER_SECOND), "--format", "flamegraph", "--output", str(file)),
    ]
    loading = seconds + 2 * MARGIN_SECONDS
    with ThreadPoolExecutor(1) as pool:
        load = pool.submit(wrk.run, script, url, seconds=loading, connections=CONNECTIONS)
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        load.result()
    if ended.returncode != 0:
        raise FlameError(f"py-spy: {ended.stderr.strip()[-300:]}")
    file.write_text(titled(file.read_text(), f"One worker under full load: {file.stem}"))


def titled(picture: str, title: str) -> str:
    """Return the picture with a title of its own: py-spy's is its whole command line."""
    return re.sub(r'(<text id="title"[^>]*>)[^<]*', rf"\g<1>{title}", picture, count=1)
