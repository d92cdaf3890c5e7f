"""Sessions of browsers: begun with a key, known by a cookie, over when they were said to be."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import Binary
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from inventory import limits
from inventory.api.context import context_of
from inventory.app import close_app, create_app
from inventory.domain.keys import Scope, digest_of, new_secret
from inventory.domain.sessions import csrf_token_of, new_token
from inventory.errors import StorageUnavailable
from inventory.repository.sessions import SessionRepository
from inventory.services.keys import Keyring
from inventory.services.sessions import Sessions
from inventory.settings import Settings
from tests.api.support import Books, assert_problem, until

NOTHING = {
    "authentication": "off",
    "key_id": None,
    "name": None,
    "scopes": list(Scope),
    "expires_at": None,
    "csrf_token": None,
}
PRODUCT = {"name": "Cap", "price": "5", "stock": 9}


def sign_in(client: FlaskClient, secret: str, **sent: Any) -> TestResponse:
    """Sign in; the client keeps the cookie, as a browser does."""
    response = client.post("/api/session", json={"key": secret}, **sent)
    assert response.status_code == 201, response.text
    return response


def token_of(response: TestResponse) -> str:
    """Return the token that an answer lets the browser keep."""
    found = re.match(r"inventory_session=([^;]*);", response.headers["Set-Cookie"])
    assert found
    return found[1]


def csrf(response: TestResponse) -> dict[str, str]:
    """Return the header that lets the page change something."""
    return {"X-CSRF-Token": response.get_json()["csrf_token"]}


@pytest.fixture(name="secret")
def _secret(keyring: Keyring) -> str:
    _, secret = keyring.issue("dashboard", [Scope.CATALOG_WRITE, Scope.CATALOG_READ])
    return secret


@pytest.fixture(name="strict_app")
def _strict_app(settings: Settings) -> Iterator[Flask]:
    """An app that counts wrong keys."""
    app = create_app(replace(settings, auth="on", failed_login_rate=3))
    yield app
    close_app(app)


def test_signing_in(guarded: FlaskClient, keyring: Keyring, secret: str, books: Books) -> None:
    """The token goes into a cookie and nowhere else; what is kept is its digest, and no key."""
    response = sign_in(guarded, secret)
    token, (key,) = token_of(response), keyring.list_keys(None, 1)
    cookie = f"inventory_session={token}; Path=/api; HttpOnly; SameSite=Strict; Max-Age=43200"
    assert response.headers.getlist("Set-Cookie") == [cookie]
    assert response.headers["Cache-Control"] == "no-store"
    shown = response.get_json()
    ends = datetime.fromisoformat(shown.pop("expires_at"))
    assert timedelta(0) <= datetime.now(UTC) + timedelta(hours=12) - ends < timedelta(minutes=1)
    assert shown == {
        "authentication": "on",
        "key_id": key.id,
        "name": "dashboard",
        "scopes": ["catalog:read", "catalog:write"],
        "csrf_token": csrf_token_of(token),
    }
    (kept,) = books.database["sessions"].find()
    assert kept.keys() == {"_id", "key_id", "created_at", "expires_at"}
    assert kept["_id"] == digest_of(token)
    assert token not in response.text
    (index,) = [one for one in books.database["sessions"].list_indexes() if one["name"] == "expiry"]
    assert (list(index["key"]), index["expireAfterSeconds"]) == (["expires_at"], 0)


def test_by_tls_the_cookie_stays_there(guarded: FlaskClient, secret: str) -> None:
    """A browser that came by TLS never sends it without."""
    response = sign_in(guarded, secret, base_url="https://localhost")
    assert response.headers["Set-Cookie"].endswith("; Max-Age=43200; Secure")


def test_a_session_does_what_its_key_does(guarded: FlaskClient, secret: str) -> None:
    """It reads, changes, and has the key's answers to retries; no more is there for it."""
    signed = sign_in(guarded, secret)
    made = guarded.post(
        "/api/products", json=PRODUCT, headers=csrf(signed) | {"Idempotency-Key": "x"}
    )
    assert made.status_code == 201
    by_key = {"X-API-Key": secret, "Idempotency-Key": "x"}
    again = guarded.post("/api/products", json=PRODUCT, headers=by_key)
    assert (again.get_json(), again.headers["Idempotent-Replayed"]) == (made.get_json(), "true")
    assert guarded.get(made.headers["Location"]).status_code == 200
    assert_problem(guarded.get("/api/keys"), 403, "insufficient_scope")


