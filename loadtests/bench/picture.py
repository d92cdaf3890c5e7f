"""The variants as a picture: how many requests a second, and what one costs."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from loadtests.bench.ratios import Turn, turns_of, variants_of

INCHES = (11, 5)
COLOURS = ("#3b6ea5", "#59a14f", "#c8553d", "#8d6cab")
OURS_COLOUR, OTHERS_COLOUR = "#3b6ea5", "#b0b7bf"


def draw(turns: Sequence[Turn], file: Path) -> None:
    """Draw the medians, the rates with their least and most, as SVG."""
    # Nobody else needs it, and it takes longer to import than all the rest.
    from matplotlib import rc_context  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    names = variants_of(turns)[::-1]
    figure = Figure(figsize=INCHES, layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    rates = [[turn.rate for turn in turns_of(turns, name)] for name in names]
    middles = [median(found) for found in rates]
    spans = [
        [middle - min(found) for middle, found in zip(middles, rates, strict=True)],
        [max(found) - middle for middle, found in zip(middles, rates, strict=True)],
    ]
    colours = [OURS_COLOUR if name.startswith("ours") else OTHERS_COLOUR for name in names]
    left.barh(names, middles, xerr=spans, color=colours, error_kw={"capsize": 3})
    left.set_xlabel("requests a second: median, least and most")
    ends = [0.0] * len(names)
    for store, colour in zip(turns[0].cpu_us, COLOURS, strict=False):
        costs = [median(turn.cpu_us[store] for turn in turns_of(turns, name)) for name in names]
        right.barh(names, costs, left=ends, color=colour, label=store)
        ends = [end + cost for end, cost in zip(ends, costs, strict=True)]
    right.set_xlabel("CPU microseconds a request")
    right.legend(loc="lower right", frameon=False)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    # The same figures shall make the same file.
    with rc_context({"svg.hashsalt": "bench", "svg.fonttype": "none"}):
        figure.savefig(file, format="svg", metadata={"Date": None})
