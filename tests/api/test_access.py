"""Who may do what: every route with every kind of key, and with none."""

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bson import Binary
from flask import Flask
from flask.testing import FlaskClient

from inventory.api.contract import Contract, contract_of
from inventory.api.openapi.document import methods, routes
from inventory.app import close_app, create_app
from inventory.domain.keys import PUBLISHABLE_SCOPES, Scope, digest_of, new_secret
from inventory.domain.sessions import csrf_token_of, new_token
from inventory.services.keys import Keyring
from inventory.settings import Settings
from tests.api.support import Books, assert_problem

SECURITY = Path(__file__).parents[2] / "docs" / "security.md"
ID = "66f1c0ffee66f1c0ffee0001"
PAST = datetime(2026, 1, 1, tzinfo=UTC)
LINES = [{"product_id": ID, "quantity": 1}]
BODIES: Mapping[str, Any] = {
    "create_product": {"name": "Cap", "price": "5", "stock": 3},
    "edit_product": {"name": "Hat"},
    "purchase_product": {"quantity": 1},
    "adjust_stock": {"delta": 1, "reason": "found"},
    "buy_cart": {"lines": LINES},
    "return_units": {"lines": LINES, "reason": "too small"},
    "hold_units": {"lines": LINES, "ttl_seconds": 60},
    "extend_reservation": {"ttl_seconds": 60},
    "commit_reservation": {},
    "release_reservation": {},
    "post_stocktake": {"lines": [{"product_id": ID, "counted": 1}]},
    "make_webhook": {"url": "https://shop.example/hook"},
    "edit_webhook": {"description": "x"},
    "import_products": [{"sku": "A-1", "name": "Cap", "price": "5", "stock": 3}],
    "begin_rehearsal": {"buyers": 1, "stock": 1},
    "make_key": {"client": "somebody", "scopes": ["catalog:read"]},
    "sign_in": {"key": "rubbish"},
}
# Open to everybody, but what it is given has to be a key: `test_sessions.py`.
SIGN_IN = "sign_in"


def named_routes(app: Flask) -> dict[str, tuple[str, str, Contract]]:
    """Return method, path and contract of every route by the name of its view."""
    return {
        route.name: (
            route.method.upper(),
            re.sub(r"\{\w+_id\}", ID, route.path).replace("{file}", "x").replace("{code}", "x"),
            route.contract,
        )
        for route in routes(app)
    }


NAMES = [
    "list_products", "create_product", "get_product", "edit_product", "delete_product",
    "purchase_product", "buy_cart", "list_purchases", "get_purchase", "return_units",
    "adjust_stock", "get_stock", "list_movements", "hold_units", "list_reservations",
    "get_reservation", "extend_reservation", "commit_reservation", "release_reservation",
    "post_stocktake",
    "import_products", "export_products", "check_product", "check_all", "list_events",
    "get_overview",
    "make_key", "list_keys",
    "get_key", "revoke_key", "sign_in", "get_session", "sign_out",
    "make_webhook", "list_webhooks", "get_webhook", "edit_webhook", "delete_webhook",
    "rotate_secret", "test_webhook", "list_deliveries", "get_delivery", "redeliver",
    "begin_rehearsal", "list_rehearsals", "get_rehearsal",
    "get_health", "get_readiness", "get_metrics", "get_document", "get_page", "get_page_file",
    "get_problem_type",
]  # fmt: skip


def ask(client: FlaskClient, name: str, headers: Mapping[str, str]) -> Any:
    """Call a route with a body that it takes."""
    method, path, _ = named_routes(client.application)[name]
    sent = {"If-Match": "*", **headers}
    return client.open(path, method=method, json=BODIES.get(name), headers=sent)


def bearer(secret: str) -> dict[str, str]:
    """Return the header that carries a key."""
    return {"Authorization": f"Bearer {secret}"}


def refused(response: Any) -> bool:
    """Tell whether it was the key that was refused."""
    return response.status_code in (401, 403)


def test_the_matrix_is_of_all_routes(app: Flask) -> None:
    """A route without a row here, or without a contract, fails."""
    assert sorted(NAMES) == sorted(named_routes(app))
    rules = [rule for rule in app.url_map.iter_rules() if not rule.rule.startswith("/admin")]
    assert all(contract_of(app.view_functions[rule.endpoint]) is not None for rule in rules)
    assert all(map(methods, rules))


