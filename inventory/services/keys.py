"""API keys: made, listed, revoked, and asked at every request on whose behalf it is made.

What a key is good for is remembered for less than a second, so a request hardly ever waits for the
database because of its key, and a revocation reaches every process in time.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from inventory import limits
from inventory.domain.keys import (
    PUBLISHABLE_SCOPES,
    ApiKey,
    Principal,
    Scope,
    digest_of,
    hint_of,
    in_order,
    is_well_formed,
    new_secret,
)
from inventory.errors import InvalidApiKey, InvalidValue, Unavailable
from inventory.repository.keys import KeyRepository
from inventory.repository.mongo import DatabaseClock, new_id
from inventory.services.remembering import Memory

FIRST_CLIENT = "first-admin"


class _Seen(NamedTuple):
    """What the database said of a key: None where there is none, or none that opens anything."""

    key: ApiKey | None
    principal: Principal | None


class Keyring:
    """The keys that there are."""

    def __init__(self, keys: KeyRepository, clock: DatabaseClock) -> None:
        self._keys = keys
        self._clock = clock
        # By digest, for whoever sends a key; by id, for whoever has a session of it.
        self._memory: Memory[bytes | str, _Seen] = Memory(self._look_up)

    def issue(
        self,
        client: str,
        scopes: Sequence[Scope],
        *,
        publishable: bool = False,
        expires_at: datetime | None = None,
    ) -> tuple[ApiKey, str]:
        """Make a key for a client; return what is kept of it, and the key itself, which is not.

        Raises `InvalidValue` for an expiry that is past, or for a publishable key that would be
        good for more than shoppers may do.
        """
        key, secret = self._make(client, scopes, publishable, expires_at)
        self._keys.add(key, digest_of(secret))
        return key, secret

    def issue_first(self) -> str | None:
        """Make a key that may do everything, unless there is or ever was one; return it."""
        key, secret = self._make(FIRST_CLIENT, [Scope.ADMIN], False, None)
        return secret if self._keys.add_first(key, digest_of(secret)) else None

    def _make(
        self,
        client: str,
        scopes: Sequence[Scope],
        publishable: bool,
        expires_at: datetime | None,
    ) -> tuple[ApiKey, str]:
        now = self._clock.now()
        if expires_at is not None and expires_at <= now:
            raise InvalidValue("expires_at", "This time is past.")
        if publishable and not PUBLISHABLE_SCOPES.issuperset(scopes):
            allowed = " and ".join(sorted(PUBLISHABLE_SCOPES))
            raise InvalidValue("scopes", f"A publishable key has {allowed} at most.")
        secret = new_secret(publishable=publishable)
        key = ApiKey(
            id=new_id(),
            client=client,
            publishable=publishable,
            scopes=in_order(scopes),
            hint=hint_of(secret),
            created_at=now,
            expires_at=expires_at,
        )
        return key, secret

    def get(self, key_id: str) -> ApiKey:
        """Return a key; raise `ApiKeyNotFound`."""
        return self._keys.get(key_id)

    def list_keys(self, before: str | None, count: int) -> list[ApiKey]:
        """Return keys, the newest first, revoked ones as well."""
        return self._keys.list_newest(before, count)

    def revoke(self, key_id: str) -> ApiKey:
        """Let a key open nothing any more, here at once, elsewhere within a second."""
        revoked = self._keys.revoke(key_id, self._clock.now())
        ended = _Seen(revoked, None)
        self._memory.correct(
            lambda seen: ended if seen.key is not None and seen.key.id == key_id else seen
        )
        return revoked

    def remembers(self, secret: str) -> bool:
        """Tell whether a key was good when the database was last asked."""
        seen = self._memory.last(digest_of(secret)) if is_well_formed(secret) else None
        return seen is not None and seen.principal is not None

    def authenticate(self, secret: str) -> Principal:
        """Return on whose behalf a key speaks; raise `InvalidApiKey`.

        Raises `StorageUnavailable` if the database cannot say. While it cannot, nobody can revoke
        a key either: one that was good stays good for `limits.KEY_TRUSTED_SECONDS`.
        """
        if not is_well_formed(secret):
            raise InvalidApiKey
        return self._holder(digest_of(secret))

    def holder_of(self, key_id: str) -> Principal:
        """Return on whose behalf the key with this id speaks, as `authenticate` does."""
        return self._holder(key_id)

    def _holder(self, name: bytes | str) -> Principal:
        key, principal = self._memory.recall(name)
        if key is None or principal is None:
            raise InvalidApiKey
        if key.expires_at is not None and not key.is_valid(self._clock.now()):
            raise InvalidApiKey
        return principal

    def _look_up(self, name: bytes | str) -> _Seen:
        """Ask the database of a key by its digest or its id."""
        keys = self._keys
        key = keys.find_by_digest(name) if isinstance(name, bytes) else keys.find(name)
        now = self._clock.now()
        if key is None or not key.is_valid(now):
            return _Seen(key, None)
        key = self._touched(key, now)
        return _Seen(key, key.principal)

    def _touched(self, key: ApiKey, now: datetime) -> ApiKey:
        """Write down that a key is used, now and then."""
        often = timedelta(seconds=limits.KEY_USE_SECONDS)
        if key.last_used_at is not None and now - key.last_used_at < often:
            return key
        with suppress(Unavailable):
            self._keys.touch(key.id, now)
        return replace(key, last_used_at=now)
