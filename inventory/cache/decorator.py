"""`@cached`: a method that reads the database becomes one that asks Redis first.

    class ProductReads:
        def __init__(self, ..., store): self.store = store

        @cached("product:{product_id}:card", ttl_seconds=300)
        def card(self, product_id: str) -> Versioned | None: ...

    reads.card("a1")                     # from Redis, else from the database and into Redis
    reads.card.key("a1")                 # "inventory:v1:product:a1:card"
    reads.card.invalidate("a1", version=7)
    reads.card.publish({("a1",): value}, seen)
    fetch_together([(reads.card, ("a1",)), (reads.stock, ("a1",))])      # one round trip

The key template is filled in by the same code for a call and for an invalidation, so the two cannot
drift apart. Values are bytes with a version. That there is no such thing is a value as well, for a
while. Of those who miss the same value one reads the database, the others take what it found.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from inventory import limits
from inventory.cache.store import Glimpse, Values, VersionedStore
from inventory.cache.values import ABSENT, PREFIX, Versioned
from inventory.errors import StorageUnavailable

Loader = Callable[..., Versioned | None]
Arguments = tuple[str, ...]


class HasStore(Protocol):
    """What a class must have whose methods are cached."""

    store: VersionedStore


@dataclass(frozen=True, slots=True)
class Found:
    """What a cached read found, None if there is no such thing, and whether Redis knew it."""

    value: Versioned | None
    hit: bool


class CachedRead:
    """A cached method of one object. Calling it returns the value alone."""

    __slots__ = ("_load", "_owner", "_template", "ttl_seconds")

    def __init__(self, owner: HasStore, load: Loader, template: str, ttl_seconds: float) -> None:
        self._owner = owner
        self._load = load
        self._template = template
        self.ttl_seconds = ttl_seconds

    def __call__(self, *arguments: str) -> Versioned | None:
        """Return the value from Redis, else from the database."""
        return fetch_together([(self, arguments)])[0].value

    @property
    def store(self) -> VersionedStore:
        """Where the values are kept."""
        return self._owner.store

    def key(self, *arguments: str) -> str:
        """Return the Redis key of a call with these arguments."""
        return self._template.format(*arguments)

    def load(self, *arguments: str) -> Versioned | None:
        """Read the database and put what it says into Redis."""
        return load_together([(self, arguments)])[0]

    def read(self, *arguments: str) -> Versioned | None:
        """Read the database and tell nobody."""
        return self._load(self._owner, *arguments)

    def load_once(self, *arguments: str) -> Versioned | None:
        """Do the same for all who want it now, in this process and, if possible, in others."""
        key = self.key(*arguments)

        def load_or_take(_: Iterable[str]) -> Versioned | None:
            found = self.store.fetch_or_lease(key)
            if isinstance(found, Versioned):
                self.store.count("taken", 1)
                return present(found)
            try:
                return self.load(*arguments)
            except BaseException:
                # Whoever finds the value needs no lease; nobody finds one now.
                self.store.release(found)
                raise

        try:
            value, asked = self.store.loads.ask(key, (), load_or_take)
        except TimeoutError as problem:
            raise StorageUnavailable from problem
        if not asked:
            self.store.count("joined", 1)
        return value

    def publish(self, values: Mapping[Arguments, Versioned], seen: Glimpse) -> None:
        """Put values into Redis that were just written, after `seen`."""
        self.store.publish(self._keyed(values), seen)

    def offer(self, values: Mapping[Arguments, Versioned], seen: Glimpse) -> None:
        """Put values into Redis that were just read, after `seen`."""
        self.store.offer(self._keyed(values), seen)

    def _keyed(self, values: Mapping[Arguments, Versioned]) -> Values:
        return {
            self.key(*arguments): (value, self.ttl_seconds) for arguments, value in values.items()
        }

    def invalidate(self, *arguments: str, version: int) -> None:
        """Let nothing older than `version` be read any more."""
        self.publish({arguments: Versioned(version, b"")}, self.store.glimpse())

    def bury(self, *arguments: str, version: int) -> None:
        """Let readers know that from `version` on there is no such thing."""
        self.publish({arguments: Versioned(version, ABSENT)}, self.store.glimpse())


class cached:  # noqa: N801 - a decorator reads as a verb
    """Make a method of an object that has a `store` a `CachedRead`.

    `template` names the method's arguments, all of them, each a string; that is checked once.
    """

    def __init__(self, template: str, *, ttl_seconds: float) -> None:
        self._template = template
        self._ttl_seconds = ttl_seconds

    def __call__(self, load: Loader) -> "_CachedMethod":
        names = list(inspect.signature(load).parameters)[1:]
        positional = self._template.format(**dict.fromkeys(names, "{}"))
        if positional.count("{}") != len(names):
            raise TypeError(f"{self._template!r} must name each of {names} once")
        return _CachedMethod(load, PREFIX + positional, self._ttl_seconds)


class _CachedMethod:
    def __init__(self, load: Loader, template: str, ttl_seconds: float) -> None:
        self._load = load
        self._template = template
        self._ttl_seconds = ttl_seconds
        self.__doc__ = load.__doc__

    def __get__(self, owner: Any, _: type | None = None) -> CachedRead:
        return CachedRead(owner, self._load, self._template, self._ttl_seconds)


def fetch_together(reads: Sequence[tuple[CachedRead, Arguments]]) -> list[Found]:
    """Make several cached reads with one round trip to Redis; load what it does not know."""
    store = reads[0][0].store
    known = store.fetch([read.key(*arguments) for read, arguments in reads])
    misses = known.count(None)
    if misses:
        store.count("miss", misses)
    if len(known) > misses:
        store.count("hit", len(known) - misses)
    return [
        Found(read.load_once(*arguments), False) if value is None else Found(present(value), True)
        for value, (read, arguments) in zip(known, reads, strict=True)
    ]


def load_together(reads: Sequence[tuple[CachedRead, Arguments]]) -> list[Versioned | None]:
    """Read the database for each and put what it says into Redis with one command."""
    store = reads[0][0].store
    seen = store.glimpse()
    values = [read.read(*arguments) for read, arguments in reads]
    store.offer(
        {
            read.key(*arguments): (Versioned(0, ABSENT), limits.ABSENT_TTL_SECONDS)
            if value is None
            else (value, read.ttl_seconds)
            for value, (read, arguments) in zip(values, reads, strict=True)
        },
        seen,
    )
    return values


def present(value: Versioned | None) -> Versioned | None:
    """Return a value, None if it says that there is no such thing."""
    return None if value is None or value.body == ABSENT else value
