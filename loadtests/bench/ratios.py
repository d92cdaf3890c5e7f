"""What the turns amount to: medians, and ratios taken round by round. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from loadtests.bench.plan import PAIRS, VARIANTS

APP = "app"


@dataclass(frozen=True, slots=True)
class Turn:
    """What one variant did in one round.

    CPU is in microseconds a request; `others_share` is the part of the machine's CPU time that went
    to none of the processes that take part. `group` is how many changes of stock were decided
    together, None where nothing is counted; `conflicts` are mongod's write conflicts a request.
    `worker_megabytes` is what the larger worker of the service, not of the variant, held after it.
    """

    variant: str
    round: int
    requests: int
    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us: Mapping[str, float]
    generator_us: float
    others_share: float
    conflicts: float
    group: float | None
    worker_megabytes: float
    problem: str | None


@dataclass(frozen=True, slots=True)
class Ratio:
    """A quotient of two variants, taken round by round."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, own: Sequence[float], other: Sequence[float]) -> "Ratio":
        """Divide the figures of the same rounds."""
        quotients = [mine / its for mine, its in zip(own, other, strict=True)]
        return cls(*(round(f(quotients), 3) for f in (median, min, max)))

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.least:.2f}-{self.most:.2f})"


Figure = Callable[[Turn], float]
FIGURES: dict[str, Figure] = {
    "rate": lambda turn: turn.rate,
    "p50": lambda turn: turn.p50_ms,
    "p99": lambda turn: turn.p99_ms,
    "app CPU": lambda turn: turn.cpu_us[APP],
    "all CPU": lambda turn: sum(turn.cpu_us.values()),
}


def turns_of(turns: Iterable[Turn], variant: str) -> list[Turn]:
    """Return the turns of a variant in the order of rounds."""
    return sorted((t for t in turns if t.variant == variant), key=lambda turn: turn.round)


def variants_of(turns: Iterable[Turn]) -> list[str]:
    """Return the names of the variants that took part, in their usual order."""
    names = {turn.variant for turn in turns}
    return [variant.name for variant in VARIANTS if variant.name in names]


def ratios_of(turns: Sequence[Turn]) -> dict[tuple[str, str], dict[str, Ratio]]:
    """Return the quotients of each pair of which both took part."""
    ratios = {}
    for pair in PAIRS:
        own, other = (turns_of(turns, name) for name in pair)
        if own and other:
            ratios[pair] = {
                name: Ratio.of([*map(figure, own)], [*map(figure, other)])
                for name, figure in FIGURES.items()
            }
    return ratios
