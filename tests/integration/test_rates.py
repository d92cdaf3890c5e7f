"""Limits of rates that several processes keep together, on a real Valkey and by a clock of ours."""

import hashlib
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from redis import Redis

from inventory import limits
from inventory.cache import tallies
from inventory.cache.rates import Limit, Standing
from inventory.cache.values import PREFIX
from inventory.local.servers import Server, start_valkey
from inventory.settings import Settings
from tests.integration.processes import eventually, frozen
from tests.integration.rating import ANN, WINDOW, Clock, Process

Pick = Callable[[list[Process], int], Process]
Start = Callable[..., list[Process]]


@pytest.fixture(name="clock")
def _clock() -> Clock:
    return Clock()


@pytest.fixture(name="start")
def _start(settings: Settings, clock: Clock) -> Iterator[Start]:
    """Start processes, on the Valkey of all tests unless told otherwise; they wait for its answers.

    An answer that comes too late is counted twice, which a slow machine is no reason for.
    """
    started: list[Process] = []

    def start(count: int, redis_url: str | None = None, *, patient: bool = True) -> list[Process]:
        with pytest.MonkeyPatch.context() as patch:
            if patient:
                patch.setattr(limits, "REDIS_TIMEOUT_SECONDS", 30.0)
            fresh = [Process(redis_url or settings.redis_url, clock) for _ in range(count)]
        started.extend(fresh)
        return fresh

    yield start
    for process in started:
        process.close()


@pytest.fixture(name="mortal")
def _mortal(tmp_path: Path) -> Iterator[list[Server]]:
    """A Valkey that may be killed; who starts another one in its place adds it."""
    servers = [start_valkey(tmp_path)]
    yield servers
    servers[-1].kill()


