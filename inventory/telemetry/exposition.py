"""Puts together what `/metrics` answers: what all workers counted, and what is asked for just now.

Every metric of the list is told, in its order, with its help and type even while it has no number.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from inventory import limits
from inventory.errors import InventoryError
from inventory.telemetry import files
from inventory.telemetry.described import DESCRIBED, Described

# One number, or one for each tuple of labels.
Values = float | Mapping[tuple[str, ...], float]
Read = Callable[[], Mapping[str, Values]]
_UNREAD = "inventory_scrape_unread"
# The library has no types for it.
_COLLECTOR: Any = MultiProcessCollector
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """Metrics that `read` finds out whenever somebody asks for all."""

    names: tuple[str, ...]
    read: Read


def found_out(asked: Iterable[Asked]) -> dict[str, Values]:
    """Return what can be found out in time; how many could not is told as a number itself."""
    found: dict[str, Values] = {}
    unread = 0
    until = time.monotonic() + limits.SCRAPE_SECONDS
    for one in asked:
        answered = _answered(one) if time.monotonic() < until else None
        if answered is None:
            unread += 1
        else:
            found |= answered
    return found | {_UNREAD: float(unread)}


def _answered(asked: Asked) -> dict[str, Values] | None:
    try:
        answered = asked.read()
    except InventoryError:
        # Which store is away is told by itself.
        return None
    except Exception:  # noqa: BLE001 - one that is broken may not cost all the others
        _log.exception("scrape_failed", metrics=asked.names)
        return None
    return {name: answered[name] for name in asked.names if name in answered}


def exposition(
    registry: CollectorRegistry, directory: Path | None, values: Mapping[str, Values]
) -> bytes:
    """Return the numbers of this process or, with a directory, of all that count there."""
    collected = _collected(registry) if directory is None else _collected_of_all(directory)
    counted = {metric.name: metric for metric in collected}
    told = CollectorRegistry(auto_describe=False)
    told.register(_Told([_metric(one, counted, values) for one in DESCRIBED]))
    return generate_latest(told)


class _Told(Collector):
    """Metrics that are complete already."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Sequence[Metric]:
        return self._metrics


def _collected(registry: CollectorRegistry) -> Iterator[Metric]:
    for metric in registry.collect():
        # When a counter began is of no use: who restarts is seen by its falling to 0.
        metric.samples = [one for one in metric.samples if not one.name.endswith("_created")]
        yield metric


def _collected_of_all(directory: Path) -> Iterable[Metric]:
    with files.reading(directory):
        return list(_COLLECTOR(None, str(directory)).collect())


def _metric(told: Described, counted: Mapping[str, Metric], values: Mapping[str, Values]) -> Metric:
    """Return a metric with its numbers: those that were counted, or those that were asked for."""
    name = told.name.removesuffix("_total") if told.kind == "counter" else told.name
    metric = Metric(name, told.help, told.kind)
    if name in counted:
        metric.samples = counted[name].samples
        return metric
    value = values.get(told.name, {})
    by_labels = {(): value} if isinstance(value, float | int) else value
    for labels, number in by_labels.items():
        metric.add_sample(told.name, dict(zip(told.labels, labels, strict=True)), number)
    return metric
