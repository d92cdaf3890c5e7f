"""Webhooks and their deliveries in the document."""

from inventory import limits
from inventory.api.openapi.building import (
    JSONSchema,
    choice,
    described,
    identifier,
    moment,
    nullable,
    record,
    reference,
    text,
    whole,
)
from inventory.domain.events import EventType
from inventory.domain.webhooks import PING, DeliveryState, Failure, PauseReason, WebhookState

_COUNT_MAX = 2**53


def webhooks() -> dict[str, JSONSchema]:
    """Return the schemas of what is answered of webhooks, by their names."""
    secret = text(
        "What its messages are signed with, shown this once (Standard Webhooks).",
        pattern="^whsec_[A-Za-z0-9+/]{43}=$",
    )
    return {
        "Webhook": record("An endpoint that is told of events.", _webhook()),
        "NewWebhook": record("A webhook with its new secret.", {**_webhook(), "secret": secret}),
        "DeliveryAttempt": record("One attempt to deliver an event.", _attempt()),
        "Delivery": record("An event on its way to an endpoint.", _delivery()),
    }


def _webhook() -> dict[str, JSONSchema]:
    types = {"type": "array", "items": choice(EventType, "One of them.")}
    return {
        "id": identifier("The webhook's id."),
        "url": text("Where events are sent."),
        "types": described(types, "Only events of these types; none: of all types."),
        "description": text("What people should know of it."),
        "state": choice(WebhookState, "`paused`: nothing is sent, and events wait."),
        "paused_reason": nullable(
            choice(
                PauseReason,
                "Why it is paused: by request, because it answered 410, or because it took nothing "
                "for a day.",
            )
        ),
        "paused_at": nullable(moment("Since when it is paused.")),
        "last_success_at": nullable(moment("When it last took something, to half a minute.")),
        "failing_since": nullable(moment("Since when it has taken nothing; null: it takes all.")),
        "failed_attempts": whole(0, _COUNT_MAX, "Attempts that failed since then."),
        "created_at": moment("When it was made."),
        "updated_at": moment("When it was last edited."),
    }


def _attempt() -> dict[str, JSONSchema]:
    return {
        "at": moment("When it began."),
        "status": nullable(whole(100, 999, "The HTTP status that was answered.")),
        "failure": nullable(choice(Failure, "Why there was no answer.")),
        "duration_ms": whole(0, 10**6, "How long it took."),
        "response": text("How the answer began.", maxLength=limits.WEBHOOK_EXCERPT_CHARACTERS_MAX),
    }


def _delivery() -> dict[str, JSONSchema]:
    attempts = {
        "type": "array",
        "items": reference("DeliveryAttempt"),
        "maxItems": limits.WEBHOOK_ATTEMPTS_KEPT,
    }
    return {
        "id": identifier("The delivery's id."),
        "webhook_id": identifier("To whom it goes."),
        "event_id": text("The event's id, which is the `webhook-id` of every attempt."),
        "sequence": nullable(whole(0, _COUNT_MAX, "The event's place among all events.")),
        "type": {
            "type": "string",
            "enum": [*map(str, EventType), PING],
            "description": "The event's type.",
        },
        "product_id": nullable(identifier("The product that it is about.")),
        "state": choice(DeliveryState, "`failed`: it was tried often enough."),
        "attempts": described(attempts, "The last attempts, the oldest first."),
        "next_attempt_at": nullable(moment("Not before this is it tried again; null: never.")),
        "created_at": moment("When it was made."),
    }
