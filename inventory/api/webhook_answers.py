"""What clients see of webhooks and deliveries: never a secret, but for the one time it is made."""

from datetime import datetime
from typing import Any

from inventory.domain.moments import moment
from inventory.domain.webhooks import Attempt, Delivery, DeliveryState, Webhook


def webhook(endpoint: Webhook) -> dict[str, Any]:
    """Return what may be shown of a webhook."""
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "types": list(endpoint.types),
        "description": endpoint.description,
        "state": endpoint.state,
        "paused_reason": endpoint.paused_reason,
        "paused_at": _moment_or_none(endpoint.paused_at),
        "last_success_at": _moment_or_none(endpoint.last_success_at),
        "failing_since": _moment_or_none(endpoint.failing_since),
        "failed_attempts": endpoint.failed_attempts,
        "created_at": moment(endpoint.created_at),
        "updated_at": moment(endpoint.updated_at),
    }


def with_secret(endpoint: Webhook) -> dict[str, Any]:
    """Return a webhook with the secret that was just made for it."""
    return webhook(endpoint) | {"secret": endpoint.secrets[0].value}


def delivery(sent: Delivery) -> dict[str, Any]:
    """Return a delivery and what became of its attempts, the last ones if there were many."""
    waits = sent.state is DeliveryState.WAITING
    return {
        "id": sent.id,
        "webhook_id": sent.webhook_id,
        "event_id": sent.event_id,
        "sequence": sent.sequence,
        "type": sent.type,
        "product_id": sent.product_id,
        "state": sent.state,
        "attempts": [_attempt(attempt) for attempt in sent.attempts],
        "next_attempt_at": moment(sent.next_at) if waits else None,
        "created_at": moment(sent.created_at),
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "at": moment(attempt.at),
        "status": attempt.status,
        "failure": attempt.failure,
        "duration_ms": attempt.duration_ms,
        "response": attempt.excerpt,
    }


def _moment_or_none(time: datetime | None) -> str | None:
    return None if time is None else moment(time)
