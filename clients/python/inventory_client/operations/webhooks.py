"""Webhooks: who is told of events, and what became of every delivery.

What they send is verified by the library of Standard Webhooks, not by this client.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

from inventory_client.events import Delivery, NewWebhook, Webhook
from inventory_client.inputs import UNSET, Unset, changed, given
from inventory_client.operations.base import Room, segment

_PATH = "/api/webhooks"


class Webhooks(Room):
    """Operations on webhooks."""

    def make_webhook(
        self, url: str, *, types: Sequence[str] | None = None, description: str | None = None
    ) -> NewWebhook:
        """Tell an endpoint of every event from now on. Its secret is shown now and never again."""
        body = given(url=url, types=types, description=description)
        return self._changed(NewWebhook, "POST", _PATH, body)

    def list_webhooks(self, *, page_size: int = 100) -> Iterator[Webhook]:
        """Yield webhooks, the newest first."""
        return self._pages(Webhook, _PATH, page_size)

    def get_webhook(self, webhook_id: str) -> Webhook:
        """Read a webhook: all but its secret, and how it does."""
        return self._read(Webhook, f"{_PATH}/{segment(webhook_id)}")

    def edit_webhook(
        self,
        webhook_id: str,
        *,
        url: str | Unset = UNSET,
        types: Sequence[str] | Unset = UNSET,
        description: str | Unset = UNSET,
        state: Literal["active", "paused"] | Unset = UNSET,
    ) -> Webhook:
        """Change, pause or resume a webhook; what waits stays waiting."""
        body = changed(url=url, types=types, description=description, state=state)
        return self._changed(Webhook, "PATCH", f"{_PATH}/{segment(webhook_id)}", body)

    def delete_webhook(self, webhook_id: str) -> None:
        """Send an endpoint nothing any more, and forget its deliveries."""
        self._removed(f"{_PATH}/{segment(webhook_id)}")

    def rotate_secret(self, webhook_id: str) -> NewWebhook:
        """Sign with a new secret; for a day messages are signed with the one before as well."""
        return self._ordered(NewWebhook, f"{_PATH}/{segment(webhook_id)}/secret")

    def test_webhook(self, webhook_id: str) -> Delivery:
        """Send a message of the type `test.ping`; read its delivery to see what became of it."""
        return self._ordered(Delivery, f"{_PATH}/{segment(webhook_id)}/test")

    def list_deliveries(
        self, webhook_id: str, *, state: str | None = None, page_size: int = 100
    ) -> Iterator[Delivery]:
        """Yield what was sent or waits to be, the newest events first."""
        path = f"{_PATH}/{segment(webhook_id)}/deliveries"
        return self._pages(Delivery, path, page_size, state=state)

    def get_delivery(self, webhook_id: str, delivery_id: str) -> Delivery:
        """Read what became of a delivery, attempt by attempt."""
        path = f"{_PATH}/{segment(webhook_id)}/deliveries/{segment(delivery_id)}"
        return self._read(Delivery, path)

    def redeliver(self, webhook_id: str, delivery_id: str) -> Delivery:
        """Send a delivery once more, under the same `webhook-id`."""
        path = f"{_PATH}/{segment(webhook_id)}/deliveries/{segment(delivery_id)}"
        return self._ordered(Delivery, f"{path}/redeliver")
