"""The table for people and the JSON for machines. Decides nothing."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from loadtests.figures import Figures, Latency
from loadtests.verdict import Violation

PACKAGES = ("flask", "gunicorn", "gevent", "pymongo", "redis", "locust")
SHOWN_MAX = 20


def new_directory(reports: Path, name: str) -> Path:
    """Make the directory of one run."""
    directory = reports / f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    directory.mkdir(parents=True)
    return directory


def write_json(file: Path, result: Mapping[str, Any]) -> None:
    """Keep a result together with where and when it was measured."""
    file.write_text(json.dumps({"measured": _circumstances(), **result}, indent=2) + "\n")


def table(figures: Figures, violations: Sequence[Violation]) -> str:
    """Return the figures and the verdict, as people read them."""
    rows = [
        ("sold", f"{figures.sold_orders} orders, {figures.sold_units} units"),
        ("refused", f"{figures.refused_orders} orders"),
        ("requests", f"{figures.attempts} in {figures.seconds} s: {figures.attempts_per_second}/s"),
        ("replayed", f"{figures.replays} answers"),
        ("asked again", f"{figures.busy_attempts} busy, {figures.unknown_attempts} unknown"),
        ("still unknown", f"{figures.open_orders} orders"),
        ("purchases/s", f"{figures.sold_per_second}, until the last one was sold"),
        ("purchase ms", _latency(figures.purchase_ms)),
        (
            "reads",
            f"{figures.reads}: {figures.reads_per_second}/s, "
            f"{figures.reads_not_modified} not modified, {figures.reads_failed} failed",
        ),
        ("read ms", _latency(figures.read_ms)),
    ]
    lines = [f"  {name:<14} {value}" for name, value in rows]
    return "\n".join(["", *lines, "", *_verdict(violations)])


def _latency(latency: Latency) -> str:
    return f"p50 {latency.p50}   p95 {latency.p95}   p99 {latency.p99}"


def _verdict(violations: Sequence[Violation]) -> list[str]:
    if not violations:
        return ["VERDICT: the books are exact"]
    lines = [f"VERDICT: {len(violations)} violations"]
    lines += [f"  {v.rule}: {v.found} (product {v.product_id})" for v in violations[:SHOWN_MAX]]
    if len(violations) > SHOWN_MAX:
        lines.append(f"  ... and {len(violations) - SHOWN_MAX} more, all in result.json")
    return lines


def _circumstances() -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        # Who reads the figures should know whether the machine was busy with something else.
        "load_average": os.getloadavg(),
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }
