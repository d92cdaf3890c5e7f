"""What the service is to reach, and whether it does. Pure; each bound stands here once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from loadtests.bench.ratios import Ratio, Turn, ratios_of, turns_of
from loadtests.bench.singles import Overloaded, Processes, Singles

GUARDED = "guarded purchase"
HOT, KEYED, SPREAD = "ours purchase", "ours keyed purchase", "ours spread purchase"
READ, EDGE = "ours read", "nginx purchase"
# Fewer requests say nothing about memory that grows with them.
MEMORY_REQUESTS_MIN = 100_000


@dataclass(frozen=True, slots=True)
class Target:
    """Something to reach: at least or at most `bound`. What was not measured is None."""

    what: str
    at_least: bool
    bound: float
    unit: str
    measured: float | None

    @property
    def met(self) -> bool | None:
        """Tell whether it is reached; None if that was not measured."""
        if self.measured is None:
            return None
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound


@dataclass(frozen=True, slots=True)
class Measured:
    """All that targets are held against; `singles` only of a whole run."""

    turns: Sequence[Turn]
    singles: Singles | None
    processes: Processes


def targets_of(measured: Measured) -> list[Target]:
    """Hold what was measured against every target."""
    return [
        *(*_of_rates(measured), *_of_groups(measured), *_of_cpu(measured)),
        *(*_of_singles(measured), *_of_overload(measured), _of_memory(measured)),
    ]


def _of_rates(measured: Measured) -> list[Target]:
    ratio = _Ratios(measured.turns)
    tail = _median(measured.turns, HOT, lambda turn: turn.p99_ms / turn.p50_ms)
    return [
        _least("purchases of one product, of plain", 3, "x", ratio(HOT, "plain purchase", "rate")),
        _least("purchases of one product, of bare", 0.6, "x", ratio(HOT, "bare purchase", "rate")),
        _most("p99 of them, of p50", 3, "x", tail),
        _least("keyed purchases, of plain", 2, "x", ratio(KEYED, "plain purchase", "rate")),
        _least(
            *("purchases of 1,000 products, of plain", 2.5, "x"),
            ratio(SPREAD, "plain spread purchase", "rate"),
        ),
        _least("purchases of one product, of 1,000", 0.9, "x", ratio(HOT, SPREAD, "rate")),
    ]


def _of_groups(measured: Measured) -> list[Target]:
    return [
        _most(
            *("write conflicts a purchase", 0.05, ""),
            _median(measured.turns, HOT, lambda turn: turn.conflicts),
        ),
        _least(
            *("purchases in a group", 5, ""),
            _median(measured.turns, HOT, lambda turn: turn.group),
        ),
    ]


def _of_cpu(measured: Measured) -> list[Target]:
    ratio = _Ratios(measured.turns)
    cpu = "app CPU"
    return [
        _most("CPU of a cached read, of bare", 1.3, "x", ratio(READ, "bare read", cpu)),
        _most("CPU of a 304, of a bare read", 1.1, "x", ratio("ours 304", "bare read", cpu)),
        _most(
            *("CPU of a cached list of 20, of bare", 1.8, "x"),
            ratio("ours list of 20", "bare list of 20", cpu),
        ),
        _most(
            "CPU of a purchase with key and limits, of one without",
            1.15,
            "x",
            ratio(GUARDED, HOT, "all CPU"),
        ),
        _least("reads through nginx, of the service", 8, "x", ratio("nginx read", READ, "rate")),
    ]


def _of_singles(measured: Measured) -> list[Target]:
    found = measured.singles

    def single(figure: Callable[[Singles], float | None]) -> float | None:
        return None if found is None else figure(found)

    return [
        _most("one client alone, of 1.1 x plain + one insert", 1, "x", single(_alone)),
        _least("hits, Zipf over 10,000 products", 0.95, "", single(lambda s: s.zipf_hit_ratio)),
        _least("hits of a product that sells", 0.9, "", single(lambda s: s.selling_hit_ratio)),
    ]


def _of_overload(measured: Measured) -> Iterator[Target]:
    found = measured.singles
    for where, variant, over in (
        ("", HOT, found.overloaded if found else None),
        (" through nginx", EDGE, found.edge_overloaded if found else None),
    ):
        peak = _median(measured.turns, variant, lambda turn: turn.rate)
        yield _least(
            *(f"2xx at twice the load{where}, of the peak", 0.9, "x"),
            over.goodput / peak if over and peak else None,
        )
        for what, bound, unit, figure in _OVERLOAD:
            yield _most(f"{what}{where}", bound, unit, figure(over) if over else None)


def _of_memory(measured: Measured) -> Target:
    held = measured.processes
    enough = held.requests_a_worker >= MEMORY_REQUESTS_MIN
    memory = max(held.workers_megabytes) if enough else None
    return _most("memory of a worker after 100,000 requests", 120, "MB", memory)


def _alone(found: Singles) -> float:
    return found.alone.ours_ms / (1.1 * found.alone.plain_ms + found.alone.insert_ms)


def _silent_refusals(over: Overloaded) -> float | None:
    """Return how many refusals did not say when to come back; None if nobody was refused."""
    return None if over.refused_p99_ms is None else over.without_retry_after


# Bounds of what happens at twice the load.
_OVERLOAD: Sequence[tuple[str, float, str, Callable[[Overloaded], float | None]]] = (
    ("p99 of a refusal", 50, "ms", lambda over: over.refused_p99_ms),
    ("refusals without Retry-After", 0, "", _silent_refusals),
    ("requests with an unknown outcome", 0, "", lambda over: over.unheard),
    ("workers killed", 0, "", lambda over: over.workers_killed),
)


class _Ratios:
    def __init__(self, turns: Sequence[Turn]) -> None:
        self._ratios = ratios_of(turns)

    def __call__(self, own: str, other: str, figure: str) -> float | None:
        found: dict[str, Ratio] | None = self._ratios.get((own, other))
        return found[figure].median if found else None


def _median(
    turns: Sequence[Turn], variant: str, figure: Callable[[Turn], float | None]
) -> float | None:
    found = [value for turn in turns_of(turns, variant) if (value := figure(turn)) is not None]
    return median(found) if found else None


def _least(what: str, bound: float, unit: str, measured: float | None) -> Target:
    return Target(what, True, bound, unit, measured)


def _most(what: str, bound: float, unit: str, measured: float | None) -> Target:
    return Target(what, False, bound, unit, measured)
