"""API keys: who may do what."""

from typing import Any

from flask import Blueprint, Response

from inventory import presenters
from inventory.api import cursors
from inventory.api.context import context
from inventory.api.contract import contract
from inventory.api.responses import Complete, answer, page_of
from inventory.api.schemas.keys import KeyListSchema, NewKeySchema
from inventory.domain.keys import Scope
from inventory.errors import ApiKeyNotFound

bp = Blueprint("keys", __name__, url_prefix="/api/keys")


@bp.post("")
@contract(
    "Make an API key",
    {201: "NewApiKey"},
    scope=Scope.ADMIN,
    body=NewKeySchema(),
    headers=("Location", "Cache-Control"),
)
def make_key(body: dict[str, Any]) -> Response:
    """Make a key for a client. The key itself is shown now and never again."""
    key, secret = context().keyring.issue(body.pop("client"), body.pop("scopes"), **body)
    shown = {**presenters.api_key(key), "key": secret}
    return answer(shown, 201, Location=f"{bp.url_prefix}/{key.id}", Cache_Control="no-store")


@bp.get("")
@contract("List API keys", {200: "ApiKeyPage"}, scope=Scope.ADMIN, query=KeyListSchema())
def list_keys(query: dict[str, Any]) -> Response:
    """List keys, the newest first, those that open nothing any more as well."""
    before = cursors.decode_id(query.get("cursor"))
    found = context().keyring.list_keys(before, query["limit"] + 1)
    return page_of(found, query["limit"], presenters.api_key, lambda key: key.id)


@bp.get("/<key_id>")
@contract("Read an API key", {200: "ApiKey"}, scope=Scope.ADMIN, problems=(ApiKeyNotFound,))
def get_key(key_id: str) -> Response:
    """Read what is kept of a key: everything but the key itself."""
    return answer(presenters.api_key(context().keyring.get(key_id)))


@bp.delete("/<key_id>")
@contract("Revoke an API key", {204: ""}, scope=Scope.ADMIN, problems=(ApiKeyNotFound,))
def revoke_key(key_id: str) -> Response:
    """Let a key open nothing any more, in every process within a second."""
    context().keyring.revoke(key_id)
    return Complete(status=204)
