"""How much memory each transfer held over time, as a picture."""

from collections.abc import Mapping
from pathlib import Path

from loadtests.bulk.watching import Watched

INCHES = (10, 4.5)


def draw(runs: Mapping[str, Watched], file: Path) -> None:
    """Draw a line for each run, as SVG."""
    # Nobody else needs it, and it takes longer to import than all the rest.
    from matplotlib import rc_context  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=INCHES, layout="constrained")
    axes = figure.subplots()
    for name, watched in runs.items():
        axes.plot(watched.seconds, watched.megabytes, label=name)
    axes.set_xlabel("seconds since it began")
    axes.set_ylabel("resident megabytes of the process")
    axes.set_ylim(bottom=0)
    axes.legend(loc="lower right", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    # The same figures shall make the same file.
    with rc_context({"svg.hashsalt": "bulk", "svg.fonttype": "none"}):
        figure.savefig(file, format="svg", metadata={"Date": None})
