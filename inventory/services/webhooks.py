"""Webhooks: registered, edited, tested, and what became of every delivery."""

from collections.abc import Mapping, Sequence
from typing import Any

from inventory import limits
from inventory.domain import targets
from inventory.domain.events import EventType
from inventory.domain.targets import Networks, TargetRefused
from inventory.domain.webhooks import (
    PING,
    Delivery,
    DeliveryState,
    Load,
    Secret,
    Webhook,
    WebhookState,
    in_order,
    new_secret,
    ping_body,
)
from inventory.errors import InvalidValue, WebhookLimitReached
from inventory.repository.deliveries import DeliveryRepository
from inventory.repository.events import EventRepository
from inventory.repository.mongo import DatabaseClock, new_id
from inventory.repository.webhooks import WebhookRepository


class Webhooks:
    """The webhooks that there are; `networks` are those beside the internet that they may be in."""

    def __init__(
        self,
        webhooks: WebhookRepository,
        deliveries: DeliveryRepository,
        events: EventRepository,
        clock: DatabaseClock,
        networks: Networks,
    ) -> None:
        self._webhooks = webhooks
        self._deliveries = deliveries
        self._events = events
        self._clock = clock
        self._networks = networks

    def register(self, url: str, types: Sequence[EventType] = (), description: str = "") -> Webhook:
        """Begin to tell an endpoint of the events that come after now; without types, of all.

        Raises `InvalidValue` for a URL that nothing may be sent to, and `WebhookLimitReached`.
        """
        self._check_url(url)
        if self._webhooks.count() >= limits.WEBHOOKS_MAX:
            raise WebhookLimitReached(limits.WEBHOOKS_MAX)
        now = self._clock.now()
        webhook = Webhook(
            id=new_id(),
            url=url,
            types=in_order(types),
            description=description,
            state=WebhookState.ACTIVE,
            secrets=(Secret(new_secret()),),
            cursor=self._events.newest(),
            created_at=now,
            updated_at=now,
        )
        self._webhooks.add(webhook)
        return webhook

    def _check_url(self, url: str) -> None:
        """Refuse what a URL says; where its name leads is looked at before every attempt."""
        try:
            targets.parse(url, self._networks)
        except TargetRefused as refusal:
            raise InvalidValue("url", str(refusal)) from refusal

    def get(self, webhook_id: str) -> Webhook:
        """Return a webhook; raise `WebhookNotFound`."""
        return self._webhooks.get(webhook_id)

    def list_webhooks(self, before: str | None, count: int) -> list[Webhook]:
        """Return webhooks, the newest first."""
        return self._webhooks.list_newest(before, count)

    def edit(self, webhook_id: str, changes: Mapping[str, Any]) -> Webhook:
        """Change url, types, description or state; raise `WebhookNotFound` or `InvalidValue`."""
        changed = dict(changes)
        if not changed:
            return self._webhooks.get(webhook_id)
        if "url" in changed:
            self._check_url(changed["url"])
        if "types" in changed:
            changed["types"] = in_order(changed["types"])
        return self._webhooks.edit(webhook_id, changed, self._clock.now())

    def remove(self, webhook_id: str) -> None:
        """Tell an endpoint nothing any more, and forget what it was told."""
        self._webhooks.remove(webhook_id)
        self._deliveries.remove_of(webhook_id)

    def rotate(self, webhook_id: str) -> Webhook:
        """Sign with a new secret, and for a day with the one before as well."""
        return self._webhooks.rotate(webhook_id, new_secret(), self._clock.now())

    def test(self, webhook_id: str) -> Delivery:
        """Send an event that means nothing; raise `WebhookNotFound`."""
        webhook, now, id = self._webhooks.get(webhook_id), self._clock.now(), new_id()
        ping = Delivery(
            id=id,
            webhook_id=webhook.id,
            event_id=id,
            type=PING,
            product_id=None,
            sequence=None,
            body=ping_body(id, now),
            state=DeliveryState.WAITING,
            created_at=now,
            next_at=now,
        )
        self._deliveries.add_missing([ping])
        return ping

    def deliveries(
        self, webhook_id: str, state: DeliveryState | None, before: str | None, count: int
    ) -> list[Delivery]:
        """Return deliveries to an endpoint, the newest first; raise `WebhookNotFound`."""
        webhook = self._webhooks.get(webhook_id)
        return self._deliveries.list_newest(webhook.id, state, before, count)

    def delivery(self, webhook_id: str, delivery_id: str) -> Delivery:
        """Return a delivery; raise `WebhookNotFound` or `DeliveryNotFound`."""
        return self._deliveries.get(self._webhooks.get(webhook_id).id, delivery_id)

    def redeliver(self, webhook_id: str, delivery_id: str) -> Delivery:
        """Send what was sent before once more; raise `WebhookNotFound` or `DeliveryNotFound`."""
        webhook = self._webhooks.get(webhook_id)
        return self._deliveries.send_again(webhook.id, delivery_id, self._clock.now())

    def load(self) -> Load:
        """Return how deliveries and endpoints stand, for whoever watches over them."""
        waiting, oldest_seconds = self._deliveries.waiting(self._clock.now())
        states, attempts = self._webhooks.count_by_state(), self._webhooks.outcomes()
        return Load(waiting, oldest_seconds, states, attempts)