@pytest.mark.parametrize("name", NAMES)
def test_every_route_with_every_kind_of_key(
    guarded: FlaskClient, keyring: Keyring, books: Books, name: str
) -> None:
    """Only a good key with the scope gets in; who does not changes nothing and is told why."""
    _, _, contract = named_routes(guarded.application)[name]
    if not contract.needs_key:
        for headers in ({}, bearer("rubbish")):
            assert refused(ask(guarded, name, headers)) == (name == SIGN_IN)
        return
    # Where any key will do, there is none that is good for something else.
    scope = contract.scope or Scope.CATALOG_READ
    count = books.database["products"].count_documents({})
    others = [one for one in Scope if one not in (scope, Scope.ADMIN)]
    _, wrong = keyring.issue("wrong", others)
    revoked_key, revoked = keyring.issue("revoked", [scope])
    keyring.revoke(revoked_key.id)
    soon = datetime.now(UTC) + timedelta(seconds=0.3)
    _, expired = keyring.issue("expired", [scope], expires_at=soon)

    assert_problem(ask(guarded, name, {}), 401, "authentication_required")
    for bad in ("rubbish", new_secret(publishable=False), revoked, f"{revoked}x", ""):
        response = ask(guarded, name, bearer(bad))
        assert_problem(response, 401, "invalid_api_key")
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
        assert_problem(ask(guarded, name, {"X-API-Key": bad}), 401, "invalid_api_key")
    time.sleep(max(0.0, (soon - datetime.now(UTC)).total_seconds() + 0.2))
    assert_problem(ask(guarded, name, bearer(expired)), 401, "invalid_api_key")
    response = ask(guarded, name, bearer(wrong))
    if contract.any_key:
        assert response.status_code == 200
    else:
        assert_problem(response, 403, "insufficient_scope")
        assert response.json["required_scope"] == scope
    assert books.database["products"].count_documents({}) == count

    _, right = keyring.issue("right", [scope])
    _, admin = keyring.issue("admin", [Scope.ADMIN])
    for headers in (bearer(right), {"X-API-Key": right}, bearer(admin)):
        assert not refused(ask(guarded, name, headers))
    if scope in PUBLISHABLE_SCOPES:
        _, published = keyring.issue("page", [scope], publishable=True)
        response = ask(guarded, name, bearer(published))
        if contract.secret_only:
            assert_problem(response, 403, "secret_key_required")
        else:
            assert not refused(response)


@pytest.mark.parametrize("name", NAMES)
def test_every_route_with_every_kind_of_session(
    guarded_app: Flask, guarded: FlaskClient, keyring: Keyring, books: Books, name: str
) -> None:
    """A session opens what its key does, and changes nothing without its CSRF token."""
    method, _, contract = named_routes(guarded_app)[name]
    page = guarded_app.test_client(use_cookies=False)

    def sign_in(*scopes: Scope) -> tuple[str, str]:
        """Return the id of a new key, and the token of a session of it."""
        key, secret = keyring.issue("dashboard", scopes)
        began = page.post("/api/session", json={"key": secret})
        assert began.status_code == 201
        return key.id, began.headers["Set-Cookie"].split("=", 1)[1].split(";")[0]

    def ask_by(token: str, csrf: str | None = None) -> Any:
        return ask(page, name, cookie(token) | ({} if csrf is None else {"X-CSRF-Token": csrf}))

    if not contract.needs_key:
        assert refused(ask_by(new_token())) == (name == SIGN_IN)
        return
    scope = contract.scope or Scope.CATALOG_READ
    _, right = sign_in(scope)
    _, wrong = sign_in(*[one for one in Scope if one not in (scope, Scope.ADMIN)])
    _, over = sign_in(scope)
    digest = Binary(digest_of(over))
    books.database["sessions"].update_one({"_id": digest}, {"$set": {"expires_at": PAST}})
    key_id, revoked = sign_in(scope)
    keyring.revoke(key_id)
    before = catalogue(books)

    for bad in (new_token(), over, revoked, f"{right}x", "rubbish", ""):
        response = ask_by(bad, csrf_token_of(bad))
        assert_problem(response, 401, "session_expired")
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    if not contract.any_key:
        response = ask_by(wrong, csrf_token_of(wrong))
        assert_problem(response, 403, "insufficient_scope")
    if method != "GET":
        for csrf in (None, "", "rubbish", "é", csrf_token_of(wrong)):
            assert_problem(ask_by(right, csrf), 403, "invalid_csrf_token")
    assert catalogue(books) == before
    assert not refused(ask_by(right, None if method == "GET" else csrf_token_of(right)))
    _, anything = sign_in(Scope.ADMIN)
    assert not refused(ask_by(anything, csrf_token_of(anything)))


def catalogue(books: Books) -> dict[str, Any]:
    """Return all that is kept but how keys and sessions do."""
    kept = books.everything()
    return {name: kept[name] for name in kept if name not in ("api_keys", "sessions")}


