"""Rehearsals of a flash sale: what is wished for, what buyers do and hear, and how it goes. No I/O.

A rehearsal sells a product of its own to buyers of its own, who press the button at once. What they
were told is held against the books in `inventory.domain.verdicts`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from math import ceil
from random import Random
from typing import Any

from inventory.domain.purchases import Purchase
from inventory.errors import InventoryError

NAME = "Rehearsal of a flash sale"
TAG = "rehearsal"


class RehearsalState(StrEnum):
    """How far a rehearsal is; an abandoned one has no verdict, because its worker ended first."""

    RUNNING = "running"
    DONE = "done"
    ABANDONED = "abandoned"


class Impatience(StrEnum):
    """Whether a buyer sends an order again, under the same key."""

    NONE = "none"
    AFTERWARDS = "afterwards"
    AT_ONCE = "at_once"


@dataclass(frozen=True, slots=True)
class Order:
    """What one buyer wants; `number` tells buyers apart."""

    number: int
    quantity: int
    impatience: Impatience


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be rehearsed: how many want how much of how little.

    `impatience` is the share of buyers who send their order twice, half of them at the same moment.
    """

    buyers: int = 100
    stock: int = 50
    quantity_max: int = 1
    impatience: float = 0.3

    def orders(self, dice: Random) -> list[Order]:
        """Return the orders of all buyers; only the quantities and their sequence are chance."""
        impatient = round(self.buyers * self.impatience)
        kinds = [Impatience.NONE] * (self.buyers - impatient)
        kinds += [Impatience.AFTERWARDS, Impatience.AT_ONCE] * (impatient // 2)
        kinds += [Impatience.AT_ONCE] * (impatient % 2)
        dice.shuffle(kinds)
        return [
            Order(number, dice.randint(1, self.quantity_max), kind)
            for number, kind in enumerate(kinds, 1)
        ]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a buyer was told for good: the purchase, or why there is none."""

    purchase: Purchase | None = None
    refusal: InventoryError | None = None

    @property
    def facts(self) -> Any:
        """All that it says, to be compared with what another one says."""
        if self.refusal is None:
            return self.purchase
        return self.refusal.code, self.refusal.message, self.refusal.details


@dataclass(frozen=True, slots=True)
class Heard:
    """An order, and what was answered each time that it was sent, as far as that is known."""

    order: Order
    customer_id: str
    answers: tuple[Answer, ...] = ()

    @property
    def sent(self) -> int:
        """How often it was sent, tries that had no answer left out."""
        return 1 if self.order.impatience is Impatience.NONE else 2


@dataclass(frozen=True, slots=True)
class Figures:
    """How it goes. `unavailable` counts tries without a definite answer, which were made again.

    The milliseconds are of definite answers, from the first try on; there are none before any.
    """

    orders: int = 0
    sold: int = 0
    refused: int = 0
    repeated: int = 0
    unavailable: int = 0
    units_sold: int = 0
    seconds: float = 0.0
    purchases_per_second: float = 0.0
    p50_ms: float | None = None
    p99_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that has to be so, whether it is, and what there is to be said about it."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was answered, held against the books: the ledger's units, and every check."""

    sold: int
    left: int
    stocked: int
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether all is as it has to be."""
        return all(check.ok for check in self.checks)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One rehearsal. Whoever carries it out puts `held_until` off before it comes."""

    id: str
    product_id: str
    plan: Plan
    state: RehearsalState
    started_at: datetime
    held_until: datetime
    ended_at: datetime | None = None
    figures: Figures = Figures()
    verdict: Verdict | None = None

    def as_of(self, now: datetime) -> "Rehearsal":
        """Return it as it is at `now`: abandoned if nobody has said in time that it goes on."""
        if self.state is not RehearsalState.RUNNING or now < self.held_until:
            return self
        return replace(self, state=RehearsalState.ABANDONED, ended_at=self.held_until)


def percentile(milliseconds: Sequence[float], share: float) -> float | None:
    """Return the time within which this share of sorted times lies; None if there are none."""
    if not milliseconds:
        return None
    return round(milliseconds[ceil(len(milliseconds) * share) - 1], 2)
