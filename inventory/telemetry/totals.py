"""The few numbers that an overview shows: what all workers have counted since the instance began.

Many look often, so no more is read than the files of counters and of histograms, and what is meant
by a name that stands in them is worked out once.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.mmap_dict import MmapedDict

from inventory.telemetry import files
from inventory.telemetry.described import BY_NAME

_PURCHASE = "inventory_purchase_seconds"
BOUNDS = BY_NAME[_PURCHASE].buckets
_FILES = ("counter_*.db", "histogram_*.db")
# Each worker that is alive has one of these.
_ALIVE = "gauge_livesum_*.db"
_TURNED_AWAY = frozenset({"overloaded", "rate_limited"})
_PLAIN = {"inventory_purchases_total": "purchases", "inventory_units_sold_total": "units_sold"}
_CACHE = {"hit": "cache_hits", "miss": "cache_misses"}
# Where a number belongs: the name of a total, and what it is divided by, if it is.
_Place = tuple[str, str]
# The library has no types for it.
_NUMBERS: Any = MmapedDict


@dataclass(frozen=True, slots=True)
class Totals:
    """What was counted since the instance began; `turned_away` are in `server_errors` if 503."""

    requests: int
    server_errors: int
    turned_away: int
    purchases: int
    units_sold: int
    refusals: Mapping[str, int]
    cache_hits: int
    cache_misses: int


@dataclass(frozen=True, slots=True)
class Counted:
    """The totals, how many workers are alive, and how long purchases took.

    `purchase_counts` are of one bucket each, not of all below; the last is beyond all `BOUNDS`.
    """

    workers: int
    totals: Totals
    purchase_counts: tuple[int, ...]


def added_up(registry: CollectorRegistry, directory: Path | None) -> Counted:
    """Return the numbers of this process or, with a directory, of all that count there."""
    found: Counter[_Place] = Counter()
    if directory is None:
        workers, numbers = 1, list(_of_process(registry))
    else:
        with files.reading(directory):
            workers = sum(1 for _ in directory.glob(_ALIVE))
            numbers = list(_of_files(directory))
    for places, value in numbers:
        for place in places:
            found[place] += int(value)
    return Counted(workers, _totals(found), _purchase_counts(found))


def _totals(found: Mapping[_Place, int]) -> Totals:
    refusals = {code: n for (name, code), n in found.items() if name == "refusals" and n}
    return Totals(
        requests=found["requests", ""],
        server_errors=found["server_errors", ""],
        turned_away=sum(refusals.get(code, 0) for code in _TURNED_AWAY),
        purchases=found["purchases", ""],
        units_sold=found["units_sold", ""],
        refusals=dict(sorted(refusals.items())),
        cache_hits=found["cache_hits", ""],
        cache_misses=found["cache_misses", ""],
    )


def _purchase_counts(found: Mapping[_Place, int]) -> tuple[int, ...]:
    ends = [*map(str, BOUNDS), "+Inf"]
    return tuple(found[_PURCHASE, end] for end in ends)


def _of_files(directory: Path) -> Iterator[tuple[tuple[_Place, ...], float]]:
    for kind in _FILES:
        for file in directory.glob(kind):
            for key, value, _, _ in _NUMBERS.read_all_values_from_file(str(file)):
                if places := _places_of_key(key):
                    yield places, value


@lru_cache(maxsize=16_384)
def _places_of_key(key: str) -> tuple[_Place, ...]:
    _, name, labels, _ = json.loads(key)
    return _places(name, labels)


def _of_process(registry: CollectorRegistry) -> Iterator[tuple[tuple[_Place, ...], float]]:
    below = 0.0
    for sample in _samples(registry):
        places, value = _places(sample.name, sample.labels), sample.value
        if places and places[0][0] == _PURCHASE:
            # Here each bucket has in it what all below it have.
            value, below = value - below, value
        if places:
            yield places, value


def _samples(registry: CollectorRegistry) -> Iterable[Any]:
    return (sample for metric in registry.collect() for sample in metric.samples)


def _places(name: str, labels: Mapping[str, str]) -> tuple[_Place, ...]:
    """Return all totals that a sample is a part of."""
    if name in _PLAIN:
        return ((_PLAIN[name], ""),)
    match name:
        case "inventory_requests_total":
            failed = labels["status"].startswith("5")
            return (("requests", ""), ("server_errors", ""))[: 1 + failed]
        case "inventory_refusals_total":
            return (("refusals", labels["code"]),)
        case "inventory_cache_events_total" if labels["event"] in _CACHE:
            return ((_CACHE[labels["event"]], ""),)
        case "inventory_purchase_seconds_bucket":
            return ((_PURCHASE, labels["le"]),)
    return ()
