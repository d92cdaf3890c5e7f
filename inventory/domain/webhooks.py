"""Webhooks: who is told of events, with what secret, and what became of every attempt. No I/O."""

import base64
import json
import secrets as randomness
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from inventory import limits
from inventory.domain.events import EventType
from inventory.domain.moments import moment

# What a test sends; it happens to nobody's stock, so nobody can subscribe to it.
PING = "test.ping"
_SECRET_MARK = "whsec_"  # nosec B105 # how every secret begins


class WebhookState(StrEnum):
    """Whether an endpoint is sent anything."""

    ACTIVE = "active"
    PAUSED = "paused"


class PauseReason(StrEnum):
    """Why an endpoint is not sent anything."""

    REQUESTED = "requested"
    GONE = "gone"
    FAILING = "failing"


class DeliveryState(StrEnum):
    """What became of the delivery of an event to an endpoint."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class Outcome(StrEnum):
    """What became of an attempt, for whoever counts them."""

    DELIVERED = "delivered"
    FAILED = "failed"


class Failure(StrEnum):
    """Why an attempt got no answer at all."""

    FORBIDDEN = "address_not_allowed"
    LOOKUP = "name_not_found"
    CONNECTION = "connection_failed"
    TLS = "tls_failed"
    TIMEOUT = "timed_out"
    PROTOCOL = "invalid_answer"


@dataclass(frozen=True, slots=True)
class Secret:
    """What an endpoint's deliveries are signed with; the current one has no end."""

    value: str
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    """An endpoint that wants to be told of events; without types, of all.

    Up to `cursor` every event that it wants has become a delivery. `failing_since` is when its last
    success ended, and `failed_attempts` counts what failed since then.
    """

    id: str
    url: str
    types: tuple[EventType, ...]
    description: str
    state: WebhookState
    secrets: tuple[Secret, ...]
    cursor: int
    created_at: datetime
    updated_at: datetime
    paused_reason: PauseReason | None = None
    paused_at: datetime | None = None
    last_success_at: datetime | None = None
    failing_since: datetime | None = None
    failed_attempts: int = 0

    def wants(self, type: EventType) -> bool:
        """Tell whether it is to be told of events of a type."""
        return not self.types or type in self.types

    def signing_secrets(self, now: datetime) -> list[str]:
        """Return what to sign with at `now`, the newest first."""
        return [s.value for s in self.secrets if s.ends_at is None or now < s.ends_at]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt: the status of the answer and how it began, or why there was none."""

    at: datetime
    status: int | None
    failure: Failure | None
    duration_ms: int
    excerpt: str = ""

    @property
    def succeeded(self) -> bool:
        """Tell whether the endpoint has taken what was sent."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one endpoint, and what became of it.

    `tries` counts the attempts since it was made, or since somebody asked for it to be sent again.
    """

    id: str
    webhook_id: str
    event_id: str
    type: str
    product_id: str | None
    sequence: int | None
    body: str
    state: DeliveryState
    created_at: datetime
    next_at: datetime
    tries: int = 0
    attempts: tuple[Attempt, ...] = ()

    @property
    def lane(self) -> str:
        """Return the lane in which a new one waits: its product's, or one of its own.

        Of a lane only the oldest waiting delivery is sent.
        """
        return self.product_id or self.id


@dataclass(frozen=True, slots=True)
class Load:
    """How much waits to be delivered, how endpoints do, and what became of all attempts.

    `waiting` is counted up to `limits.WEBHOOK_WAITING_COUNTED_MAX`.
    """

    waiting: int
    oldest_waiting_seconds: float
    webhooks: Mapping[WebhookState, int]
    attempts: Mapping[str, int]


def new_secret() -> str:
    """Return a new secret, as Standard Webhooks spells it."""
    random = randomness.token_bytes(limits.WEBHOOK_SECRET_BYTES)
    return _SECRET_MARK + base64.b64encode(random).decode()


def in_order(types: Sequence[EventType]) -> tuple[EventType, ...]:
    """Return types in the order in which they are documented, each once."""
    return tuple(type for type in EventType if type in types)


def retry_seconds(
    schedule: Sequence[float], tries: int, asked_seconds: float | None, spread: float
) -> float | None:
    """Return how long to wait after this many attempts, None if there is no next one.

    `asked_seconds` is what the endpoint asked for, which makes it longer, within bounds. `spread`
    from 0 to 1 adds up to a fifth, so that what failed together is not sent together again.
    """
    if tries > len(schedule):
        return None
    wait = schedule[tries - 1] * (1 + spread / 5)
    return max(wait, min(asked_seconds or 0, limits.WEBHOOK_RETRY_AFTER_SECONDS_MAX))


def ping_body(id: str, at: datetime) -> str:
    """Return the message of a test, in the form of any other."""
    message: dict[str, Any] = {
        "id": id,
        "type": PING,
        "timestamp": moment(at),
        "sequence": None,
        "product_id": None,
        "data": {},
    }
    return json.dumps(message, separators=(",", ":"))
