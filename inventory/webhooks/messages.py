"""What is sent: the body of a message, and the headers that prove where it comes from.

The form is that of Standard Webhooks, whose own library signs.
"""

from collections.abc import Sequence
from datetime import datetime

from standardwebhooks import Webhook as Signer

from inventory.domain.events import Event
from inventory.domain.moments import moment
from inventory.encoding import encode


def body_of(event: Event) -> str:
    """Return the message of an event; it is the same in every attempt."""
    message = {
        "id": event.id,
        "type": event.type,
        "timestamp": moment(event.occurred_at),
        "sequence": event.sequence,
        "product_id": event.product_id,
        "data": dict(event.data),
    }
    return encode(message).decode()


def headers_of(event_id: str, body: str, at: datetime, secrets: Sequence[str]) -> dict[str, str]:
    """Return the headers of one attempt at `at`, signed with each of the secrets."""
    signed = [Signer(secret).sign(msg_id=event_id, timestamp=at, data=body) for secret in secrets]
    return {
        "Content-Type": "application/json",
        "User-Agent": "inventory-webhooks",
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signed),
    }