def test_who_am_i(guarded: FlaskClient, client: FlaskClient, keyring: Keyring) -> None:
    """By session, by key, by nothing, and where nobody needs a key."""
    assert_problem(guarded.get("/api/session"), 401, "authentication_required")
    ends = datetime(2099, 1, 1, tzinfo=UTC)
    key, secret = keyring.issue("till", [Scope.ADMIN], expires_at=ends)
    by_key = guarded.get("/api/session", headers={"X-API-Key": secret})
    assert by_key.headers["Cache-Control"] == "no-store"
    assert by_key.get_json() == {
        "authentication": "on",
        "key_id": key.id,
        "name": "till",
        "scopes": ["admin"],
        "expires_at": "2099-01-01T00:00:00.000Z",
        "csrf_token": None,
    }
    signed = sign_in(guarded, secret)
    by_session = guarded.get("/api/session")
    assert by_session.get_json() == signed.get_json()
    assert by_session.headers["Cache-Control"] == "no-store"
    _, published = keyring.issue("page", [Scope.CATALOG_READ], publishable=True)
    by_key = guarded.get("/api/session", headers={"Authorization": f"Bearer {published}"})
    shown = by_key.get_json()
    assert (shown["name"], shown["expires_at"]) == ("page", None)
    client.set_cookie("inventory_session", "rubbish", path="/api")
    assert client.get("/api/session").get_json() == NOTHING


def test_a_key_in_a_header_goes_first(guarded: FlaskClient, keyring: Keyring, secret: str) -> None:
    """Be it good, bad or of somebody else; then the cookie is not looked at."""
    sign_in(guarded, secret)
    _, other = keyring.issue("other", [Scope.ADMIN])
    assert guarded.get("/api/keys", headers={"X-API-Key": other}).status_code == 200
    made = guarded.post("/api/products", json=PRODUCT, headers={"X-API-Key": other})
    assert made.status_code == 201, "there is no cookie in it, so no CSRF token is needed"
    response = guarded.get("/api/products", headers={"X-API-Key": "rubbish"})
    assert_problem(response, 401, "invalid_api_key")


def test_signing_out(guarded: FlaskClient, secret: str, books: Books) -> None:
    """The session is gone and the cookie with it; where there is none it makes no difference."""
    signed = sign_in(guarded, secret)
    assert_problem(guarded.delete("/api/session"), 403, "invalid_csrf_token")
    assert guarded.get("/api/session").status_code == 200
    for headers in (csrf(signed), {}):
        response = guarded.delete("/api/session", headers=headers)
        assert response.status_code == 204
        cookie = "inventory_session=; Path=/api; HttpOnly; SameSite=Strict; Max-Age=0"
        assert response.headers["Set-Cookie"] == cookie
        assert books.count("sessions") == 0
    kept = {"Cookie": f"inventory_session={token_of(signed)}"}
    page = guarded.application.test_client(use_cookies=False)
    assert_problem(page.get("/api/session", headers=kept), 401, "session_expired")
    assert page.delete("/api/session", headers=kept).status_code == 204


def test_signing_in_again_ends_the_session_before(guarded: FlaskClient, secret: str) -> None:
    """A token that somebody has from before is worth nothing to them afterwards."""
    before = {"Cookie": f"inventory_session={token_of(sign_in(guarded, secret))}"}
    sign_in(guarded, secret)
    page = guarded.application.test_client(use_cookies=False)
    assert_problem(page.get("/api/session", headers=before), 401, "session_expired")
    assert guarded.get("/api/session").status_code == 200


def test_two_cookies_are_none(guarded: FlaskClient, secret: str) -> None:
    """A neighbour that plants a session of its own beside ours does not get its way."""
    mine, planted = token_of(sign_in(guarded, secret)), token_of(sign_in(guarded, secret))
    page = guarded.application.test_client(use_cookies=False)
    both = {"Cookie": f"inventory_session={planted}; inventory_session={mine}"}
    assert_problem(page.get("/api/session", headers=both), 401, "session_expired")


def test_what_begins_no_session(guarded: FlaskClient, keyring: Keyring, books: Books) -> None:
    """A bad key, a revoked one, a page's, and what is no key at all."""
    key, revoked = keyring.issue("gone", [Scope.ADMIN])
    keyring.revoke(key.id)
    _, published = keyring.issue("page", [Scope.CATALOG_READ], publishable=True)
    for secret, status, code in (
        ("rubbish", 401, "invalid_api_key"),
        (new_secret(publishable=False), 401, "invalid_api_key"),
        (revoked, 401, "invalid_api_key"),
        (published, 403, "secret_key_required"),
        ("", 422, "validation_failed"),
        (7, 422, "validation_failed"),
    ):
        response = guarded.post("/api/session", json={"key": secret})
        assert_problem(response, status, code)
        assert "Set-Cookie" not in response.headers
    by_form = guarded.post("/api/session", data={"key": published})
    assert_problem(by_form, 415, "unsupported_media_type")
    assert books.count("sessions") == 0


