"""API keys: made, listed, revoked, and asked at every request on whose behalf it is made.

What a key is good for is remembered for less than a second, so a request hardly ever waits for the
database because of its key, and a revocation reaches every process in time.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

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
from inventory.errors import InvalidApiKey, InvalidValue, StorageUnavailable, Unavailable
from inventory.repository.keys import KeyRepository
from inventory.repository.mongo import DatabaseClock, new_id

FIRST_CLIENT = "first-admin"


@dataclass(slots=True)
class _Known:
    """What the database said of a digest, when, and when it is asked again (monotonic clock)."""

    key: ApiKey | None
    principal: Principal | None
    at: float
    until: float

    @property
    def is_trusted(self) -> bool:
        """Tell whether this holds as long as the database cannot be asked."""
        return time.monotonic() - self.at < limits.KEY_TRUSTED_SECONDS


class Keyring:
    """The keys that there are."""

    def __init__(self, keys: KeyRepository, clock: DatabaseClock) -> None:
        self._keys = keys
        self._clock = clock
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._loading: dict[bytes, threading.Event] = {}
        self._lock = threading.Lock()

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
        with self._lock:
            for known in self._known.values():
                if known.key is not None and known.key.id == key_id:
                    known.key, known.principal = revoked, None
        return revoked

    def remembers(self, secret: str) -> bool:
        """Tell whether a key was good when the database was last asked."""
        known = self._known.get(digest_of(secret)) if is_well_formed(secret) else None
        return known is not None and known.principal is not None

    def authenticate(self, secret: str) -> Principal:
        """Return on whose behalf a key speaks; raise `InvalidApiKey`.

        Raises `StorageUnavailable` if the database cannot say. While it cannot, nobody can revoke
        a key either: one that was good stays good for `limits.KEY_TRUSTED_SECONDS`.
        """
        if not is_well_formed(secret):
            raise InvalidApiKey
        digest = digest_of(secret)
        known = self._known.get(digest)
        if known is None or time.monotonic() > known.until:
            known = self._ask(digest, known)
        key, principal = known.key, known.principal
        if key is None or principal is None:
            raise InvalidApiKey
        if key.expires_at is not None and not key.is_valid(self._clock.now()):
            raise InvalidApiKey
        return principal

    def _ask(self, digest: bytes, known: _Known | None) -> _Known:
        """Ask the database once, however many wait for the same answer."""
        with self._lock:
            loading = self._loading.get(digest)
            mine = loading is None
            if loading is None:
                loading = self._loading[digest] = threading.Event()
        if not mine:
            loading.wait(limits.MONGO_TIMEOUT_SECONDS)
            found = self._known.get(digest)
            if found is None or (found is known and not found.is_trusted):
                raise StorageUnavailable
            return found
        try:
            return self._load(digest)
        except Unavailable:
            if known is None or not known.is_trusted:
                raise
            known.until = time.monotonic() + limits.KEY_KNOWN_SECONDS
            return known
        finally:
            with self._lock:
                del self._loading[digest]
            loading.set()

    def _load(self, digest: bytes) -> _Known:
        asked_at = time.monotonic()
        key, now = self._keys.find_by_digest(digest), self._clock.now()
        valid = key is not None and key.is_valid(now)
        if key is not None and valid:
            key = self._touched(key, now)
        principal = key.principal if key is not None and valid else None
        known = _Known(key, principal, asked_at, asked_at + limits.KEY_KNOWN_SECONDS)
        with self._lock:
            self._known[digest] = known
            self._known.move_to_end(digest)
            while len(self._known) > limits.KEYS_KNOWN_MAX:
                self._known.popitem(last=False)
        return known

    def _touched(self, key: ApiKey, now: datetime) -> ApiKey:
        """Write down that a key is used, now and then."""
        often = timedelta(seconds=limits.KEY_USE_SECONDS)
        if key.last_used_at is not None and now - key.last_used_at < often:
            return key
        with suppress(Unavailable):
            self._keys.touch(key.id, now)
        return replace(key, last_used_at=now)
