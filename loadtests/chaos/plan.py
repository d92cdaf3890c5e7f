"""From a seed to a schedule: the same seed gives the same faults in the same order. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from loadtests.chaos.faults import BY_NAME, FAULTS, Fault

PAIR_SHARE = 0.3
# Longer than this is for the first round only, in which every fault strikes by itself.
SECONDS_MAX = 5.0
GAP_SECONDS = (0.3, 0.6, 1.0)


@dataclass(frozen=True, slots=True)
class Step:
    """One or two faults at once, for so many seconds, after a gap; `seed` throws their dice."""

    number: int
    faults: tuple[Fault, ...]
    seconds: float
    gap_seconds: float
    seed: str

    @property
    def name(self) -> str:
        """Return what strikes."""
        return " + ".join(fault.name for fault in self.faults)

    @property
    def is_of_redis(self) -> bool:
        """Tell whether nothing but Redis is in trouble."""
        return all("Redis" in fault.name for fault in self.faults)

    @property
    def is_silent(self) -> bool:
        """Tell whether clients may notice nothing."""
        return all(fault.silent for fault in self.faults)


class PlanError(Exception):
    """Something was asked for that there is not; the message says what there is."""


def faults_of(topology: str, only: str | None) -> list[Fault]:
    """Return the faults of a topology, or those of the names in `only`, separated by commas."""
    names = [name.strip() for name in only.split(",")] if only else list(BY_NAME)
    unknown = [name for name in names if name not in BY_NAME]
    chosen = [f for f in FAULTS if f.name in names and topology in f.topologies]
    if unknown or not chosen:
        known = ", ".join(fault.name for fault in FAULTS if topology in fault.topologies)
        raise PlanError(f"There is no {', '.join(unknown) or only}; choose of: {known}.")
    return chosen


def schedule(seed: int, faults: Sequence[Fault], *, brief: bool = False) -> Iterator[Step]:
    """Yield steps without end: each fault once at each of its lengths, then by chance.

    `brief` takes the shortest length of each only, after the shortest gap, and those that nobody
    may notice first: they need not wait for what others have left.
    """
    dice = Random(f"schedule {seed}")  # nosec B311 # nobody has to be unable to guess it
    first = [
        (fault, seconds)
        for fault in faults
        for seconds in sorted(fault.seconds)[: 1 if brief else None]
    ]
    dice.shuffle(first)
    if brief:
        first.sort(key=lambda one: not one[0].silent)
    number = 0
    for fault, seconds in first:
        gap = min(GAP_SECONDS) if brief else dice.choice(GAP_SECONDS)
        yield Step(number, (fault,), seconds, gap, f"{seed} {number}")
        number += 1
    while True:
        count = 2 if dice.random() < PAIR_SHARE and len(faults) > 1 else 1
        struck = tuple(dice.sample(list(faults), count))
        lengths = [s for fault in struck for s in fault.seconds if s <= SECONDS_MAX] or [0.5]
        gap = dice.choice(GAP_SECONDS)
        yield Step(number, struck, dice.choice(lengths), gap, f"{seed} {number}")
        number += 1
