"""What can be wrong with webhooks."""

from inventory.errors.base import InventoryError, NotFound


class WebhookNotFound(NotFound):
    """No webhook has this id."""

    code = "webhook_not_found"
    title = "Webhook not found"

    def __init__(self, webhook_id: str) -> None:
        super().__init__(f"There is no webhook {webhook_id!r}.", webhook_id=webhook_id)


class DeliveryNotFound(NotFound):
    """The webhook has no delivery with this id, or it is kept no longer."""

    code = "delivery_not_found"
    title = "Delivery not found"

    def __init__(self, delivery_id: str) -> None:
        super().__init__(f"There is no delivery {delivery_id!r}.", delivery_id=delivery_id)


class WebhookLimitReached(InventoryError):
    """There are as many webhooks as there may be."""

    code = "webhook_limit_reached"
    title = "Webhook limit reached"

    def __init__(self, limit: int) -> None:
        super().__init__(f"There are {limit} webhooks, and may not be more.", limit=limit)
