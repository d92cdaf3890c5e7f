"""API keys through the API: shown once, kept as a digest, listed, revoked."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from inventory import limits
from inventory.domain.keys import Scope, digest_of
from inventory.errors import InvalidApiKey, StorageUnavailable
from inventory.repository.keys import KeyRepository
from inventory.services.keys import Keyring
from tests.api.support import Books, assert_problem, until


def make(asking: FlaskClient, /, **fields: Any) -> Any:
    """Ask for a key."""
    return asking.post("/api/keys", json={"client": "shop", "scopes": ["catalog:read"]} | fields)


def answered(response: TestResponse) -> Any:
    """Return what an answer says."""
    assert response.status_code == 200
    return response.get_json()


def test_a_key_is_shown_once(client: FlaskClient, books: Books) -> None:
    """The answer that makes it shows it, and is not to be kept; nothing else ever does."""
    response = make(client, scopes=["stock:purchase", "catalog:read"])
    made = response.json
    secret = made.pop("key")
    assert response.status_code == 201
    assert response.headers["Cache-Control"] == "no-store"
    assert made["scopes"] == ["catalog:read", "stock:purchase"]
    assert client.get(response.headers["Location"]).json == made
    assert answered(client.get("/api/keys"))["items"] == [made]
    (kept,) = books.database["api_keys"].find()
    assert kept["digest"] == digest_of(secret)
    assert secret not in str(kept)
    assert secret[len(made["hint"]) :] not in client.get("/api/keys").text


@pytest.mark.parametrize(
    "fields,field",
    [
        ({"client": ""}, "client"),
        ({"client": "x" * 101}, "client"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes.0"),
        ({"scopes": "admin"}, "scopes"),
        ({"publishable": "yes"}, "publishable"),
        ({"publishable": True, "scopes": ["stock:write"]}, "scopes"),
        ({"publishable": True, "scopes": ["catalog:read", "admin"]}, "scopes"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"key": "inv_sk_mine"}, "key"),
    ],
)
def test_what_makes_no_key(
    client: FlaskClient, books: Books, fields: dict[str, Any], field: str
) -> None:
    """What a key cannot be is refused by name, and none is made."""
    response = make(client, **fields)
    assert_problem(response, 422, "validation_failed")
    assert field in response.json["errors"]
    assert books.database["api_keys"].count_documents({}) == 0


def test_keys_are_listed_page_by_page(client: FlaskClient) -> None:
    """The newest first."""
    made = [make(client, client=f"client {number}").json["id"] for number in range(3)]
    first = answered(client.get("/api/keys?limit=2"))
    assert [key["id"] for key in first["items"]] == made[:0:-1]
    rest = answered(client.get(f"/api/keys?limit=2&cursor={first['next_cursor']}"))
    assert ([key["id"] for key in rest["items"]], rest["next_cursor"]) == ([made[0]], None)


def test_a_revoked_key_stays_on_record(client: FlaskClient) -> None:
    """Revoking twice changes nothing; what there is not cannot be revoked."""
    id = make(client).json["id"]
    assert client.delete(f"/api/keys/{id}").status_code == 204
    revoked = answered(client.get(f"/api/keys/{id}"))
    assert revoked["revoked_at"] is not None
    assert client.delete(f"/api/keys/{id}").status_code == 204
    assert client.get(f"/api/keys/{id}").json == revoked
    for unknown in ("0" * 24, "none", "$ne"):
        assert_problem(client.get(f"/api/keys/{unknown}"), 404, "api_key_not_found")
        assert_problem(client.delete(f"/api/keys/{unknown}"), 404, "api_key_not_found")


def test_a_key_ends_when_it_was_said_to(client: FlaskClient, keyring: Keyring) -> None:
    """To the moment, though what is known of it is remembered."""
    ends = datetime.now(UTC) + timedelta(days=1)
    _, secret = keyring.issue("shop", [Scope.CATALOG_READ], expires_at=ends)
    assert keyring.authenticate(secret).name == "shop"
    key = keyring.list_keys(None, 1)[0]
    assert key.is_valid(ends - timedelta(milliseconds=1))
    assert not key.is_valid(ends)


def test_whoever_revokes_a_key_need_not_wait(client: FlaskClient, keyring: Keyring) -> None:
    """In the process that is told it ends at once, by whichever way it was asked for."""
    made, secret = keyring.issue("shop", [Scope.CATALOG_READ])
    assert keyring.authenticate(secret) == keyring.holder_of(made.id)
    keyring.revoke(made.id)
    for ask, name in ((keyring.authenticate, secret), (keyring.holder_of, made.id)):
        with pytest.raises(InvalidApiKey):
            ask(name)


def test_its_use_is_written_down(client: FlaskClient, keyring: Keyring) -> None:
    """Not every time, but so that an unused key can be told from a used one."""
    made, secret = keyring.issue("shop", [Scope.CATALOG_READ])
    assert last_use(client, made.id) is None
    keyring.authenticate(secret)
    until(lambda: last_use(client, made.id) is not None)


def last_use(client: FlaskClient, key_id: str) -> Any:
    """Return when a key was used, as far as a majority knows."""
    return answered(client.get(f"/api/keys/{key_id}"))["last_used_at"]


def test_there_is_one_first_key(keyring: Keyring) -> None:
    """It is made once in the life of a database, and not where somebody made one before."""
    secret = keyring.issue_first()
    assert secret is not None
    assert keyring.authenticate(secret).may(Scope.ADMIN)
    assert keyring.issue_first() is None
    (first,) = keyring.list_keys(None, 10)
    keyring.revoke(first.id)
    assert keyring.issue_first() is None


class _Away(KeyRepository):
    """A database that can be away."""

    away = False
    asked = 0

    def find_by_digest(self, digest: bytes) -> Any:
        self.asked += 1
        if self.away:
            raise StorageUnavailable
        return super().find_by_digest(digest)


@pytest.fixture(name="away")
def _away(books: Books) -> _Away:
    return _Away(books.database)


def test_a_good_key_outlasts_the_database_for_a_while(
    away: _Away, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the database is away nobody can revoke a key; who was let in before still is."""
    _, secret = keyring.issue("shop", [Scope.CATALOG_READ])
    _, unseen = keyring.issue("shop", [Scope.CATALOG_READ])
    other = Keyring(away, keyring._clock)
    monkeypatch.setattr(limits, "KEY_KNOWN_SECONDS", 0.0)
    assert other.authenticate(secret).name == "shop"
    away.away = True
    assert other.authenticate(secret).name == "shop"
    with pytest.raises(StorageUnavailable):
        other.authenticate(unseen)
    monkeypatch.setattr(limits, "KEY_TRUSTED_SECONDS", 0.0)
    with pytest.raises(StorageUnavailable):
        other.authenticate(secret)


def test_the_database_is_not_asked_at_every_request(away: _Away, keyring: Keyring) -> None:
    """What a key is good for is remembered, and so is that there is no such key."""
    _, secret = keyring.issue("shop", [Scope.CATALOG_READ])
    other = Keyring(away, keyring._clock)
    for _ in range(100):
        other.authenticate(secret)
    assert away.asked == 1
