"""What is asked at every size, what it cost, and how that compares with the smallest. Pure."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from loadtests.bench.ratios import APP, Ratio
from loadtests.bench.report import table, target_table
from loadtests.bench.targets import Target

MONGOD = "mongod"


class Kind(StrEnum):
    """What the requests of a turn do; `uncached` ones say `Cache-Control: no-cache`."""

    HOT = "purchase of one product"
    SPREAD = "purchase, 1,000 products"
    READ = "read"
    UNCACHED = "uncached read"
    PAGE = "uncached first page"
    DEEP_PAGE = "uncached deep page"
    MOVEMENTS = "movements, first page"
    DEEP_MOVEMENTS = "movements, deep page"
    PURCHASES = "purchases, first page"


SELLING = frozenset({Kind.HOT, Kind.SPREAD})
# Turns of one row follow each other, because they are compared with one another.
TOGETHER = (
    (Kind.HOT,),
    (Kind.SPREAD,),
    (Kind.READ,),
    (Kind.UNCACHED,),
    (Kind.PAGE, Kind.DEEP_PAGE),
    (Kind.MOVEMENTS, Kind.DEEP_MOVEMENTS),
    (Kind.PURCHASES,),
)
# How often cached reads find what they look for depends on how many products share the cache. So
# what the same work costs at another size, only reads past the cache can tell.
TARGETS = {Kind.HOT: 1.2, Kind.SPREAD: 1.2, Kind.UNCACHED: 1.2, Kind.PAGE: 1.5}
DEEP_OF_FIRST = 1.2


@dataclass(frozen=True, slots=True)
class Turn:
    """What one kind of request did at one size in one round.

    CPU is in microseconds a request; `others_share` is the part of the machine's CPU time that went
    to none of the processes that take part. `hit_share` is that of the answers that came out of the
    cache, None where there is none. `refused` are answers from 400 on, `broken` failed connections.
    """

    kind: Kind
    size: int
    round: int
    requests: int
    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us: Mapping[str, float]
    generator_us: float
    others_share: float
    hit_share: float | None
    refused: int
    broken: int

    @property
    def failed(self) -> int:
        """Return how many requests got no answer that was asked for."""
        return self.refused + self.broken

    @property
    def cost_us(self) -> float:
        """Return what a request cost service and database together."""
        return self.cpu_us[APP] + self.cpu_us[MONGOD]


FIGURES: dict[str, Callable[[Turn], float]] = {
    "rate": lambda turn: turn.rate,
    "p50": lambda turn: turn.p50_ms,
    "p99": lambda turn: turn.p99_ms,
    "app CPU": lambda turn: turn.cpu_us[APP],
    "mongod CPU": lambda turn: turn.cpu_us[MONGOD],
    "both": lambda turn: turn.cost_us,
}


def order(rounds: int, sizes: Sequence[int]) -> Iterator[tuple[int, Kind, int]]:
    """Yield round, kind and size of each turn.

    What is divided has its turns right after one another, within the same minute: the sizes of a
    kind, and the first page and a deep one. All else is in an order of its own in each round.
    """
    for number in range(rounds):
        chance = random.Random(number)  # nosec B311 # an order, not a secret
        for kinds in chance.sample(TOGETHER, len(TOGETHER)):
            for size in chance.sample(sizes, len(sizes)):
                yield from ((number, kind, size) for kind in chance.sample(kinds, len(kinds)))


def ratio(
    turns: Sequence[Turn],
    own: tuple[Kind, int],
    other: tuple[Kind, int],
    figure: Callable[[Turn], float],
) -> Ratio:
    """Divide a figure of one kind and size by that of another, round by round."""
    mine, its = ([figure(turn) for turn in _of(turns, *one)] for one in (own, other))
    # What costs less than the clock of CPU time can tell is no divisor.
    return Ratio.of(mine, [max(value, 1.0) for value in its])


def targets_of(turns: Sequence[Turn]) -> list[Target]:
    """Hold what a request costs at the largest size against its targets."""
    sizes = _sizes(turns)
    small, large = sizes[0], sizes[-1]

    def cost(own: tuple[Kind, int], other: tuple[Kind, int]) -> float | None:
        return ratio(turns, own, other, lambda turn: turn.cost_us).median

    grown = [
        Target(
            *(f"CPU of {kind}: {large:,} products, of {small:,}", False, bound, "x"),
            cost((kind, large), (kind, small)) if small != large else None,
        )
        for kind, bound in TARGETS.items()
    ]
    deep = cost((Kind.DEEP_PAGE, large), (Kind.PAGE, large))
    what = f"CPU of deep page, of first: {large:,} products"
    return [*grown, Target(what, False, DEEP_OF_FIRST, "x", deep)]


def markdown(turns: Sequence[Turn], circumstances: Mapping[str, str]) -> str:
    """Return all results."""
    parts = [
        ", ".join(f"{name} {value}" for name, value in circumstances.items()) + ".",
        *("Targets:", target_table(targets_of(turns))),
        *("By size of the catalogue:", _sizes_table(turns)),
        *("Of the smallest size, taken round by round:", _ratio_table(turns)),
    ]
    return "\n\n".join(parts)


def _sizes_table(turns: Sequence[Turn]) -> str:
    header = ["", "products", "requests/s", "p50 ms", "p99 ms", "app us", "mongod us", "both us"]
    header += ["hits", "failed", "generator us", "others' CPU"]
    rows = [_row(kind, size, _of(turns, kind, size)) for kind in Kind for size in _sizes(turns)]
    return table(header, rows)


def _row(kind: Kind, size: int, turns: Sequence[Turn]) -> Sequence[str]:
    def middle(figure: Callable[[Turn], float]) -> float:
        return median(map(figure, turns))

    rates = [turn.rate for turn in turns]
    hits = [turn.hit_share for turn in turns if turn.hit_share is not None]
    return [
        *(kind, f"{size:,}", f"{median(rates):.0f} ({min(rates):.0f}-{max(rates):.0f})"),
        *(f"{middle(FIGURES[name]):.1f}" for name in ("p50", "p99")),
        *(f"{middle(FIGURES[name]):.0f}" for name in ("app CPU", "mongod CPU", "both")),
        f"{median(hits):.0%}" if hits else "",
        f"{sum(turn.failed for turn in turns)}",
        f"{middle(lambda turn: turn.generator_us):.0f}",
        f"{middle(lambda turn: turn.others_share):.0%}",
    ]


def _ratio_table(turns: Sequence[Turn]) -> str:
    small, *larger = _sizes(turns)
    rows = [
        [kind, f"{size:,}"]
        + [str(ratio(turns, (kind, size), (kind, small), figure)) for figure in FIGURES.values()]
        for kind in Kind
        for size in larger
    ]
    return table(["", "products", *FIGURES], rows)


def _of(turns: Sequence[Turn], kind: Kind, size: int) -> list[Turn]:
    found = (turn for turn in turns if turn.kind is kind and turn.size == size)
    return sorted(found, key=lambda turn: turn.round)


def _sizes(turns: Sequence[Turn]) -> list[int]:
    return sorted({turn.size for turn in turns})