def test_wrong_keys_and_guessed_tokens_are_counted(strict_app: Flask, secret: str) -> None:
    """Whichever way they come; a page that was left open overnight guesses nothing."""
    app = strict_app
    page = app.test_client(use_cookies=False)
    signed = sign_in(app.test_client(), secret)
    left = {"Cookie": f"inventory_session={token_of(signed)}"}
    sessions = context_of(app).sessions
    assert page.get("/api/session", headers=left).status_code == 200
    sessions.end(token_of(signed))
    for _ in range(9):
        assert_problem(page.get("/api/session", headers=left), 401, "session_expired")
    statuses = [
        page.post("/api/session", json={"key": "rubbish"}).status_code,
        page.get("/api/session", headers={"X-API-Key": "rubbish"}).status_code,
        page.get("/api/products", headers={"Cookie": f"inventory_session={new_token()}"}),
        page.post("/api/session", json={"key": "rubbish"}).status_code,
        page.delete("/api/session", headers={"Cookie": f"inventory_session={new_token()}"}),
    ]
    assert [getattr(one, "status_code", one) for one in statuses] == [401, 401, 401, 429, 429]


def test_a_session_ends_with_its_key(
    guarded: FlaskClient, client: FlaskClient, keyring: Keyring
) -> None:
    """To the moment where that is known beforehand, and within a second of a revocation."""
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    key, secret = keyring.issue("brief", [Scope.ADMIN], expires_at=soon)
    shown = sign_in(guarded, secret).get_json()
    assert datetime.fromisoformat(shown["expires_at"]) == key.expires_at
    client.delete(f"/api/keys/{key.id}")
    until(lambda: guarded.get("/api/session").status_code == 401, limits.KEY_KNOWN_SECONDS * 2)
    assert_problem(guarded.get("/api/session"), 401, "session_expired")


def test_a_session_ends_by_the_clock(
    guarded: FlaskClient, secret: str, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MongoDB may take a minute to forget it; nobody waits for that."""
    monkeypatch.setattr(limits, "SESSION_SECONDS", 1)
    token = token_of(sign_in(guarded, secret))
    assert guarded.get("/api/session").status_code == 200
    # Werkzeug's client forgets the cookie at its end, as browsers do.
    page = guarded.application.test_client(use_cookies=False)
    held = {"Cookie": f"inventory_session={token}"}
    until(lambda: page.get("/api/session", headers=held).status_code == 401)
    found = books.database["sessions"].find_one({"_id": Binary(digest_of(token))})
    assert found is None or found["expires_at"] <= datetime.now(UTC)


class _Counted(SessionRepository):
    """A database that counts how often it is asked, and can be away."""

    asked = 0
    away = False

    def find(self, digest: bytes) -> Any:
        self.asked += 1
        if self.away:
            raise StorageUnavailable
        return super().find(digest)


def test_the_database_is_not_asked_at_every_request(
    books: Books, keyring: Keyring, secret: str
) -> None:
    """A session is remembered as a key is: for a moment, and while the database is away."""
    counted = _Counted(books.database)
    sessions = Sessions(counted, keyring, keyring._clock)
    session, token = sessions.begin(keyring.authenticate(secret))
    for _ in range(100):
        assert sessions.authenticate(token)[0] == session
    assert counted.asked == 1
    counted.away = True
    until(lambda: sessions.authenticate(token)[0] == session and counted.asked > 1)
    assert not sessions.has_met(new_token())
    with pytest.raises(StorageUnavailable):
        sessions.authenticate(new_token())


@pytest.mark.parametrize(
    "path,expected",
    [
        ("/api/products/{id}", "private, no-cache"),
        ("/api/products", "private, no-cache"),
        ("/api/products/{id}/stock", "no-store"),
        ("/api/nothing", "no-store"),
        ("/api/session", "no-store"),
    ],
)
def test_what_a_session_is_shown_is_kept_for_nobody_else(
    guarded: FlaskClient, client: FlaskClient, secret: str, path: str, expected: str
) -> None:
    """No cache on the way may keep it, but the browser may ask whether it still holds."""
    id = client.post("/api/products", json=PRODUCT).get_json()["id"]
    sign_in(guarded, secret)
    response = guarded.get(path.format(id=id))
    assert response.headers.getlist("Cache-Control") == [expected]
    assert "Cookie" in response.headers.getlist("Vary")
    if etag := response.headers.get("ETag"):
        again = guarded.get(path.format(id=id), headers={"If-None-Match": etag})
        assert (again.status_code, again.headers["Cache-Control"]) == (304, expected)
    other = client.get(path.format(id=id))
    assert "private" not in other.headers.get("Cache-Control", "")
    assert "Vary" not in other.headers
