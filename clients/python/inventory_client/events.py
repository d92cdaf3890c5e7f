"""What the service tells by itself, as frozen records: events, and webhooks that are sent them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from inventory_client.answers import Purchase, Reservation, Return


@dataclass(frozen=True, slots=True, kw_only=True)
class StockCrossing:
    """Stock that became low, ran out or is back, and the movement that brought it about."""

    product_id: str
    stock: int
    held: int
    stock_version: int
    availability: str
    low_stock_threshold: int
    movement_id: str
    kind: str
    delta: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a product's stock.

    `data` is the document as it was then; of a type that is new here, what the JSON says.
    """

    sequence: int
    id: str
    type: str
    product_id: str
    occurred_at: datetime
    data: Purchase | Return | Reservation | StockCrossing | Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """Some events, the oldest first; keep `next_after` together with what becomes of them."""

    items: tuple[Event, ...]
    next_after: int
    read_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An endpoint that is told of events; `types` is empty where it is told of all."""

    id: str
    url: str
    types: tuple[str, ...]
    description: str
    state: str
    paused_reason: str | None
    paused_at: datetime | None
    last_success_at: datetime | None
    failing_since: datetime | None
    failed_attempts: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWebhook(Webhook):
    """A webhook with its new secret, which is shown this once."""

    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryAttempt:
    """One attempt to deliver an event."""

    at: datetime
    status: int | None
    failure: str | None
    duration_ms: int
    response: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An event on its way to an endpoint, with the last attempts."""

    id: str
    webhook_id: str
    event_id: str
    sequence: int | None
    type: str
    product_id: str | None
    state: str
    attempts: tuple[DeliveryAttempt, ...]
    next_attempt_at: datetime | None
    created_at: datetime
