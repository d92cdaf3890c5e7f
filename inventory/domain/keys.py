"""API keys: what one looks like, what it may do, and on whose behalf."""

import hashlib
import re
import secrets
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Scope(StrEnum):
    """What a key may be good for; `admin` may do everything."""

    CATALOG_READ = "catalog:read"
    CATALOG_WRITE = "catalog:write"
    STOCK_PURCHASE = "stock:purchase"
    STOCK_WRITE = "stock:write"
    METRICS_READ = "metrics:read"
    ADMIN = "admin"


# A publishable key stands in a page, where every shopper can read it.
PUBLISHABLE_SCOPES = frozenset({Scope.CATALOG_READ, Scope.STOCK_PURCHASE})

_SECRET_MARK, _PUBLISHABLE_MARK = "inv_sk_", "inv_pk_"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# 256 random bits, and a checksum of 32, each in digits of base 62.
_RANDOM_BYTES, _RANDOM_DIGITS, _CHECK_DIGITS = 32, 43, 6
_WRITTEN = re.compile(rf"inv_[sp]k_[0-9A-Za-z]{{{_RANDOM_DIGITS + _CHECK_DIGITS}}}")
_HINT_CHARACTERS = 11


@dataclass(frozen=True, slots=True)
class Principal:
    """On whose behalf a request is made: a client's, however many keys it has."""

    name: str
    scopes: frozenset[Scope]
    publishable: bool = False
    key_id: str | None = None

    @property
    def id(self) -> str:
        """Return what tells it from every other; nobody's key can have the id of nobody."""
        return f"key:{self.name}" if self.key_id else self.name

    @property
    def has_secret_key(self) -> bool:
        """Tell whether it came with a key that only a server of the shop has."""
        return self.key_id is not None and not self.publishable

    def may(self, scope: Scope) -> bool:
        """Tell whether it has a scope, or may do everything."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


# Where nobody has to say who they are, and who has not said it where they have to.
ANYBODY = Principal("anybody", frozenset(Scope))
NOBODY = Principal("nobody", frozenset())


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is kept of a key: everything but the key itself, of which there is a digest.

    `hint` is how it begins, for people who have several. A client may have several at a time, so
    that it can take the next one before the last one is revoked.
    """

    id: str
    client: str
    publishable: bool
    scopes: tuple[Scope, ...]
    hint: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        """Tell whether it opens anything at `now`."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    @property
    def principal(self) -> Principal:
        """Return on whose behalf it speaks."""
        return Principal(self.client, frozenset(self.scopes), self.publishable, self.id)


def new_secret(*, publishable: bool) -> str:
    """Return a new key: a prefix that scanners recognise, 256 random bits, a checksum."""
    number = int.from_bytes(secrets.token_bytes(_RANDOM_BYTES))
    mark = _PUBLISHABLE_MARK if publishable else _SECRET_MARK
    body = mark + _in_base62(number, _RANDOM_DIGITS)
    return body + _checksum(body)


def is_well_formed(secret: str) -> bool:
    """Tell whether this can be a key at all: most that cannot were cut off or mistyped."""
    body, check = secret[:-_CHECK_DIGITS], secret[-_CHECK_DIGITS:]
    return _WRITTEN.fullmatch(secret) is not None and _checksum(body) == check


def digest_of(secret: str) -> bytes:
    """Return what is kept of a key. It is random and long, so no slow digest is needed."""
    return hashlib.sha256(secret.encode()).digest()


def hint_of(secret: str) -> str:
    """Return how a key begins: enough to tell it from its owner's others, and no more."""
    return secret[:_HINT_CHARACTERS]


def in_order(scopes: Sequence[str]) -> tuple[Scope, ...]:
    """Return scopes in the order in which they are documented, each once."""
    return tuple(scope for scope in Scope if scope in scopes)


def _checksum(body: str) -> str:
    return _in_base62(zlib.crc32(body.encode()), _CHECK_DIGITS)


def _in_base62(number: int, digits: int) -> str:
    written = ""
    for _ in range(digits):
        number, digit = divmod(number, len(_DIGITS))
        written = _DIGITS[digit] + written
    return written
