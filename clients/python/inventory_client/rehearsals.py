"""Rehearsals of a flash sale, as frozen records."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalFigures:
    """How a rehearsal goes; times and rates are measurements, and as inexact as those are."""

    orders: int
    sold: int
    refused: int
    repeated: int
    unavailable: int
    units_sold: int
    seconds: float
    purchases_per_second: float
    p50_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalCheck:
    """One thing that has to be so, and whether it is."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalVerdict:
    """What buyers were told, held against the books."""

    ok: bool
    sold: int
    left: int
    stocked: int
    checks: tuple[RehearsalCheck, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """A rehearsal of a flash sale; `verdict` is None until its `state` is `done`."""

    id: str
    state: str
    product_id: str
    buyers: int
    stock: int
    quantity_max: int
    impatience: float
    started_at: datetime
    ended_at: datetime | None
    figures: RehearsalFigures
    verdict: RehearsalVerdict | None
