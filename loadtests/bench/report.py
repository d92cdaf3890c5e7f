"""The results as people read them: Markdown tables, and the generated part of a page in docs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from loadtests.bench.ratios import FIGURES, Turn, ratios_of, turns_of, variants_of
from loadtests.bench.singles import Overloaded, Singles
from loadtests.bench.targets import Measured, Target, targets_of

BEGIN, END = "<!-- make bench KEEP=1: begin -->", "<!-- make bench KEEP=1: end -->"
VERDICTS = {True: "met", False: "**not met**", None: "not measured"}

Rows = Sequence[Sequence[str]]


class PageError(Exception):
    """The page has no place for the results."""


def markdown(measured: Measured, circumstances: Mapping[str, str]) -> str:
    """Return all results."""
    parts = [
        ", ".join(f"{name} {value}" for name, value in circumstances.items()) + ".",
        *("Targets:", target_table(targets_of(measured))),
        *("Variants:", _variants(measured.turns)),
        *("Ratios, taken round by round:", _ratios(measured.turns)),
        *("Once a run:", table(("", ""), [*_single_rows(measured)])),
    ]
    return "\n\n".join(parts)


def between_markers(page: str, generated: str, begin: str = BEGIN, end: str = END) -> str:
    """Return `page` with what stands between its two markers replaced."""
    before, begun, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not begun or not ended:
        raise PageError(f"The page lacks its two markers, {begin} and {end}.")
    return f"{before}{begin}\n\n{generated}\n\n{end}{after}"


def keep(page: Path, picture_name: str, generated: str) -> None:
    """Put the results of this run into the page in place of the last ones."""
    shown = f"![Rates and CPU of all variants]({picture_name})\n\n{generated}"
    page.write_text(between_markers(page.read_text(), shown))


def target_table(targets: Sequence[Target]) -> str:
    """Return what was to be reached beside what was."""
    return table(("target", "bound", "measured", ""), _target_rows(targets))


def _target_rows(targets: Sequence[Target]) -> Rows:
    return [
        (
            target.what,
            f"{'>=' if target.at_least else '<='} {_number(target, target.bound)}",
            "-" if target.measured is None else _number(target, target.measured),
            VERDICTS[target.met],
        )
        for target in targets
    ]


def _number(target: Target, value: float) -> str:
    text = f"{value:.3g}" if abs(value) < 1_000 else f"{value:.0f}"
    return text if target.unit == "" else f"{text} {target.unit}"


def _variants(turns: Sequence[Turn]) -> str:
    stores = list(turns[0].cpu_us)
    header = ["", "requests/s", "p50 ms", "p99 ms", *(f"{name} us" for name in stores), "sum us"]
    header += ["generator us", "others' CPU", "conflicts", "group"]
    rows = [_variant_row(name, turns_of(turns, name)) for name in variants_of(turns)]
    return table(header, rows)


def _variant_row(name: str, turns: Sequence[Turn]) -> Sequence[str]:
    def middle(figure: Callable[[Turn], float]) -> float:
        return median(map(figure, turns))

    rates = [turn.rate for turn in turns]
    groups = [turn.group for turn in turns if turn.group is not None]
    return [
        name,
        f"{median(rates):.0f} ({min(rates):.0f}-{max(rates):.0f})",
        f"{middle(FIGURES['p50']):.1f}",
        f"{middle(FIGURES['p99']):.1f}",
        *(f"{median(turn.cpu_us[store] for turn in turns):.0f}" for store in turns[0].cpu_us),
        f"{middle(FIGURES['all CPU']):.0f}",
        f"{middle(lambda turn: turn.generator_us):.0f}",
        f"{middle(lambda turn: turn.others_share):.0%}",
        f"{middle(lambda turn: turn.conflicts):.3f}",
        f"{median(groups):.1f}" if groups else "",
    ]


def _ratios(turns: Sequence[Turn]) -> str:
    rows = [
        [" / ".join(pair), *map(str, ratios.values())] for pair, ratios in ratios_of(turns).items()
    ]
    return table(["", *FIGURES], rows)


def _single_rows(measured: Measured) -> Iterator[tuple[str, str]]:
    if measured.singles is not None:
        yield from _load_rows(measured.singles)
    yield "memory of the workers", _memory(measured)
    held = measured.processes
    yield (
        "connections",
        f"{held.mongod_connections} of the service's to mongod (its pools hold {held.mongod_pool} "
        f"at most; monitors come on top) of {held.everybodys_connections}",
    )


def _load_rows(found: Singles) -> Iterator[tuple[str, str]]:
    alone, steady = found.alone, found.steady
    yield (
        "one client alone, p50",
        f"ours {alone.ours_ms} ms, plain {alone.plain_ms} ms, one insert {alone.insert_ms} ms",
    )
    yield (
        "open loop at 70 % of the peak",
        f"{steady.rate:.0f}/s: p50 {steady.p50_ms} ms, p99 {steady.p99_ms} ms, "
        f"{steady.other_than_201} not sold, generator {steady.generator_us:.0f} us",
    )
    yield "open loop at twice the peak", _overload(found.overloaded)
    yield "the same through nginx, of its own peak", _overload(found.edge_overloaded)
    yield "hits, Zipf over 10,000 products, 5 % purchases", _share(found.zipf_hit_ratio)
    yield "hits of a product that is selling", _share(found.selling_hit_ratio)


def _overload(over: Overloaded) -> str:
    return (
        f"{over.rate:.0f}/s: {over.goodput:.0f} sold a second, their p99 {over.p99_ms} ms; "
        f"{over.refused_share:.0%} refused, p99 {_or_none(over.refused_p99_ms)} ms, "
        f"{over.without_retry_after} of them without Retry-After; {over.unheard} unheard of; "
        f"{over.connections} connections, {over.workers_killed} workers killed, "
        f"generator {over.generator_us:.0f} us"
    )


def _memory(measured: Measured) -> str:
    """Return what the workers hold in the end, and when one of them held most."""
    held = measured.processes
    after = {
        f"{turn.variant} of round {turn.round}": turn.worker_megabytes for turn in measured.turns
    }
    after |= held.megabytes_after
    what, most = max(after.items(), key=lambda one: one[1])
    return (
        f"{', '.join(f'{size:.0f}' for size in held.workers_megabytes)} MB "
        f"after {held.requests_a_worker:,} requests each; at most {most:.0f} MB, after {what}"
    )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _or_none(value: float | None) -> str:
    return "-" if value is None else f"{value}"


def table(header: Sequence[str], rows: Rows) -> str:
    """Return a table; all columns but the first are aligned to the right."""
    dashes = ["---", *("---:" for _ in header[1:])]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, dashes, *rows))
