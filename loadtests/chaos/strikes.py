"""How faults strike, and how they heal: each is a context that does both.

What dies is started again by the stack; what a fault keeps away comes back when it heals.
"""

import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from random import Random

from pymongo import MongoClient
from pymongo.errors import PyMongoError
from redis import Redis, RedisError

from inventory.cache.values import PREFIX
from inventory.local.servers import LOOPBACK
from inventory.repository.mongo import Document
from loadtests import replica_set, service
from loadtests.chaos.proxy import Behaviour, Manner
from loadtests.chaos.stack import DELIVERER, MONGOD, VALKEY, Stack

Strike = Callable[[Stack, Random], AbstractContextManager[None]]

FEW_FILES, MANY_FILES = 24, 65_536
FULL_BYTES = "1mb"
STRACE = "strace"
# Beyond any fence. Not farther back: nothing would be sold until the clock has caught up.
JUMPS_SECONDS = (-3, 3, 90)
POLL_SECONDS = 0.05
ELECTION_SECONDS_MAX = 40.0
TRACER_SECONDS_MAX = 5.0
READY_SECONDS_MAX = 15.0
# Longer than a request may take.
GRACE_SECONDS = 15.0


def _worker(stack: Stack, dice: Random) -> int:
    """Choose a worker of any instance; there is one again soon where there is none now."""
    while True:
        if workers := stack.workers(dice.choice(stack.instances)):
            return dice.choice(workers)
        time.sleep(POLL_SECONDS)


def _signal(pid: int, sent: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, sent)


@contextmanager
def kill_worker(stack: Stack, dice: Random) -> Iterator[None]:
    """Kill one worker; its master replaces it."""
    _signal(_worker(stack, dice), signal.SIGKILL)
    yield


@contextmanager
def kill_master(stack: Stack, dice: Random) -> Iterator[None]:
    """Kill the master of an instance; its workers go by themselves."""
    stack.kill(dice.choice(stack.instances))
    yield


def kill(name: str) -> Strike:
    """Return a fault that kills a server and keeps it away for as long as it lasts."""

    @contextmanager
    def strike(stack: Stack, dice: Random) -> Iterator[None]:
        place = stack.places[_named(stack, dice, name)]
        place.held = True
        _signal(place.server.pid, signal.SIGKILL)
        try:
            yield
        finally:
            place.held = False

    return strike


def freeze(name: str) -> Strike:
    """Return a fault that stops a process in its tracks and lets it go on later."""

    @contextmanager
    def strike(stack: Stack, dice: Random) -> Iterator[None]:
        pid = _worker(stack, dice) if name == "worker" else stack.pid(_named(stack, dice, name))
        _signal(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            _signal(pid, signal.SIGCONT)

    return strike


def _named(stack: Stack, dice: Random, name: str) -> str:
    """Return the place that a name stands for; of several of a kind the dice choose."""
    if name == "primary":
        return _primary(stack)
    kinds = {
        "master": stack.instances,
        MONGOD: stack.members,
        DELIVERER: stack.deliverers,
    }
    return dice.choice(kinds[name]) if name in kinds else name


def _primary(stack: Stack) -> str:
    """Return the place of the primary, once there is one."""
    names = {stack.places[name].server.port: name for name in stack.members}
    deadline = time.monotonic() + ELECTION_SECONDS_MAX
    while time.monotonic() < deadline:
        if port := replica_set.primary_port(list(names)):
            return names[port]
        time.sleep(POLL_SECONDS)
    raise TimeoutError("There is no primary.")


@contextmanager
def step_down(stack: Stack, _dice: Random) -> Iterator[None]:
    """Make the primary a secondary; another one is elected."""
    port = stack.places[_primary(stack)].server.port
    client: MongoClient[Document]
    with MongoClient(LOOPBACK, port, directConnection=True, timeoutMS=15_000) as client:
        # It ends all connections, this one included.
        with suppress(PyMongoError):
            client.admin.command("replSetStepDown", 10, force=True)
        yield


def proxied(which: str, manner: Manner, seconds: tuple[float, ...] = (0.0,)) -> Strike:
    """Return a fault of the way to a store; with SLOW, each message waits one of `seconds`."""

    @contextmanager
    def strike(stack: Stack, dice: Random) -> Iterator[None]:
        proxy = stack.redis_proxy if which == VALKEY else stack.mongo_proxy
        if proxy is None:
            raise LookupError(f"Nothing stands before {which} here.")
        proxy.behave(Behaviour(manner, dice.choice(seconds), share=dice.choice((0.05, 0.3))))
        try:
            yield
        finally:
            proxy.behave(Behaviour())

    return strike


def _valkey(stack: Stack) -> "Redis":
    return Redis(LOOPBACK, stack.places[VALKEY].server.port, socket_timeout=2.0)


@contextmanager
def empty_cache(stack: Stack, _dice: Random) -> Iterator[None]:
    """Let Redis forget everything."""
    with suppress(OSError, RedisError), _valkey(stack) as valkey:
        valkey.flushall()
    yield


@contextmanager
def full_cache(stack: Stack, _dice: Random) -> Iterator[None]:
    """Let Redis take nothing new."""
    # It may be away at the same time; when it is back it begins with its own settings.
    before: dict[str, str] = {}
    with suppress(OSError, RedisError), _valkey(stack) as valkey:
        before = valkey.config_get("maxmemory*")
        valkey.config_set("maxmemory-policy", "noeviction")
        valkey.config_set("maxmemory", FULL_BYTES)
    try:
        yield
    finally:
        with suppress(OSError, RedisError), _valkey(stack) as valkey:
            for name, value in before.items():
                valkey.config_set(name, value)


@contextmanager
def rubbish_in_cache(stack: Stack, dice: Random) -> Iterator[None]:
    """Let values in Redis be cut, be of another kind, or say nothing that anybody wrote."""
    # It may be full or away at the same time.
    with suppress(OSError, RedisError), _valkey(stack) as valkey:
        for key in valkey.scan_iter(f"{PREFIX}*"):
            whim = dice.random()
            if whim < 0.3:
                valkey.delete(key)
                valkey.lpush(key, b"rubbish")
            elif whim < 0.6:
                valkey.set(key, dice.randbytes(40))
            elif valkey.type(key) == b"string":
                valkey.set(key, (valkey.get(key) or b"")[:-7])
    yield


@contextmanager
def few_files(stack: Stack, dice: Random) -> Iterator[None]:
    """Let a worker open no more files than it has open now, or few."""
    pid = _worker(stack, dice)
    _limit_files(pid, FEW_FILES)
    try:
        yield
    finally:
        _limit_files(pid, MANY_FILES)


def _limit_files(pid: int, most: int) -> None:
    # It may have been replaced meanwhile; the next one has no such limit.
    with suppress(ProcessLookupError, PermissionError):
        _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (min(most, hard), hard))


