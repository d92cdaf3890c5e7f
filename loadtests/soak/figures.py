"""What was held minute by minute, how it grew, and whether that is within bounds. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import linear_regression

from loadtests.bench.report import table, target_table
from loadtests.bench.targets import MEMORY_REQUESTS_MIN, Target

WORKER_MEGABYTES_MAX = 120
SLOPE_MEGABYTES_AN_HOUR_MAX = 10
# Over less, a page more or less makes a slope.
SLOPE_SECONDS_MIN = 600.0
SECONDS_AN_HOUR = 3_600


@dataclass(frozen=True, slots=True)
class Held:
    """What one process holds; memory in megabytes."""

    megabytes: float
    files: int


@dataclass(frozen=True, slots=True)
class Sample:
    """What was held at one moment, with no request under way.

    `seconds` and `requests` count from the beginning. `rate`, latencies in milliseconds, `refused`
    and `unheard` are those of the time since the last sample. `metrics_bytes` are the files that
    the workers count in, `exposition_bytes` what `/metrics` answers.
    """

    seconds: float
    requests: int
    rate: float
    p50_ms: float
    p99_ms: float
    refused: int
    unheard: int
    workers: Mapping[int, Held]
    mongod: Held
    valkey: Held
    mongod_connections: int
    valkey_connections: int
    metrics_bytes: int
    exposition_bytes: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many connections all workers together may have."""

    mongod_connections: int
    valkey_connections: int


def second_half(samples: Sequence[Sample]) -> list[Sample]:
    """Return the samples from the middle of the time on."""
    middle = (samples[0].seconds + samples[-1].seconds) / 2
    return [sample for sample in samples if sample.seconds >= middle]


def slopes(samples: Sequence[Sample]) -> dict[int, float]:
    """Return how fast each worker grew, in megabytes an hour, by least squares.

    Of workers that were there all the time; none if there are not two moments.
    """
    if len({sample.seconds for sample in samples}) < 2:
        return {}
    times = [sample.seconds for sample in samples]
    lasting = set.intersection(*(set(sample.workers) for sample in samples))
    return {
        pid: linear_regression(times, [sample.workers[pid].megabytes for sample in samples]).slope
        * SECONDS_AN_HOUR
        for pid in sorted(lasting)
    }


def highest_megabytes(samples: Sequence[Sample]) -> float:
    """Return the most that any worker held."""
    return max(held.megabytes for sample in samples for held in sample.workers.values())


def targets_of(samples: Sequence[Sample], bounds: Bounds) -> list[Target]:
    """Hold the samples against every target; what was too short to tell is not measured."""
    late = second_half(samples)
    last = samples[-1]
    enough = last.requests >= MEMORY_REQUESTS_MIN * len(last.workers)
    long_enough = late[-1].seconds - late[0].seconds >= SLOPE_SECONDS_MIN
    steepest = max(slopes(late).values(), default=None) if long_enough else None
    replaced = set().union(*(sample.workers for sample in samples)) - set(samples[0].workers)
    mongod = max(sample.mongod_connections for sample in samples)
    valkey = max(sample.valkey_connections for sample in samples)
    return [
        Target(
            *("memory of a worker after 100,000 requests", False, WORKER_MEGABYTES_MAX, "MB"),
            highest_megabytes(samples) if enough else None,
        ),
        Target(
            *("growth of a worker, second half", False, SLOPE_MEGABYTES_AN_HOUR_MAX, "MB/hour"),
            steepest,
        ),
        Target("connections to mongod", False, bounds.mongod_connections, "", mongod),
        Target("connections to Valkey", False, bounds.valkey_connections, "", valkey),
        Target("workers replaced", False, 0, "", len(replaced)),
    ]


def markdown(
    samples: Sequence[Sample], bounds: Bounds, circumstances: Mapping[str, str], peak: float
) -> str:
    """Return all results; `peak` is the rate that was measured before."""
    last, late = samples[-1], second_half(samples)
    grown = ", ".join(f"{slope:+.1f}" for slope in slopes(late).values()) or "unknown"
    parts = [
        ", ".join(f"{name} {value}" for name, value in circumstances.items()) + ".",
        f"{last.requests:,} requests in {last.seconds / 60:.0f} minutes; "
        f"the peak, measured before, was {peak:.0f}/s. "
        f"The workers grew by {grown} MB an hour in the second half and held "
        f"{highest_megabytes(samples):.0f} MB at most.",
        *("Targets:", target_table(targets_of(samples, bounds))),
        *("Minute by minute:", _minutes(samples)),
    ]
    return "\n\n".join(parts)


def _minutes(samples: Sequence[Sample]) -> str:
    header = ["minute", "requests/s", "p50 ms", "p99 ms", "refused", "unheard", "workers MB"]
    header += ["mongod MB", "valkey MB", "files: workers", "mongod", "valkey"]
    header += ["connections: mongod", "valkey", "metrics files kB", "/metrics kB"]
    return table(header, [_minute(sample) for sample in samples])


def _minute(sample: Sample) -> Sequence[str]:
    workers = sample.workers.values()
    return [
        f"{sample.seconds / 60:.0f}",
        *(f"{sample.rate:.0f}", f"{sample.p50_ms:.1f}", f"{sample.p99_ms:.1f}"),
        *(f"{sample.refused}", f"{sample.unheard}"),
        ", ".join(f"{held.megabytes:.1f}" for held in workers),
        *(f"{sample.mongod.megabytes:.0f}", f"{sample.valkey.megabytes:.0f}"),
        ", ".join(f"{held.files}" for held in workers),
        *(f"{sample.mongod.files}", f"{sample.valkey.files}"),
        *(f"{sample.mongod_connections}", f"{sample.valkey_connections}"),
        *(f"{sample.metrics_bytes / 1e3:.0f}", f"{sample.exposition_bytes / 1e3:.0f}"),
    ]
