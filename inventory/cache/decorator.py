"""`@cached`: a method that reads the database becomes one that asks Redis first.

    class ProductReads:
        def __init__(self, ..., store): self.store = store

        @cached("product:{product_id}:card", ttl_seconds=300)
        def card(self, product_ids: Sequence[str]) -> Mapping[str, Versioned]: ...

    reads.card("a1")                     # from Redis, else from the database and into Redis
    reads.card.key("a1")                 # "inventory:v1:product:a1:card"
    reads.card.invalidate("a1", version=7)
    reads.card.publish({"a1": value}, seen)
    fetch_together([(reads.card, "a1"), (reads.stock, "a1")])      # one round trip

The key template is filled in by the same code for a call and for an invalidation, so the two cannot
drift apart. Values are bytes with a version. That there is no such thing is a value as well, for a
while. The method reads many things with one query: whatever is missed in a process at the same time
is loaded together, and what several miss is loaded once.
"""

import string
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from inventory import limits
from inventory.cache.store import Glimpse, Values, VersionedStore
from inventory.cache.values import ABSENT, PREFIX, Versioned
from inventory.errors import InventoryError, StorageUnavailable

Item = TypeVar("Item", bound=Hashable)
Answer = TypeVar("Answer")
# Reads the things of these names, and leaves out those that are not there.
Load = Callable[[Any, Sequence[str]], Mapping[str, Versioned]]
# One thing that is wanted of a cached read, by its name.
Wanted = tuple["CachedRead", str]
# What was found of all that was wanted, None for what is not there.
Loaded = dict[Wanted, Versioned | None]


class HasStore(Protocol):
    """What a class must have whose methods are cached."""

    store: VersionedStore


@dataclass(frozen=True, slots=True)
class Found:
    """What a cached read found, None if there is no such thing, and whether Redis knew it."""

    value: Versioned | None
    hit: bool


class CachedRead:
    """A cached method of one object. Calling it returns the value of one thing."""

    __slots__ = ("_load", "_owner", "_template", "ttl_seconds")

    def __init__(self, owner: HasStore, load: Load, template: str, ttl_seconds: float) -> None:
        self._owner = owner
        self._load = load
        self._template = template
        self.ttl_seconds = ttl_seconds

    def __call__(self, name: str) -> Versioned | None:
        """Return the value from Redis, else from the database."""
        return fetch_together([(self, name)])[0].value

    @property
    def store(self) -> VersionedStore:
        """Where the values are kept."""
        return self._owner.store

    def key(self, name: str) -> str:
        """Return the Redis key of the thing of this name."""
        return self._template.format(name)

    def read(self, names: Sequence[str]) -> Mapping[str, Versioned]:
        """Read the database and tell nobody."""
        return self._load(self._owner, names)

    def publish(self, values: Mapping[str, Versioned], seen: Glimpse) -> bool:
        """Put values into Redis that were just written, after `seen`; return whether it took all.

        What comes too late leaves a version without a value there.
        """
        return self.store.publish(self._keyed(values), seen)

    def _keyed(self, values: Mapping[str, Versioned]) -> Values:
        return {self.key(name): (value, self.ttl_seconds) for name, value in values.items()}

    def invalidate(self, name: str, version: int) -> None:
        """Let nothing older than `version` be read any more."""
        self.publish({name: Versioned(version, b"")}, self.store.glimpse())

    def bury(self, name: str, version: int) -> None:
        """Let readers know that from `version` on there is no such thing, and never will be."""
        gone = {name: Versioned(version, ABSENT)}
        seen = self.store.glimpse()
        taken = self.publish(gone, seen)
        if not taken and self.store.glimpse().epoch != seen.epoch:
            # This process did not know the epoch; what is over for good cannot come too late.
            self.publish(gone, self.store.glimpse())


class cached:  # noqa: N801 - a decorator reads as a verb
    """Make a method of an object that has a `store` a `CachedRead`.

    `template` is the key of one thing; that it names the thing, and nothing else, is checked once.
    """

    def __init__(self, template: str, *, ttl_seconds: float) -> None:
        fields = [field for _, field, _, _ in string.Formatter().parse(template) if field]
        if len(fields) != 1:
            raise TypeError(f"{template!r} must name one thing")
        self._template = PREFIX + template.replace(f"{{{fields[0]}}}", "{}")
        self._ttl_seconds = ttl_seconds

    def __call__(self, load: Load) -> "_CachedMethod":
        return _CachedMethod(load, self._template, self._ttl_seconds)


