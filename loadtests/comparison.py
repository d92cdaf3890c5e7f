"""What a comparison amounts to: medians, and ratios taken round by round. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

PLAIN = "plain"
OURS = "ours"
OURS_KEYED = "ours, with keys"


@dataclass(frozen=True, slots=True)
class Turn:
    """What one variant did in one round.

    CPU is in microseconds a purchase; `others_share` is the part of the machine's CPU time that
    went to none of the processes that take part.
    """

    variant: str
    purchases: int
    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us: Mapping[str, float]
    generator_us: float
    others_share: float
    problem: str | None


@dataclass(frozen=True, slots=True)
class Ratio:
    """A quotient to the plain design, taken round by round."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, own: Sequence[float], plain: Sequence[float]) -> "Ratio":
        """Divide the figures of the same rounds."""
        quotients = [mine / its for mine, its in zip(own, plain, strict=True)]
        return cls(*(round(f(quotients), 2) for f in (median, min, max)))

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.least:.2f}-{self.most:.2f})"


def _of(turns: Sequence[Turn], variant: str) -> list[Turn]:
    return [turn for turn in turns if turn.variant == variant]


def _cpu_us(turn: Turn) -> float:
    return sum(turn.cpu_us.values())


FIGURES: dict[str, Callable[[Turn], float]] = {
    "rate": lambda turn: turn.rate,
    "p50": lambda turn: turn.p50_ms,
    "p99": lambda turn: turn.p99_ms,
    "cpu": _cpu_us,
}


def ratios_of(turns: Sequence[Turn]) -> dict[str, dict[str, Ratio]]:
    """Return each variant's figures over those of the plain design."""
    plain = _of(turns, PLAIN)
    return {
        variant: {
            name: Ratio.of([*map(figure, _of(turns, variant))], [*map(figure, plain)])
            for name, figure in FIGURES.items()
        }
        for variant in (OURS, OURS_KEYED)
    }


def markdown(turns: Sequence[Turn]) -> str:
    """Return the comparison as two Markdown tables: medians and ratios."""
    stores = list(turns[0].cpu_us)
    header = ["", "purchases/s", "p50 ms", "p99 ms", *(f"{name} us" for name in stores), "sum us"]
    header += ["generator us", "others' CPU"]
    rows = [_row(variant, _of(turns, variant)) for variant in (PLAIN, OURS, OURS_KEYED)]
    ratios = ratios_of(turns)
    ratio_rows = [
        [f"{variant} / {PLAIN}", *map(str, ratios[variant].values())] for variant in ratios
    ]
    return "\n".join(
        [*_markdown_table(header, rows), "", *_markdown_table(["", *FIGURES], ratio_rows)]
    )


def _row(variant: str, turns: Sequence[Turn]) -> list[str]:
    def middle(figure: Callable[[Turn], float]) -> float:
        return median(map(figure, turns))

    rates = [turn.rate for turn in turns]
    return [
        variant,
        f"{median(rates):.0f} ({min(rates):.0f}-{max(rates):.0f})",
        f"{middle(lambda turn: turn.p50_ms):.0f}",
        f"{middle(lambda turn: turn.p99_ms):.0f}",
        *(f"{median(turn.cpu_us[name] for turn in turns):.0f}" for name in turns[0].cpu_us),
        f"{middle(_cpu_us):.0f}",
        f"{middle(lambda turn: turn.generator_us):.0f}",
        f"{middle(lambda turn: turn.others_share):.0%}",
    ]


def _markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    dashes = ["---", *("---:" for _ in header[1:])]
    return ["| " + " | ".join(cells) + " |" for cells in (header, dashes, *rows)]