@contextmanager
def slow_disk(stack: Stack, dice: Random) -> Iterator[None]:
    """Let each sync of a mongod's disk take 50 ms longer."""
    with _traced(stack, dice, "inject=fdatasync,fsync:delay_enter=50000"):
        yield


@contextmanager
def full_disk(stack: Stack, dice: Random) -> Iterator[None]:
    """Let a mongod's writes fail as on a full disk; it ends itself, and comes back."""
    with _traced(stack, dice, "inject=pwrite64,pwritev,fallocate:error=ENOSPC"):
        yield


@contextmanager
def set_clock(stack: Stack, dice: Random) -> Iterator[None]:
    """Let mongod's clock jump, forwards or backwards, and stay there."""
    if stack.clock is None:
        raise LookupError("No clock can be set here.")
    stack.clock.jump(dice.choice(JUMPS_SECONDS))
    yield


@contextmanager
def _traced(stack: Stack, dice: Random, what: str) -> Iterator[None]:
    pid = stack.pid(_named(stack, dice, MONGOD))
    tracer = subprocess.Popen(
        [
            shutil.which(STRACE) or STRACE,
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            what,
            "-p",
            str(pid),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        tracer.terminate()
        try:
            tracer.wait(TRACER_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            # It waits for a mongod that waits for it: both are at their end.
            tracer.kill()
            tracer.wait()


@contextmanager
def reload(stack: Stack, dice: Random) -> Iterator[None]:
    """Reload an instance, as after a change of its configuration."""
    _signal(stack.pid(dice.choice(stack.instances)), signal.SIGHUP)
    yield


@contextmanager
def restart(stack: Stack, dice: Random) -> Iterator[None]:
    """End an instance in good order and start it again, as a rolling update does.

    One that does not go, because it is frozen at the same time, is killed as orchestrators do.
    """
    ending = stack.places[dice.choice(stack.instances)].server
    ending.stop(GRACE_SECONDS)
    yield
    # The next one is not ended before this one serves again, if it can: of two faults at once the
    # other one is healed later.
    until = time.monotonic() + READY_SECONDS_MAX
    while not service.is_ready(ending.url) and time.monotonic() < until:
        time.sleep(POLL_SECONDS)


@contextmanager
def both(strikes: list[Strike], stack: Stack, dice: Random) -> Iterator[None]:
    """Let several faults strike one after the other and heal in the reverse order."""
    with ExitStack() as struck:
        for strike in strikes:
            struck.enter_context(strike(stack, dice))
        yield
