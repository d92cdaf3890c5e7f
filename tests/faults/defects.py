"""What a seeded defect is: a mistake, the promise that it breaks, and what has to catch it.

A defect is a patch that a test applies for a while; the product knows nothing of it. What catches
it is an *attempt*, which says what is wrong or finds nothing. With the defect one of the attempts
has to find something, and the very same attempt has to find nothing without it.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from unittest.mock import patch

from inventory import limits
from inventory.settings import Settings
from tests.faults.invariants import Violated
from tests.faults.playing import sample
from tests.faults.scenarios import SCENARIOS, Scenario
from tests.faults.world import PATIENT, Clients

# A defect has to show within so many, and mostly does within a few.
SCHEDULES_MAX = 150
Patch = Callable[[], AbstractContextManager[object]]
# On a busy machine nothing may look right or wrong because it took long.
_PATIENT: dict[str, Any] = {**PATIENT, "REDIS_TIMEOUT_SECONDS": 10.0}
# Returns what was found to be wrong, None if nothing.
Attempt = Callable[[], str | None]


@dataclass(frozen=True, slots=True)
class Ground:
    """What attempts may use: real stores, and a directory for logs."""

    settings: Settings
    clients: Clients
    directory: Path


class Catcher(Protocol):
    """Whatever can find a defect."""

    @property
    def told(self) -> str:
        """How the page tells of it."""

    def attempts(self, ground: Ground) -> Iterator[Attempt]:
        """Yield attempts; the first one that finds something is enough."""


@dataclass(frozen=True, slots=True)
class InScenario:
    """The explorer, which plays a scenario in many orders of its steps and with crashes."""

    scenario: str

    @property
    def told(self) -> str:
        """The scenario."""
        return f"explorer, `{self.scenario}`: {SCENARIOS[self.scenario].says}"

    def attempts(self, ground: Ground) -> Iterator[Attempt]:
        """Yield one schedule after the other, the same ones every time."""
        scenario = SCENARIOS[self.scenario]
        for number in range(SCHEDULES_MAX):
            yield partial(_violation_of_schedule, ground, scenario, number)


def _violation_of_schedule(ground: Ground, scenario: Scenario, number: int) -> str | None:
    return sample(ground.clients, scenario, number).violation


@dataclass(frozen=True, slots=True)
class InCheck:
    """One check of an empty store, which raises `Violated`; its docstring says what has to hold."""

    check: Callable[[Ground], None]

    @property
    def told(self) -> str:
        """What has to hold."""
        holds = (self.check.__doc__ or "").splitlines()[0].removesuffix(".")
        return f"check: {holds[0].lower()}{holds[1:]}"

    def attempts(self, ground: Ground) -> Iterator[Attempt]:
        """Yield the check."""
        yield partial(_violation, self.check, ground)


def _violation(check: Callable[[Ground], None], ground: Ground) -> str | None:
    ground.clients.empty()
    try:
        with patch.multiple(limits, **_PATIENT):
            check(ground)
    except Violated as violation:
        return str(violation)
    return None


@dataclass(frozen=True, slots=True)
class Defect:
    """One mistake, what becomes of it, what has to catch it, and how it is made."""

    name: str
    breaks: str
    caught_by: Catcher
    patch: Patch
