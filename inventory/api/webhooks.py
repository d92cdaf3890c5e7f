"""Webhooks: who is told of events, and what became of every delivery."""

from typing import Any

from flask import Blueprint, Response

from inventory.api import cursors, webhook_answers
from inventory.api.bodies import JSON, MERGE_PATCH
from inventory.api.context import context
from inventory.api.contract import contract
from inventory.api.responses import Complete, answer, page_of
from inventory.api.schemas.webhooks import (
    DeliveryListSchema,
    NewWebhookSchema,
    WebhookListSchema,
    WebhookPatchSchema,
)
from inventory.domain.keys import Scope
from inventory.errors import DeliveryNotFound, OutcomeUnknown, WebhookLimitReached, WebhookNotFound

bp = Blueprint("webhooks", __name__, url_prefix="/api/webhooks")


@bp.post("")
@contract(
    "Subscribe to events",
    {201: "NewWebhook"},
    scope=Scope.ADMIN,
    body=NewWebhookSchema(),
    problems=(WebhookLimitReached,),
    headers=("Location", "Cache-Control"),
)
def make_webhook(body: dict[str, Any]) -> Response:
    """Tell an endpoint of every event from now on. Its secret is shown now and never again."""
    made = context().webhooks.register(**body)
    location = f"{bp.url_prefix}/{made.id}"
    shown = webhook_answers.with_secret(made)
    return answer(shown, 201, Location=location, Cache_Control="no-store")


@bp.get("")
@contract("List webhooks", {200: "WebhookPage"}, scope=Scope.ADMIN, query=WebhookListSchema())
def list_webhooks(query: dict[str, Any]) -> Response:
    """List webhooks, the newest first."""
    before = cursors.decode_id(query.get("cursor"))
    found = context().webhooks.list_webhooks(before, query["limit"] + 1)
    return page_of(found, query["limit"], webhook_answers.webhook, lambda one: one.id)


@bp.get("/<webhook_id>")
@contract("Read a webhook", {200: "Webhook"}, scope=Scope.ADMIN, problems=(WebhookNotFound,))
def get_webhook(webhook_id: str) -> Response:
    """Read a webhook: all but its secret, and how it does."""
    return answer(webhook_answers.webhook(context().webhooks.get(webhook_id)))


@bp.patch("/<webhook_id>")
@contract(
    "Edit, pause or resume a webhook",
    {200: "Webhook"},
    scope=Scope.ADMIN,
    body=WebhookPatchSchema(),
    media_types=(JSON, MERGE_PATCH),
    problems=(WebhookNotFound,),
)
def edit_webhook(webhook_id: str, body: dict[str, Any]) -> Response:
    """Change a webhook. Within a second it holds for what is sent; what waits stays waiting."""
    return answer(webhook_answers.webhook(context().webhooks.edit(webhook_id, body)))


@bp.delete("/<webhook_id>")
@contract(
    "Delete a webhook",
    {204: ""},
    scope=Scope.ADMIN,
    problems=(WebhookNotFound, OutcomeUnknown),
)
def delete_webhook(webhook_id: str) -> Response:
    """Send an endpoint nothing any more, and forget its deliveries."""
    context().webhooks.remove(webhook_id)
    return Complete(status=204)


@bp.post("/<webhook_id>/secret")
@contract(
    "Make a new secret",
    {200: "NewWebhook"},
    scope=Scope.ADMIN,
    problems=(WebhookNotFound, OutcomeUnknown),
    headers=("Cache-Control",),
)
def rotate_secret(webhook_id: str) -> Response:
    """Sign with a new secret; for a day messages are signed with the one before as well."""
    changed = context().webhooks.rotate(webhook_id)
    return answer(webhook_answers.with_secret(changed), Cache_Control="no-store")


@bp.post("/<webhook_id>/test")
@contract(
    "Send a test",
    {202: "Delivery"},
    scope=Scope.ADMIN,
    problems=(WebhookNotFound, OutcomeUnknown),
    headers=("Location",),
)
def test_webhook(webhook_id: str) -> Response:
    """Send a message of the type `test.ping`; read its delivery to see what became of it."""
    return _taken_on(context().webhooks.test(webhook_id))


@bp.get("/<webhook_id>/deliveries")
@contract(
    "List deliveries",
    {200: "DeliveryPage"},
    scope=Scope.ADMIN,
    query=DeliveryListSchema(),
    problems=(WebhookNotFound,),
)
def list_deliveries(webhook_id: str, query: dict[str, Any]) -> Response:
    """List what was sent or waits to be, the newest events first, of the last 14 days."""
    before = cursors.decode_id(query.get("cursor"))
    found = context().webhooks.deliveries(
        webhook_id, query.get("state"), before, query["limit"] + 1
    )
    return page_of(found, query["limit"], webhook_answers.delivery, lambda one: one.id)


@bp.get("/<webhook_id>/deliveries/<delivery_id>")
@contract(
    "Read a delivery",
    {200: "Delivery"},
    scope=Scope.ADMIN,
    problems=(WebhookNotFound, DeliveryNotFound),
)
def get_delivery(webhook_id: str, delivery_id: str) -> Response:
    """Read what became of a delivery, attempt by attempt."""
    return answer(webhook_answers.delivery(context().webhooks.delivery(webhook_id, delivery_id)))


@bp.post("/<webhook_id>/deliveries/<delivery_id>/redeliver")
@contract(
    "Send a delivery again",
    {202: "Delivery"},
    scope=Scope.ADMIN,
    problems=(WebhookNotFound, DeliveryNotFound, OutcomeUnknown),
    headers=("Location",),
)
def redeliver(webhook_id: str, delivery_id: str) -> Response:
    """Send it once more, under the same `webhook-id`; it waits for nothing, and nothing for it."""
    return _taken_on(context().webhooks.redeliver(webhook_id, delivery_id))


def _taken_on(sent: Any) -> Response:
    location = f"{bp.url_prefix}/{sent.webhook_id}/deliveries/{sent.id}"
    return answer(webhook_answers.delivery(sent), 202, Location=location)