def cookie(token: str) -> dict[str, str]:
    """Return the header that carries a session."""
    return {"Cookie": f"theme=dark; inventory_session={token}"}


def test_the_table_in_the_documentation_is_the_one_in_the_code(app: Flask) -> None:
    """docs/security.md names every route, its scope, and whether a page's key will do."""
    rows = re.findall(r"^\| `([A-Z]+) (/\S*)` \| (.+?) \| (.+?) \|$", SECURITY.read_text(), re.M)
    assert {(m, p): (s.strip("`"), k) for m, p, s, k in rows} == {
        (route.method.upper(), route.path): _row(route.contract) for route in routes(app)
    }


def _row(contract: Contract) -> tuple[str, str]:
    if contract.any_key:
        return "any", "secret or publishable"
    if contract.scope is None:
        return "none", "nobody needs one"
    published = contract.scope in PUBLISHABLE_SCOPES and not contract.secret_only
    return str(contract.scope), "secret or publishable" if published else "secret"


def test_products_can_be_public(public: FlaskClient, keyring: Keyring) -> None:
    """With public reads nobody needs a key to look, and a bad one is bad all the same."""
    assert public.get("/api/products").status_code == 200
    assert_problem(public.get(f"/api/products/{ID}"), 404, "product_not_found")
    response = public.get("/api/products", headers=bearer("x"))
    assert_problem(response, 401, "invalid_api_key")
    for path in ("/api/purchases", f"/api/products/{ID}/movements", "/api/keys", "/metrics"):
        assert_problem(public.get(path), 401, "authentication_required")
    response = public.post(f"/api/products/{ID}/purchase", json={"quantity": 1})
    assert_problem(response, 401, "authentication_required")
    _, buyer = keyring.issue("buyer", [Scope.STOCK_PURCHASE])
    response = public.get("/api/products", headers=bearer(buyer))
    assert response.status_code == 200, "who has a key may see no less than who has none"


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Basic {key}"},
        {"Authorization": "{key}"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer {key} {key}"},
        {"Authorization": "Bearer {key}", "X-API-Key": "{key}"},
        {"X-API-Key": "Bearer {key}"},
    ],
)
def test_a_key_in_another_form_is_no_key(
    guarded: FlaskClient, keyring: Keyring, headers: dict[str, str]
) -> None:
    """One key, in one header, as it is; what could be read in two ways is refused."""
    _, secret = keyring.issue("somebody", [Scope.ADMIN])
    sent = {name: value.format(key=secret) for name, value in headers.items()}
    assert_problem(guarded.get("/api/products", headers=sent), 401, "invalid_api_key")


def test_the_scheme_is_not_a_matter_of_capitals(guarded: FlaskClient, keyring: Keyring) -> None:
    """`bearer` and `BEARER` are the same scheme (RFC 9110)."""
    _, secret = keyring.issue("somebody", [Scope.CATALOG_READ])
    for scheme in ("bearer", "BEARER"):
        sent = {"Authorization": f"{scheme} {secret}"}
        assert guarded.get("/api/products", headers=sent).status_code == 200


def test_a_retry_is_answered_to_the_client_that_asked_first(
    guarded: FlaskClient, keyring: Keyring
) -> None:
    """The same Idempotency-Key of another client is another request; a second key is the same."""
    _, admin = keyring.issue("admin", [Scope.ADMIN])
    product = guarded.post(
        "/api/products", json={"name": "Cap", "price": "5", "stock": 9}, headers=bearer(admin)
    ).get_json()
    path = f"/api/products/{product['id']}/purchase"

    def buy(secret: str) -> Any:
        headers = {**bearer(secret), "Idempotency-Key": "order 1"}
        return guarded.post(path, json={"quantity": 1, "reference": "mine"}, headers=headers)

    _, first = keyring.issue("shop", [Scope.STOCK_PURCHASE])
    _, second = keyring.issue("shop", [Scope.STOCK_PURCHASE])
    _, other = keyring.issue("another shop", [Scope.STOCK_PURCHASE])
    bought = buy(first)
    assert (bought.status_code, bought.json["remaining_stock"]) == (201, 8)
    again = buy(second)
    assert (again.json, again.headers["Idempotent-Replayed"]) == (bought.json, "true")
    strange = buy(other)
    assert (strange.status_code, strange.json["remaining_stock"]) == (201, 7)
    assert "Idempotent-Replayed" not in strange.headers


@pytest.fixture(name="public_app", scope="module")
def _public_app(database_settings: Settings) -> Iterator[Flask]:
    app = create_app(replace(database_settings, auth="on", public_reads=True))
    yield app
    close_app(app)


@pytest.fixture(name="public")
def _public(public_app: Flask, settings: Settings) -> FlaskClient:
    return public_app.test_client()
