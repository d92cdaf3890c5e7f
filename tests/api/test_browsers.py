"""What browsers are told, and what pages of other origins cannot do."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from inventory.app import close_app, create_app
from inventory.domain.keys import Scope
from inventory.services.keys import Keyring
from inventory.settings import Settings
from tests.api.support import Books, assert_problem

SHOP, ELSEWHERE = "https://shop.example", "https://elsewhere.example"
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
}


@pytest.fixture(name="shop_app", scope="module")
def _shop_app(database_settings: Settings) -> Iterator[Flask]:
    named = frozenset({SHOP, "http://localhost:3000"})
    app = create_app(replace(database_settings, auth="on", cors_origins=named))
    yield app
    close_app(app)


@pytest.fixture(name="shop")
def _shop(shop_app: Flask, settings: Settings) -> FlaskClient:
    """A service that pages of a shop may ask, with a key."""
    return shop_app.test_client()


@pytest.mark.parametrize(
    "method,path",
    [
        ("GET", "/api/products"),
        ("GET", "/healthz"),
        ("GET", "/docs"),
        ("GET", "/metrics"),
        ("GET", "/nothing"),
        ("PUT", "/api/products"),
        ("POST", "/api/products"),
    ],
)
def test_every_answer_says_how_little_it_may_do(
    client: FlaskClient, method: str, path: str
) -> None:
    """Not guessed at, not framed, not told to where its links lead; problems alike."""
    headers = client.open(path, method=method).headers
    assert headers.getlist("X-Content-Type-Options") == ["nosniff"]
    assert headers.getlist("X-Frame-Options") == ["DENY"]
    assert headers.getlist("Referrer-Policy") == ["no-referrer"]
    (policy,) = headers.getlist("Content-Security-Policy")
    assert ("default-src 'none'" in policy) != (path == "/docs")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "Strict-Transport-Security" not in headers


def test_who_came_by_tls_is_told_to_stay(client: FlaskClient) -> None:
    """And only who did: by HTTP it would mean nothing."""
    response = client.get("/healthz", base_url="https://localhost")
    assert "max-age=" in response.headers["Strict-Transport-Security"]


def test_a_named_origin_may_ask(shop: FlaskClient, keyring: Keyring) -> None:
    """The browser is told so before it sends a key, and with every answer, refusals included."""
    asked = shop.options("/api/products", headers={"Origin": SHOP, **PREFLIGHT})
    assert (asked.status_code, asked.data) == (204, b"")
    assert asked.headers["Access-Control-Allow-Origin"] == SHOP
    assert "POST" in asked.headers["Access-Control-Allow-Methods"]
    for name in ("authorization", "x-api-key", "idempotency-key", "if-match", "content-type"):
        assert name in asked.headers["Access-Control-Allow-Headers"].lower()
    _, secret = keyring.issue("page", [Scope.CATALOG_READ], publishable=True)
    for headers, status in (({"X-API-Key": secret}, 200), ({}, 401)):
        response = shop.get("/api/products", headers={"Origin": SHOP, **headers})
        assert response.status_code == status
        assert response.headers["Access-Control-Allow-Origin"] == SHOP
        assert response.headers["Vary"] == "Origin"
        assert "Retry-After" in response.headers["Access-Control-Expose-Headers"]
        assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize(
    "origin",
    [
        *(
            ELSEWHERE,
            "null",
            "",
            f"{SHOP}.evil.example",
            "https://evil-shop.example",
            f"{SHOP}:444",
        ),
        *(f"{SHOP}/", SHOP.upper(), f"{SHOP}, {ELSEWHERE}", "*", "file://"),
    ],
)
def test_no_other_origin_may(shop: FlaskClient, origin: str) -> None:
    """What is not named to the letter is told nothing, so a browser keeps the answer from it."""
    for method in ("OPTIONS", "GET", "POST"):
        response = shop.open(
            "/api/products", method=method, headers={"Origin": origin, **PREFLIGHT}
        )
        assert "Access-Control-Allow-Origin" not in response.headers


def test_without_origins_nobody_is_told_anything(client: FlaskClient) -> None:
    """Unless an operator names some, pages of other origins are shut out."""
    for method in ("OPTIONS", "GET"):
        response = client.open(
            "/api/products", method=method, headers={"Origin": SHOP, **PREFLIGHT}
        )
        assert not [name for name, _ in response.headers if name.startswith("Access-Control")]


def test_a_page_elsewhere_cannot_use_a_browser_on_this_machine(
    client: FlaskClient, books: Books
) -> None:
    """Where nobody needs a key, being on this machine is the key; a browser must not lend it."""
    product = {"name": "Cap", "price": "5", "stock": 3}

    def create(**sent: Any) -> Any:
        return client.post("/api/products", json=product, **sent)

    for origin in (ELSEWHERE, "null", "http://localhost:9999"):
        assert_problem(create(headers={"Origin": origin}), 403, "foreign_page")
    assert books.count("products") == 0
    assert create(headers={"Origin": "http://localhost"}).status_code == 201
    assert create().status_code == 201
    assert client.get("/api/products", headers={"Origin": ELSEWHERE}).status_code == 200


@pytest.mark.parametrize(
    "host,answered",
    [
        *[(h, True) for h in ("localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:80")],
        *[(h, False) for h in ("shop.example", "127.0.0.1.evil.example", "localhost.evil.example")],
        *[(h, False) for h in ("192.0.2.1", "0.0.0.0:8000", "[::ffff:192.0.2.1]", "evil:8000")],
    ],
)
def test_a_name_that_leads_here_is_not_this_machine(
    client: FlaskClient, host: str, answered: bool
) -> None:
    """A page elsewhere can let its own name lead to 127.0.0.1; it is not answered by that name."""
    response = client.get("/api/products", headers={"Host": host})
    if answered:
        assert response.status_code == 200
    else:
        assert_problem(response, 403, "foreign_page")


def test_with_keys_any_name_will_do(guarded: FlaskClient) -> None:
    """A browser has no key to lend, so behind a proxy of any name nothing is refused for it."""
    response = guarded.get("/healthz", headers={"Host": "shop.example", "Origin": ELSEWHERE})
    assert response.status_code == 200
