"""Counts of the last two minutes: what Redis said of them last, and what it has not been told yet.

Every process counts for itself and tells Redis what it has counted since its last word. That one
script answers what all have counted together, and decides about requests that must be exact.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from redis import Redis
from redis.exceptions import NoScriptError

from inventory import limits
from inventory.cache.values import PREFIX

_PROCESSES = PREFIX + "rate:processes"
_KEEP_MS = 1000 * (2 * limits.RATE_WINDOW_SECONDS + limits.RATE_SKEW_SECONDS_MAX)

# KEYS: the processes, then each tally's counter of this window and of the one before.
# ARGV: name of the caller; seconds for which it is to count as a process from now on, 0 if it has
# said so lately; milliseconds that counters live; weight of the window before; number of tallies;
# of each its limit and what was counted in this window and in the one before; of each request how
# many tallies it is in, and which. Answers the number of processes (0: the caller was not known as
# one), both counts of each tally, and of each request whether it was admitted.
_TELL = """
local function number(text) return tonumber(string.match(text or '', '^%d+$') or 0) end
local known = type(redis.pcall('ZSCORE', KEYS[1], ARGV[1])) == 'string'
if ARGV[2] ~= '0' then
  local now = redis.call('TIME')[1]
  if type(redis.pcall('ZADD', KEYS[1], now, ARGV[1])) ~= 'number' then
    redis.call('DEL', KEYS[1])
    redis.call('ZADD', KEYS[1], now, ARGV[1])
  end
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
  redis.call('EXPIRE', KEYS[1], ARGV[2])
end
local processes = known and redis.call('ZCARD', KEYS[1]) or 0
local keep, weight, tallies = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local limit, current, before, told = {}, {}, {}, {}
for i = 1, tallies do
  local held = redis.call('MGET', KEYS[2 * i], KEYS[2 * i + 1])
  local now, then_ = number(ARGV[3 * i + 4]), number(ARGV[3 * i + 5])
  limit[i] = number(ARGV[3 * i + 3])
  current[i], before[i] = number(held[1]) + now, number(held[2]) + then_
  told[i] = now > 0
  if then_ > 0 then redis.call('SET', KEYS[2 * i + 1], before[i], 'PX', keep) end
end
local admitted, at = {}, 3 * tallies + 6
while at <= #ARGV do
  local last, room = at + ARGV[at], 1
  for k = at + 1, last do
    local i = tonumber(ARGV[k])
    if math.min(before[i], limit[i]) * weight + current[i] + 1 > limit[i] then room = 0 end
  end
  for k = at + 1, last do
    local i = tonumber(ARGV[k])
    current[i] = current[i] + room
    told[i] = told[i] or room == 1
  end
  admitted[#admitted + 1] = room
  at = last + 1
end
local answer = { processes }
for i = 1, tallies do
  if told[i] then redis.call('SET', KEYS[2 * i], current[i], 'PX', keep) end
  answer[2 * i], answer[2 * i + 1] = current[i], before[i]
end
for _, room in ipairs(admitted) do answer[#answer + 1] = room end
return answer
"""
_TELL_DIGEST = hashlib.sha1(_TELL.encode(), usedforsecurity=False).hexdigest()


class Tally:
    """How often something was counted in the current window and in the one before it."""

    __slots__ = ("before", "limit", "name", "now", "shared", "shared_before", "window")

    def __init__(self, kind: str, who: str, limit: int, window: int) -> None:
        # Neither ids nor addresses are to be read in Redis.
        digest = hashlib.blake2b(who.encode(errors="replace"), digest_size=16).hexdigest()
        self.name = f"{PREFIX}rate:{kind}:{digest}"
        self.limit = limit
        self._reset(window)

    def _reset(self, window: int) -> None:
        self.window = window
        # What Redis said last, and what was counted here since.
        self.shared = self.shared_before = 0
        self.now = self.before = 0

    def roll(self, window: int) -> None:
        """Make `window` the current one."""
        if window == self.window:
            return
        shared, now, follows = self.shared, self.now, window == self.window + 1
        self._reset(window)
        if follows:
            self.shared_before, self.before = shared, now

    def left(self, weight: float) -> float:
        """Return how many more there is room for; `weight` is that of the window before.

        What went beyond the limit while Redis was away is not held against anybody afterwards.
        """
        before = min(self.shared_before + self.before, self.limit)
        return self.limit - before * weight - self.shared - self.now

    def hear(self, told: "Told", shared: int, shared_before: int) -> None:
        """Take in what Redis answered to what it was told; a window may have passed meanwhile."""
        if self.window == told.window:
            self.now -= told.now
            self.before -= told.before
            self.shared, self.shared_before = shared, shared_before
        elif self.window == told.window + 1:
            self.before -= told.now
            self.shared_before = shared

    def seconds_to_room(self, elapsed: float) -> float:
        """Return when there is room for one more, `elapsed` seconds after the window began."""
        now = self.shared + self.now
        most = self.limit - 1
        if now <= most:
            before = min(self.shared_before + self.before, self.limit)
            return _seconds_to_weight(before, most - now) - elapsed
        window = limits.RATE_WINDOW_SECONDS
        return window - elapsed + _seconds_to_weight(min(now, self.limit), most)

    def seconds_to_rest(self, elapsed: float) -> float:
        """Return when nothing of what was counted counts any more."""
        if self.shared + self.now > 0:
            return 2 * limits.RATE_WINDOW_SECONDS - elapsed
        return limits.RATE_WINDOW_SECONDS - elapsed if self.shared_before + self.before > 0 else 0.0


class Told:
    """What a tally had counted by itself when Redis was told so."""

    __slots__ = ("before", "now", "tally", "window")

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.window, self.now, self.before = tally.window, tally.now, tally.before


def tell(
    client: Redis,
    told: Sequence[Told],
    requests: Sequence[Sequence[int]],
    weight: float,
    process: str,
    *,
    introduce: bool,
) -> list[int]:
    """Tell Redis what was counted, and ask for one more of the tallies of each request.

    All must be in the same window. `introduce` says that there is such a process. Raises whatever
    goes wrong, and `ValueError` for an answer that makes no sense.
    """
    keys, seconds = [_PROCESSES], limits.RATE_PROCESS_SECONDS if introduce else 0
    arguments: list[str | int | float] = [process, seconds, _KEEP_MS, weight, len(told)]
    for one in told:
        name = one.tally.name
        keys += (f"{name}:{one.window}", f"{name}:{one.window - 1}")
        arguments += (one.tally.limit, one.now, one.before)
    for places in requests:
        arguments += (len(places), *places)
    answer: list[int] = _evaluate(client, len(keys), *keys, *arguments)
    if list(map(type, answer)) != [int] * (1 + 2 * len(told) + len(requests)):
        raise ValueError("no answer to what was asked")
    return answer


def _evaluate(client: Redis, *arguments: str | int | float) -> Any:
    # The client has no types for it.
    execute: Callable[..., Any] = client.execute_command
    try:
        return execute("EVALSHA", _TELL_DIGEST, *arguments)
    except NoScriptError:
        return execute("EVAL", _TELL, *arguments)


def _seconds_to_weight(counted: int, most: int) -> float:
    """Return how long into a window what was counted in the one before weighs `most` or less."""
    window = limits.RATE_WINDOW_SECONDS
    return window * (1 - most / counted) if counted > most else 0.0
