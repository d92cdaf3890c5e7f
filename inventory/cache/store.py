"""Versioned values in Redis: an older one never takes the place of a newer one.

Three things could bring an old value back, and each is refused by a script inside Redis:

- It comes late, after a newer one: its version is lower.
- It comes so late that the newer one has expired: it says when it was read, and may not be older
  than `limits.PUBLISH_AGE_SECONDS_MAX`, which is less than any value lives.
- Redis was out of reach, so nobody could tell it about newer ones: whoever failed to publish renews
  the *epoch* before it uses Redis again, and values of another epoch do not count.

A publisher that is refused for the latter two leaves a *floor*, a version without a value: readers
see a miss, and nobody can put an older value there.
"""

import hashlib
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.exceptions import NoScriptError

from inventory import limits
from inventory.cache.connection import Connection, Count, Unreachable
from inventory.cache.gathering import Gathering
from inventory.cache.leases import Leases
from inventory.cache.values import EPOCH, Versioned, is_epoch, parse, sealed

_RANDOM = random.SystemRandom()
Argument = bytes | str | int | float

# KEYS: epoch, then values. ARGV: epoch seen, redis seconds seen, greatest age, then version, TTL in
# milliseconds and body of each value. Answers the epoch, and how many values came too late.
_PUBLISH = """
local epoch = redis.call('GET', KEYS[1])
if not epoch then return { '', 0 } end
local stale = 0
local now = redis.call('TIME')
local age = now[1] + now[2] / 1000000 - tonumber(ARGV[2])
local late = epoch ~= ARGV[1] or age > tonumber(ARGV[3]) or age < -1
for i = 2, #KEYS do
  local version, ttl, body = ARGV[3 * i - 2], ARGV[3 * i - 1], ARGV[3 * i]
  if late then body = '' end
  local held_version = -1
  local held = redis.pcall('GET', KEYS[i])
  if type(held) == 'string' then
    local e, v = string.match(held, '^(%x+):(%d+):')
    if e == epoch then held_version = tonumber(v) end
  end
  local newer = tonumber(version) - held_version
  if newer > 0 or (newer == 0 and body ~= '') then
    redis.call('SET', KEYS[i], epoch .. ':' .. version .. ':' .. body, 'PX', ttl)
  end
  if late or newer < 0 then stale = stale + 1 end
end
return { epoch, stale }
"""
_PUBLISH_DIGEST = hashlib.sha1(_PUBLISH.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What Redis was like right before a value was read from the database."""

    epoch: bytes
    redis_seconds: float


Values = Mapping[str, tuple[Versioned, float]]


class VersionedStore:
    """Values by key; every method is safe to call whatever state Redis is in."""

    def __init__(
        self, connection: Connection, time_left: Callable[[], float | None] = lambda: None
    ) -> None:
        """`time_left` tells how many seconds whoever calls may still take to load values."""
        self.connection = connection
        self.leases = Leases(connection, self._trust)
        self._epoch = b""
        # Each failed publication is another object, and so is that of which the last new epoch took
        # care. A process that is new cannot know what its predecessor failed to publish.
        self._failed: object = object()
        self._cared_for: object = None
        self._clock_offset = 0.0
        self._clock_read_at = float("-inf")
        # Calls of Redis end soon by themselves.
        self._gathering: Gathering[str, Mapping[str, Versioned | None]] = Gathering()
        # Where cached reads meet that have to load values.
        self.loads: Gathering[Any, Any] = Gathering(time_left)
        self._healing = threading.Lock()
        self._closed = threading.Event()

    @property
    def count(self) -> Count:
        """Takes the name of something that happened, and how often."""
        return self.connection.count

    def fetch(self, keys: Sequence[str]) -> list[Versioned | None]:
        """Return the values of `keys`, None for each that is not known.

        Rubbish, floors and values of another epoch are not known. All threads that want something
        at the same time are answered with one command.
        """
        try:
            known, _ = self._gathering.ask("", keys, self._fetch)
        except (Unreachable, TimeoutError):
            return [None] * len(keys)
        return [known[key] for key in keys]

    def _fetch(self, keys: Iterable[str]) -> Mapping[str, Versioned | None]:
        self._trust()
        # The client's own `mget` takes a quarter longer to say the same.
        epoch, *values = self.connection.call(
            lambda client: client.execute_command(  # type: ignore[no-untyped-call]  # has no types
                "MGET", EPOCH, *keys
            )
        )
        self._epoch = epoch if is_epoch(epoch) else self._renew_epoch()
        parsed = (parse(value, self._epoch) for value in values)
        return dict(zip(keys, parsed, strict=True))

    def glimpse(self) -> Glimpse:
        """Return what this process knows of Redis now; values read after it go with `publish`."""
        return Glimpse(self._epoch, time.monotonic() + self._clock_offset)

    def publish(self, values: Values, seen: Glimpse) -> bool:
        """Put values, each with its TTL in seconds, that were written after `seen`.

        Whoever cannot tell Redis of a newer value has left an older one there, so this process
        renews the epoch before it uses Redis again. Returns whether all were taken, and none came
        too late.
        """
        try:
            return self._set(values, seen)
        except Unreachable:
            self._distrust()
            return False

    def offer(self, values: Values, seen: Glimpse) -> bool:
        """Put values, each with its TTL in seconds, that were read after `seen`; or leave it be."""
        try:
            return self._set(values, seen)
        except Unreachable:
            return False

    def _set(self, values: Values, seen: Glimpse) -> bool:
        if not values:
            return True
        keys = [EPOCH, *values]
        arguments: list[Argument] = [
            seen.epoch,
            repr(seen.redis_seconds),
            limits.PUBLISH_AGE_SECONDS_MAX,
        ]
        for value, ttl_seconds in values.values():
            arguments += [value.version, _jittered_ms(ttl_seconds), sealed(value.body)]
        self._trust()
        self._epoch, stale = self.connection.call(lambda client: _evaluate(client, keys, arguments))
        if stale:
            self.count("stale", stale)
        return not stale

    def renew(self, key: str, ttl_seconds: float) -> bytes:
        """Give `key` a new random value, and return it.

        Whatever carries the value that `fetch` found under `key` before is recognised as outdated
        from now on. If Redis cannot be told so, nothing in it will count any more.
        """
        token = secrets.token_hex(8).encode()
        try:
            self._trust()
            value = b"%b:0:%b" % (self._epoch, sealed(token))
            milliseconds = int(ttl_seconds * 1000)
            self.connection.call(lambda client: client.set(key, value, px=milliseconds))
        except Unreachable:
            self._distrust()
        return token

    def _distrust(self) -> None:
        """Let nobody believe what Redis holds: at once if it can be told, else as soon as it can.

        Not only when this process needs Redis next: others may be reading from it by then.
        """
        self._failed = object()
        try:
            self._trust()
        except Unreachable:
            self._heal_soon()

    def _heal_soon(self) -> None:
        if self._healing.acquire(blocking=False):
            threading.Thread(target=self._heal, name="cache-healer", daemon=True).start()

    def _heal(self) -> None:
        try:
            while self._is_distrusted and not self._closed.wait(limits.HEAL_INTERVAL_SECONDS):
                with suppress(Unreachable):
                    self._trust(urgent=True)
        finally:
            self._healing.release()
        if self._is_distrusted and not self._closed.is_set():
            # Since the last look; whoever failed then took this thread for the one who heals it.
            self._heal_soon()

    @property
    def _is_distrusted(self) -> bool:
        return self._cared_for is not self._failed

    def close(self) -> None:
        """Stop what goes on in the background, and close all connections."""
        self._closed.set()
        self.connection.close()

    def _trust(self, *, urgent: bool = False) -> None:
        """Make what Redis holds believable again, and read its clock now and then."""
        failed = self._failed
        if self._cared_for is not failed:
            self._renew_epoch(urgent=urgent)
            # And of no other that failed while Redis answered.
            self._cared_for = failed
        if time.monotonic() - self._clock_read_at > limits.REDIS_CLOCK_REFRESH_SECONDS:
            seconds, microseconds = self.connection.call(lambda client: client.time())
            self._clock_read_at = time.monotonic()
            self._clock_offset = seconds + microseconds / 1_000_000 - self._clock_read_at

    def _renew_epoch(self, *, urgent: bool = False) -> bytes:
        """Let every value count for nothing from now on.

        A Redis that is full takes no new epoch, but it can still lose the old one.
        """
        epoch = secrets.token_hex(8).encode()
        self.connection.call(lambda client: client.delete(EPOCH), urgent=urgent)
        self.connection.call(lambda client: client.set(EPOCH, epoch), urgent=urgent)
        self._epoch = epoch
        return epoch


def _evaluate(
    client: Redis, keys: Sequence[str], arguments: Sequence[Argument]
) -> tuple[bytes, int]:
    try:
        epoch, stale = client.evalsha(_PUBLISH_DIGEST, len(keys), *keys, *arguments)
    except NoScriptError:
        epoch, stale = client.eval(_PUBLISH, len(keys), *keys, *arguments)
    assert isinstance(epoch, bytes)
    return epoch, int(stale)


def _jittered_ms(ttl_seconds: float) -> int:
    # Values that came together must not expire together.
    return int(ttl_seconds * 1000 * _RANDOM.uniform(0.8, 1.0))
