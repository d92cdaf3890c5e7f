"""What was told before a power cut, against what is on record after it. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from loadtests.bench.report import table
from loadtests.journal import Answer, Outcome

DURABLE, UNDURABLE = "journal, then acknowledge", "acknowledge, then journal"
NANOSECONDS_A_MILLISECOND = 1e6
SHOWN_MAX = 5

# Definite answers by the key of what they answer.
Heard = dict[str, Answer]


@dataclass(frozen=True, slots=True)
class Cut:
    """One power cut, and what came of it.

    `acknowledged` counts purchases, `refused` refusals, both told before the cut; `open` those of
    which nobody knew what became of them. `lost` are the keys of purchases that were acknowledged
    and are not on record, `lost_ms` is how long before the cut the oldest of them was, and
    `otherwise` the keys whose retry was answered otherwise. `unsynced_bytes` were gone.
    """

    way: str
    number: int
    acknowledged: int
    refused: int
    open: int
    lost: Sequence[str]
    lost_ms: float | None
    otherwise: Sequence[str]
    unsynced_bytes: int
    seconds: float
    problems: Sequence[str]


def definite(answer: Answer) -> bool:
    """Tell whether an answer is one that must be given again."""
    return answer.outcome in (Outcome.SOLD, Outcome.REFUSED)


def acknowledged(heard: Mapping[str, Answer]) -> dict[str, str]:
    """Return the ids of the purchases that were acknowledged, by their keys."""
    return {
        key: answer.document["id"]
        for key, answer in heard.items()
        if answer.outcome is Outcome.SOLD
    }


def lost(heard: Mapping[str, Answer], on_record: Collection[str]) -> list[str]:
    """Return the keys of purchases that were acknowledged and whose id is not on record."""
    return [key for key, id in acknowledged(heard).items() if id not in on_record]


def age_ms(heard: Mapping[str, Answer], keys: Sequence[str], cut_at: int) -> float | None:
    """Return how long before the cut the oldest of some answers came; None if there are none.

    Negative if all of them were still on their way when mongod stood.
    """
    if not keys:
        return None
    return (cut_at - min(heard[key].at for key in keys)) / NANOSECONDS_A_MILLISECOND


def otherwise(before: Mapping[str, Answer], after: Mapping[str, Answer]) -> list[str]:
    """Return the keys that were not answered afterwards as before, to the letter."""
    return [key for key, answer in before.items() if not _same(answer, after.get(key))]


def _same(answer: Answer, again: Answer | None) -> bool:
    return again is not None and (answer.status, answer.body) == (again.status, again.body)


def problems_of(cuts: Sequence[Cut]) -> list[str]:
    """Return everything that must not be after power cuts of the service as it is."""
    problems = []
    for cut in cuts:
        if cut.way != DURABLE:
            continue
        where = f"Cut {cut.number}"
        if cut.lost:
            problems.append(f"{where}: {_some(cut.lost)} acknowledged and lost")
        if cut.otherwise:
            problems.append(f"{where}: {_some(cut.otherwise)} answered otherwise")
        problems += [f"{where}: {problem}" for problem in cut.problems]
    return problems


def proves_something(cuts: Sequence[Cut]) -> bool:
    """Tell whether the control has lost what it must, so that losing nothing means something."""
    return any(cut.lost for cut in cuts if cut.way == UNDURABLE)


def markdown(cuts: Sequence[Cut]) -> str:
    """Return the cuts, one a row, and their sums."""
    header = ["the service would", "cut", "acknowledged", "lost", "oldest lost, ms before the cut"]
    header += ["refusals told", "unknown", "retries answered otherwise", "unsynced, MB"]
    header += ["mounted for, s", "books"]
    rows = [_row(cut) for cut in cuts]
    for way in dict.fromkeys(cut.way for cut in cuts):
        own = [cut for cut in cuts if cut.way == way]
        sums = [sum(cut.acknowledged for cut in own), sum(len(cut.lost) for cut in own)]
        rows.append([way, "all", *(f"{number:,}" for number in sums), *[""] * (len(header) - 4)])
    return table(header, rows)


def _row(cut: Cut) -> list[str]:
    durable = cut.way == DURABLE
    return [
        *(cut.way, str(cut.number), f"{cut.acknowledged:,}", f"{len(cut.lost):,}"),
        "" if cut.lost_ms is None else f"{cut.lost_ms:.0f}",
        *(f"{cut.refused:,}", f"{cut.open:,}"),
        # Who has lost purchases cannot answer for them.
        f"{len(cut.otherwise):,}" if durable else "not asked",
        *(f"{cut.unsynced_bytes / 1e6:.1f}", f"{cut.seconds:.0f}"),
        "wrong" if cut.problems else "right",
    ]


def _some(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - SHOWN_MAX} more" if len(keys) > SHOWN_MAX else ""
    return ", ".join(keys[:SHOWN_MAX]) + more
