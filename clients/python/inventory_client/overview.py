"""What an operator sees at a glance, as frozen records; numbers with a point are `float` here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What an instance has counted since it began; its counters only rise."""

    requests: int
    server_errors: int
    turned_away: int
    purchases: int
    units_sold: int
    refusals: Mapping[str, int]
    cache_hits: int
    cache_misses: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseSeconds:
    """How many purchases took no longer than each bound, but longer than the one before."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenHolds:
    """Holds that have not run out, and those that were not taken back yet."""

    open: int
    overdue: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelves:
    """What all counters come to; None where there are too many of them."""

    products: int
    low: int | None
    empty: int | None
    units_available: int | None
    units_held: int | None
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """How MongoDB and Redis are."""

    mongodb: str
    redis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookStanding:
    """How endpoints of webhooks are."""

    active: int
    paused: int
    oldest_waiting_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What an instance has counted and how the stores stand; None is what MongoDB did not say."""

    at: datetime
    instance: str
    workers: int
    totals: Totals
    purchase_seconds: PurchaseSeconds
    holds: OpenHolds | None
    stock: Shelves | None
    stores: Stores
    webhooks: WebhookStanding | None
