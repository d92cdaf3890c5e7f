"""What every endpoint of a deliverer is served with: stores, a sender, a pace, a tally."""

import threading
from collections import Counter
from dataclasses import dataclass

from inventory import limits
from inventory.repository.deliveries import DeliveryRepository
from inventory.repository.events import EventRepository
from inventory.repository.mongo import DatabaseClock
from inventory.repository.webhooks import WebhookRepository
from inventory.webhooks.sending import Sender


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things take; for tests they can be shorter."""

    send_seconds: float = limits.WEBHOOK_SEND_SECONDS
    lease_seconds: float = limits.WEBHOOK_LEASE_SECONDS
    margin_seconds: float = limits.WEBHOOK_LEASE_MARGIN_SECONDS
    round_seconds: float = limits.WEBHOOK_ROUND_SECONDS
    tick_seconds: float = limits.WEBHOOK_TICK_SECONDS
    retry_seconds: tuple[float, ...] = limits.WEBHOOK_RETRY_SECONDS
    dead_seconds: float = limits.WEBHOOK_DEAD_SECONDS
    dead_attempts: int = limits.WEBHOOK_DEAD_ATTEMPTS


class Tally:
    """Counts what became of attempts, until somebody takes the numbers."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def count(self, outcome: str, times: int = 1) -> None:
        """Count an attempt."""
        with self._lock:
            self._counts[outcome] += times

    def take(self) -> dict[str, int]:
        """Return the numbers, and begin anew."""
        with self._lock:
            taken, self._counts = dict(self._counts), Counter()
        return taken


@dataclass(frozen=True, slots=True)
class Tools:
    """What every endpoint of a deliverer is served with."""

    webhooks: WebhookRepository
    deliveries: DeliveryRepository
    events: EventRepository
    clock: DatabaseClock
    sender: Sender
    pace: Pace
    tally: Tally
