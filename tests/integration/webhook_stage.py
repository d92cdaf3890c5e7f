"""Events, webhooks and deliverers over a real database, at a pace for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

from bson import ObjectId
from pymongo.database import Database

from inventory.domain.events import Event, EventType
from inventory.domain.webhooks import Delivery, Webhook
from inventory.repository.events import event_document
from inventory.repository.mongo import DatabaseClock, Document
from inventory.settings import Settings
from inventory.webhooks.building import build_deliverer
from inventory.webhooks.deliverer import Deliverer
from inventory.webhooks.tools import Pace
from inventory.wiring import webhooks_of

LOOPBACK_NETWORKS = (ip_network("127.0.0.0/8"),)
# As short as a machine with other work allows, but for what only ends what is stuck.
PACE = Pace(
    send_seconds=10.0,
    lease_seconds=15.0,
    margin_seconds=0.2,
    round_seconds=0.2,
    tick_seconds=0.02,
    retry_seconds=(0.05,) * 9,
)
# Of processes one dies, and the other one is to take over soon.
MORTAL_PACE = replace(PACE, send_seconds=1.5, lease_seconds=4.0)


def product_ids(count: int) -> list[str]:
    """Return ids of products."""
    return [f"{number:024x}" for number in range(1, count + 1)]


@dataclass
class Stage:
    """What happens to stock, and who wants to know it."""

    settings: Settings
    database: Database[Document]
    _sequence: int = 0
    _deliverers: list[Deliverer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.settings = replace(self.settings, webhook_networks=LOOPBACK_NETWORKS)
        self.clock = DatabaseClock(self.database)
        self.webhooks = webhooks_of(self.database, self.clock, LOOPBACK_NETWORKS)

    def happen(
        self, *products: str, type: EventType = EventType.PURCHASE_CREATED, **data: Any
    ) -> list[Event]:
        """Let something happen to each of these products, one after another."""
        events = []
        for product in products:
            self._sequence += 1
            events.append(
                Event(
                    sequence=self._sequence,
                    id=str(ObjectId()),
                    type=type,
                    product_id=product,
                    occurred_at=datetime.now(UTC).replace(microsecond=0),
                    data={"quantity": 1} | data,
                )
            )
        self.database["events"].insert_many([event_document(event) for event in events])
        return events

    def deliverer(self, pace: Pace = PACE, **options: Any) -> Deliverer:
        """Start a deliverer; it is stopped with the stage."""
        deliverer = build_deliverer(self.settings, self.database, pace=pace, **options)
        self._deliverers.append(deliverer)
        deliverer.start()
        return deliverer

    def deliveries(self, webhook: Webhook) -> list[Delivery]:
        """Return all deliveries to an endpoint, the newest first."""
        return self.webhooks.deliveries(webhook.id, None, None, 10_000)

    def states(self, webhook: Webhook) -> list[str]:
        """Return what became of all deliveries, by the sequence of their events."""
        found = sorted(self.deliveries(webhook), key=lambda one: one.sequence or 0)
        return [str(one.state) for one in found]

    def lease_of(self, webhook: Webhook) -> dict[str, Any]:
        """Return the lease of an endpoint."""
        document = self.database["webhook_endpoints"].find_one({"_id": ObjectId(webhook.id)})
        assert document is not None
        lease: dict[str, Any] = document["lease"]
        return lease

    def close(self) -> None:
        """Stop every deliverer."""
        for deliverer in self._deliverers:
            deliverer.stop()


@contextmanager
def staged(settings: Settings, database: Database[Document]) -> Iterator[Stage]:
    """Yield a stage, and stop what it started."""
    stage = Stage(settings, database)
    try:
        yield stage
    finally:
        stage.close()