class _CachedMethod:
    """Gives each object a `CachedRead` of its own, once."""

    def __init__(self, load: Load, template: str, ttl_seconds: float) -> None:
        self._load = load
        self._template = template
        self._ttl_seconds = ttl_seconds
        self.__doc__ = load.__doc__

    def __set_name__(self, _: type, name: str) -> None:
        self._name = name

    def __get__(self, owner: Any, _: type | None = None) -> CachedRead:
        read = CachedRead(owner, self._load, self._template, self._ttl_seconds)
        if owner is None:
            return read
        # From now on it is found there, before anybody comes here.
        kept: CachedRead = owner.__dict__.setdefault(self._name, read)
        return kept


def fetch_together(wanted: Sequence[Wanted]) -> list[Found]:
    """Make several cached reads with one round trip to Redis; load what it does not know."""
    store = wanted[0][0].store
    known = store.fetch([read.key(name) for read, name in wanted])
    if None not in known:
        store.count("hit", len(known))
        return [Found(present(value), True) for value in known]
    missing = [one for one, value in zip(wanted, known, strict=True) if value is None]
    store.count("miss", len(missing))
    if len(known) > len(missing):
        store.count("hit", len(known) - len(missing))
    loaded = load_once(store, "missing", missing, lambda all_: _take_or_load(store, all_))
    return [
        Found(present(loaded[one]), False) if value is None else Found(present(value), True)
        for one, value in zip(wanted, known, strict=True)
    ]


def load_together(wanted: Sequence[Wanted]) -> list[Versioned | None]:
    """Read the database, whatever Redis knows, and tell it what is there now."""
    store = wanted[0][0].store
    loaded = load_once(store, "fresh", wanted, lambda all_: _load(store, all_)[0])
    return [present(loaded[one]) for one in wanted]


def load_once(
    store: VersionedStore,
    topic: str,
    wanted: Sequence[Item],
    load: Callable[[Sequence[Item]], Answer],
) -> Answer:
    """Return what `load` finds for all in this process who want something of a topic at once.

    It has the time limit of whoever was the first to come. Raises `StorageUnavailable`, and what
    `load` raises.
    """
    led = False

    def ask(all_: Iterable[Item]) -> Answer:
        nonlocal led
        led = True
        return load(list(all_))

    answer: Answer
    try:
        answer, _ = store.loads.ask(topic, wanted, ask)
    except TimeoutError as problem:
        raise StorageUnavailable from problem
    except Exception as problem:
        if isinstance(problem, InventoryError) and (
            led or not isinstance(problem, StorageUnavailable)
        ):
            raise
        # Either one of all that was asked for makes no sense, or the first to come had hardly any
        # time left. Neither may keep anybody else from theirs; whose it is meets it again, alone.
        return load(wanted)
    if not led:
        store.count("joined", len(wanted))
    return answer


def _take_or_load(store: VersionedStore, wanted: Sequence[Wanted]) -> Loaded:
    """Load what no other process is loading; take the rest from them, if it comes soon."""
    found: Loaded = {}
    waiting = {one: one[0].key(one[1]) for one in wanted}
    until = time.monotonic() + limits.LEASE_WAIT_SECONDS_MAX
    while True:
        late = time.monotonic() > until
        known, leases = store.leases.take(list(waiting.values()))
        if known:
            store.count("taken", len(known))
        found |= {one: known[key] for one, key in waiting.items() if key in known}
        ours = [one for one, key in waiting.items() if key in leases or (late and key not in known)]
        kept = False
        try:
            loaded, kept = _load(store, ours)
            found |= loaded
        finally:
            # Whoever finds a value needs no lease; nobody finds one now.
            if not kept:
                store.leases.release(leases.values())
        waiting = {one: key for one, key in waiting.items() if one not in found}
        if not waiting:
            return found
        if not ours:
            time.sleep(limits.LEASE_POLL_SECONDS)


def _load(store: VersionedStore, wanted: Sequence[Wanted]) -> tuple[Loaded, bool]:
    """Read the database once for each kind of thing, and tell Redis with one command.

    Returns what is there, and whether Redis took all of it.
    """
    seen = store.glimpse()
    names: dict[CachedRead, list[str]] = defaultdict(list)
    for read, name in wanted:
        names[read].append(name)
    there = {read: read.read(of_it) for read, of_it in names.items()}
    loaded = {(read, name): there[read].get(name) for read, name in wanted}
    kept = store.offer(
        {
            read.key(name): (Versioned(0, ABSENT), limits.ABSENT_TTL_SECONDS)
            if value is None
            else (value, read.ttl_seconds)
            for (read, name), value in loaded.items()
        },
        seen,
    )
    return loaded, kept


def present(value: Versioned | None) -> Versioned | None:
    """Return a value, None if it says that there is no such thing."""
    return None if value is None or value.body == ABSENT else value