def settle(processes: list[Process], clock: Clock) -> None:
    """Let every process hear how many there are, as it does after a while."""
    for _ in range(3):
        for process in processes:
            process.spend(1, "settling")
            process.spend(1, f"settling-{id(process)}-{clock.now}")
        clock.now += limits.RATE_INTRODUCTION_SECONDS + 1
    clock.now = (clock.now // WINDOW + 1) * WINDOW


def in_turns(processes: list[Process], turn: int) -> Process:
    """Pick one after the other."""
    return processes[turn % len(processes)]


def at_random(processes: list[Process], _: int) -> Process:
    """Pick any."""
    return random.choice(processes)  # noqa: S311 - no secret


def unevenly(processes: list[Process], turn: int) -> Process:
    """Pick the first nearly always, the others now and then."""
    return processes[turn // 40 % len(processes)] if turn % 40 == 0 else processes[0]


@pytest.mark.parametrize("pick", [in_turns, at_random, unevenly], ids=lambda pick: pick.__name__)
@pytest.mark.parametrize(
    "count, settled", [(1, True), (4, True), (16, True), (40, True), (4, False), (16, False)]
)
@pytest.mark.parametrize("limit", [20, 1_000, 4_000])
def test_all_processes_keep_one_limit(
    start: Start, clock: Clock, limit: int, count: int, pick: Pick, settled: bool
) -> None:
    """However requests are spread, all that may be are admitted, and no more than 5 % above."""
    processes = start(count)
    if settled:
        settle(processes, clock)
    admitted = sum(pick(processes, turn).spend(limit).admitted for turn in range(limit))
    assert admitted == limit
    # Now each as long as it lets anybody in.
    admitted += sum(process.spend_all(limit) for process in processes)
    assert admitted <= limit * (1 + limits.RATE_ERROR)
    if limit == 20:
        assert admitted == limit


@pytest.mark.parametrize("limit", [20, 1_000, 4_000])
def test_even_shares_are_exact(start: Start, clock: Clock, limit: int) -> None:
    """Where requests are spread evenly, not one more is admitted than may be."""
    processes = start(4)
    settle(processes, clock)
    answers = [in_turns(processes, turn).spend(limit) for turn in range(2 * limit)]
    assert [answer.admitted for answer in answers] == [True] * limit + [False] * limit


def test_a_crowd_is_counted_exactly(start: Start) -> None:
    """Of many who come at once to several processes, a small limit lets in exactly as many."""
    processes = start(4)
    with ThreadPoolExecutor(48) as pool:
        answers = list(pool.map(lambda turn: in_turns(processes, turn).spend(20), range(400)))
    assert sum(answer.admitted for answer in answers) == 20
    assert {process.counts["redis_failed"] for process in processes} == {0}


def test_few_requests_ask_redis(start: Start, clock: Clock, redis: Redis) -> None:
    """Far from a limit a process asks once in many requests."""
    processes = start(2)
    settle(processes, clock)
    redis.config_resetstat()
    answers = [in_turns(processes, turn).spend(6_000) for turn in range(3_000)]
    assert all(answer.admitted for answer in answers)
    calls = redis.info("commandstats")["cmdstat_evalsha"]["calls"]
    assert calls <= 3_000 / (6_000 * limits.RATE_ERROR / 2) + 2


@pytest.mark.parametrize("lately", [False, True])
def test_processes_that_redis_forgot_are_many(
    start: Start, clock: Clock, redis: Redis, lately: bool
) -> None:
    """After Redis has lost who there is, as many are assumed as at the beginning."""
    processes = start(2)
    settle(processes, clock)
    if lately:
        processes[0].spend(1, "who is there when it introduces itself")
    redis.flushall()
    processes[0].spend(1, "who hears that it is not known")
    redis.config_resetstat()
    admitted = [processes[0].spend(6_000).admitted for _ in range(600)]
    assert all(admitted)
    calls = redis.info("commandstats")["cmdstat_evalsha"]["calls"]
    share = 6_000 * limits.RATE_ERROR / limits.RATE_PROCESSES
    assert 600 // (share + 1) <= calls <= 600 // share


def test_a_request_counts_in_all_its_limits_or_in_none(start: Start) -> None:
    """Where one limit has no room, the others are not used up."""
    one, other = start(2)
    narrow, wide = (Limit("narrow", 5), ANN), (Limit("wide", 8), ANN)
    answers = [in_turns([one, other], turn).rates.spend([narrow, wide]) for turn in range(9)]
    assert [answer.admitted for answer in answers] == [True] * 5 + [False] * 4
    assert answers[0][1:3] == (5, 4)
    assert answers[-1][1:3] == (5, 0)
    alone = [one.rates.spend([wide]) for _ in range(4)]
    assert [answer.admitted for answer in alone] == [True] * 3 + [False]
    assert alone[0][1:3] == (8, 2)


def test_the_window_slides(start: Start, clock: Clock) -> None:
    """What was sent at the end of one minute counts in the next, less and less."""
    one, other = start(2)
    clock.now += WINDOW - 1
    assert one.spend_all(100) == 100
    clock.now += 1
    assert other.spend_all(100) == 0
    clock.now += WINDOW / 4
    assert other.spend_all(100) == 25
    assert one.spend_all(100) == 0
    clock.now += WINDOW / 2
    assert one.spend_all(100) == 50
    clock.now += WINDOW * 2
    assert one.spend_all(100) == 100


def test_what_was_not_told_in_time_is_told_later(start: Start, clock: Clock) -> None:
    """What a process has counted by itself in one minute, all know in the next."""
    one, other = start(2)
    for _ in range(3):
        one.spend(1_000)
    clock.now += WINDOW
    one.spend(1_000)
    for _ in range(4):
        answer = other.spend(1_000)
    assert answer.remaining == 1_000 - 3 - 1 - 4


@pytest.mark.parametrize("limit", [1, 2, 7, 100, 1_000])
@pytest.mark.parametrize("seed", range(6))
def test_retry_after_is_true(start: Start, clock: Clock, limit: int, seed: int) -> None:
    """There is room when the refusal says so, and none a second before; nobody is locked out."""
    (process,) = start(1)
    chance = random.Random(seed)  # noqa: S311 - no secret
    for _ in range(8):
        clock.now += chance.uniform(0, WINDOW * 1.2)
        for _ in range(chance.randint(0, limit)):
            process.spend(limit)
        process.spend_all(limit)
        refusals = [process.spend(limit) for _ in range(50)]
        assert len(set(refusals)) == 1
        wait = refusals[0].retry_after_seconds
        assert 1 <= wait <= 2 * WINDOW
        if wait > 1:
            clock.now += wait - 1
            assert not process.spend(limit).admitted
            clock.now += 1
        else:
            clock.now += wait
        assert process.spend(limit).admitted


def test_reset_is_true(start: Start, clock: Clock) -> None:
    """When the reset says so, the whole limit is there again."""
    (process,) = start(1)
    clock.now += 13
    process.spend_all(50)
    answer = process.spend(50)
    assert answer.reset_seconds == 2 * WINDOW - 13
    clock.now += answer.reset_seconds
    assert process.spend(50).remaining == 49


def test_looking_counts_nothing(start: Start, clock: Clock) -> None:
    """How somebody stands can be asked for without a request being counted."""
    (process,) = start(1)
    limit = Limit("key", 3)
    assert process.rates.look(limit, ANN) == Standing(True, 3, 3, 0, 0)
    for _ in range(3):
        assert process.rates.look(limit, ANN).admitted
        process.spend(3)
    assert not process.rates.look(limit, ANN).admitted
    clock.now += 2 * WINDOW
    assert process.rates.look(limit, ANN) == Standing(True, 3, 3, 0, 0)


def test_a_clock_may_go_back(start: Start, clock: Clock) -> None:
    """Whose clock is put back is neither locked out nor counted wrong from then on."""
    (process,) = start(1)
    process.spend_all(20)
    for jump in (-10 * WINDOW, -86_400, 86_400 * 2):
        clock.now += jump
        assert process.spend_all(20) == 20


def test_without_redis_each_limits_by_itself(
    start: Start, clock: Clock, mortal: list[Server], tmp_path: Path
) -> None:
    """A killed Redis costs no error: each process keeps the limit, and all do once it is back."""
    processes = start(3, mortal[-1].url)
    assert [process.spend_all(20, "bob") for process in processes] == [20, 0, 0]
    mortal[-1].kill()
    assert [process.spend_all(20) for process in processes] == [20, 20, 20]
    assert all(process.counts["redis_failed"] for process in processes)
    mortal.append(start_valkey(tmp_path, mortal[-1].port))
    for process in processes:
        eventually(partial(heard, process), "the condition never came true")
        assert not process.spend(20).admitted
    (newcomer,) = start(1, mortal[-1].url)
    assert not newcomer.spend(20).admitted
    # What they let in meanwhile is held against nobody for longer than the window.
    clock.now += 2 * WINDOW
    assert sum(process.spend(20).admitted for process in processes * 20) == 20


def test_a_frozen_redis_holds_up_few(start: Start, mortal: list[Server]) -> None:
    """Whoever waits for a Redis that never answers waits for as long as the breaker allows."""
    (process,) = start(1, mortal[-1].url, patient=False)
    process.spend(20)
    with frozen(mortal[-1]):
        began = time.monotonic()
        assert process.spend_all(20) == 19
        assert [process.spend(10, f"{n}").admitted for n in range(200)] == [True] * 200
        seconds = time.monotonic() - began
    failed = process.counts["redis_failed"]
    assert failed <= limits.BREAKER_FAILURES + seconds / limits.BREAKER_OPEN_SECONDS
    assert process.counts["redis_skipped"] >= 200 - failed
    eventually(partial(heard, process), "the condition never came true")


def heard(process: Process) -> bool:
    """Tell whether Redis hears of a request of somebody new."""
    before = process.counts.copy()
    process.spend(1, f"{time.monotonic()}")
    return process.counts == before


def test_a_redis_that_is_off_is_no_error(start: Start) -> None:
    """Where the operator switched Redis off, each process keeps the limit."""
    assert [process.spend_all(30) for process in start(2, "off")] == [30, 30]


def test_memory_is_bounded(start: Start, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process remembers so many clients and no more, and forgets those of earlier minutes."""
    monkeypatch.setattr(limits, "RATE_TALLIES_MAX", 100)
    (process,) = start(1, "off")
    process.spend_all(20)
    for who in range(99):
        process.spend(20, str(who))
    assert (process.rates.size, process.spend(20).admitted) == (100, False)
    for who in range(1_000):
        process.spend(20, str(who))
        assert process.rates.size == 100
    assert process.spend(20).admitted
    clock.now += 3 * WINDOW
    for who in range(99):
        process.spend(20, f"later-{who}")
    assert process.rates.size == 99


def test_redis_holds_no_names_and_forgets(start: Start, redis: Redis) -> None:
    """Keys are ours, say nothing about clients, and expire."""
    (process,) = start(1)
    process.spend(5, "ann@example.org")
    process.spend(5, "ann@example.org")
    keys = [str(key, "ascii") for key in redis.scan_iter()]
    assert len(keys) == 2
    for key in keys:
        assert key.startswith(PREFIX + "rate:")
        assert "ann" not in key
        assert 0 < redis.ttl(key) <= 2 * WINDOW + limits.RATE_SKEW_SECONDS_MAX
    counters = [key for key in keys if not key.endswith(":processes")]
    assert [redis.get(key) for key in counters] == [b"2"]


@pytest.mark.parametrize("kind", ["list", "text", "number"])
def test_rubbish_in_redis_does_no_harm(start: Start, redis: Redis, kind: str) -> None:
    """Whatever somebody else wrote under our keys, the limit is kept and no call fails."""
    (process,) = start(1)
    process.spend(5)
    for key in list(redis.scan_iter()):
        redis.delete(key)
        if kind == "list":
            redis.rpush(key, "x")
        else:
            redis.set(key, {"text": "nan", "number": "-1e99"}[kind])
    (fresh,) = start(1)
    assert fresh.spend_all(5) == 5
    assert process.spend_all(5) == 0
    assert not fresh.counts["redis_failed"]


@pytest.mark.parametrize("answer", ["return {1}", "return 'x'", "return {1, 2, 3, 'x'}"])
def test_answers_that_make_no_sense_are_none(
    start: Start, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    """What something between us and Redis makes up is no answer: the process decides alone."""
    digest = hashlib.sha1(answer.encode(), usedforsecurity=False).hexdigest()
    monkeypatch.setattr(tallies, "_TELL", answer)
    monkeypatch.setattr(tallies, "_TELL_DIGEST", digest)
    (process,) = start(1)
    assert process.spend_all(5) == 5
    assert process.counts["redis_failed"]


def test_scripts_may_be_lost(start: Start, redis: Redis) -> None:
    """A Redis that has forgotten the script, as after a restart, is told it again."""
    (process,) = start(1)
    redis.script_flush()
    assert process.spend_all(5) == 5
    assert not process.counts["redis_failed"]
