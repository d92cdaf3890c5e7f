"""Stores that freeze, pools and files that run out, clients that never finish: all has an end.

Whatever is frozen, every answer comes in time, queues stay bounded, no worker is lost, and all goes
on by itself afterwards.
"""

import os
import re
import resource
import signal
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest
from bson import ObjectId

from inventory import limits
from inventory.local.servers import LOOPBACK, Server, start_mongod, start_valkey
from inventory.repository.schema import prepare_database
from inventory.settings import Settings
from tests.faults.deploying import Client
from tests.integration.outages import ANSWER_SECONDS_MAX, Answer, Shop, serving
from tests.integration.processes import Run, descendants, eventually

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="looks processes up in /proc"),
    pytest.mark.timeout(240),
    pytest.mark.alone,
]

# Longer than gunicorn waits for a sign of life, which is the longest limit of all.
FROZEN_SECONDS = limits.WORKER_TIMEOUT_SECONDS + 2.0
# Of a client of the driver, besides its pool: what watches the server.
WATCHING = 4
CROWD = 100
DRIBBLERS = 250
FILES = 230


@pytest.fixture(name="directory", scope="module")
def _directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("limits")


@pytest.fixture(name="mongo", scope="module")
def _mongo(directory: Path) -> Iterator[Server]:
    """A mongod that may be frozen."""
    server = start_mongod(directory, cache_gb=0.25, oplog_mb=64)
    try:
        prepare_database(Settings(mongo_url=server.url), wait_seconds=30, initiate_replica_set=True)
        yield server
    finally:
        server.kill()


@pytest.fixture(name="redis", scope="module")
def _redis(directory: Path) -> Iterator[Server]:
    """A Valkey that may be frozen."""
    server = start_valkey(directory)
    yield server
    server.kill()


@contextmanager
def frozen(*servers: Server) -> Iterator[None]:
    """Stop servers in the middle of whatever they do, and let them go on after the block."""
    for server in servers:
        os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for server in servers:
            os.kill(server.pid, signal.SIGCONT)


@contextmanager
def open_shop(
    directory: Path, mongo: Server, *, before: tuple[str, ...] = (), **more: str
) -> Iterator[Shop]:
    """Serve, and begin a sale."""
    with serving(directory, mongo, before=before, **more) as run:
        shop = Shop(directory, [mongo], run)
        shop.open_sale()
        yield shop


def workers(run: Run) -> set[int]:
    """Return the processes that serve."""
    return set(descendants(run.process.pid))


def connections(process: int, port: int) -> int:
    """Return how many connections to a port of this machine a process holds."""
    table = Path(f"/proc/{process}/net/tcp").read_text().splitlines()[1:]
    to_port = {
        fields[9] for fields in map(str.split, table) if int(fields[2].split(":")[1], 16) == port
    }
    held = 0
    for file in Path(f"/proc/{process}/fd").iterdir():
        try:
            found = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(file))
        except FileNotFoundError:
            continue
        held += found is not None and found[1] in to_port
    return held


def assert_bounded(shop: Shop) -> None:
    """Assert that no worker holds more connections to MongoDB than its pool may have."""
    for worker in workers(shop.service):
        assert connections(worker, shop.mongod.port) <= Settings().mongo_pool_size + WATCHING


def assert_refused_in_time(answers: list[Answer]) -> None:
    """Assert that all were told in time to come again later."""
    for answer in answers:
        assert answer.seconds < ANSWER_SECONDS_MAX, answer
        assert answer.status == 503, answer
        assert answer.headers["retry-after"] == "1"


def assert_works(shop: Shop, keys: list[str]) -> None:
    """Assert that purchases and reads succeed, each in time."""
    calls: list[Callable[[], Answer]] = [partial(shop.buy, key) for key in keys]
    calls += [partial(shop.ask, "GET", shop.path), partial(shop.ask, "GET", "/api/products")] * 5
    for answer in shop.crowd(calls):
        assert answer.status in (200, 201), answer
        assert answer.seconds < ANSWER_SECONDS_MAX, answer


def new_keys(count: int) -> list[str]:
    """Return keys that nobody has used."""
    return [uuid.uuid4().hex for _ in range(count)]


def calls_of(shop: Shop, keys: list[str]) -> list[Callable[[], Answer]]:
    """Return calls that need MongoDB: a purchase with each key, and as many others."""
    fresh = partial(shop.ask, "GET", shop.path, Cache_Control="no-cache")
    others = [
        fresh,
        partial(shop.ask, "GET", f"{shop.path}/stock"),
        partial(shop.ask, "GET", "/readyz"),
        partial(shop.ask, "GET", "/api/products?q=cap"),
    ]
    return [
        call
        for place, key in enumerate(keys)
        for call in (partial(shop.buy, key), others[place % 4])
    ]


def test_stores_freeze_for_longer_than_every_limit(
    directory: Path, mongo: Server, redis: Server
) -> None:
    """Redis, then both, then MongoDB alone are frozen: what can go on does, the rest is refused."""
    with open_shop(directory, mongo, REDIS_URL=redis.url) as shop:
        before, unsure = workers(shop.service), []
        with frozen(redis):
            for _ in range(3):
                assert_works(shop, new_keys(20))
            assert shop.ask("GET", "/readyz").body["redis"] == "degraded"
        with frozen(mongo):
            with frozen(redis):
                unsure += await_refusals(shop, FROZEN_SECONDS)
            unsure += await_refusals(shop, 2.0)
        shop.assert_back(unsure[:100])
        assert_works(shop, new_keys(20))
        eventually(lambda: shop.ask("GET", "/readyz").body["redis"] == "ok", "it is never used")
        assert_bounded(shop)
        shop.assert_nothing_lost()
        assert workers(shop.service) == before
        assert "WORKER TIMEOUT" not in shop.service.output
        assert_few_connections(mongo, len(before))


def await_refusals(shop: Shop, seconds: float) -> list[str]:
    """Let a crowd ask in vain, then a few for so long; return the keys of their purchases."""
    ends = time.monotonic() + seconds
    keys: list[str] = []
    size = CROWD
    while time.monotonic() < ends:
        tried = new_keys(size // 2)
        keys += tried
        assert_refused_in_time(shop.crowd(calls_of(shop, tried)))
        assert_bounded(shop)
        alive = shop.ask("GET", "/healthz")
        assert (alive.status, alive.seconds < 0.5) == (200, True)
        size = 16
    return keys


def assert_few_connections(mongo: Server, processes: int) -> None:
    """Assert that MongoDB holds no more connections than the pools of so many processes have."""
    with Client(mongo.url) as client:
        held = client.admin.command("serverStatus")["connections"]["current"]
    own = 1 + WATCHING
    assert held <= processes * (Settings().mongo_pool_size + WATCHING) + own


def test_one_connection_and_an_operation_that_takes_long(directory: Path, mongo: Server) -> None:
    """A pool that is in use holds nobody up for longer than a frozen database does."""
    with (
        open_shop(directory, mongo, INVENTORY_WORKERS="1", INVENTORY_MONGO_POOL_SIZE="1") as shop,
        Client(mongo.url) as client,
    ):
        stock = client["inventory"]["stock"]
        product = {"_id": ObjectId(shop.path.rpartition("/")[2])}
        keys = new_keys(8)
        with client.start_session() as session, session.start_transaction():
            stock.update_one(product, {"$set": {"held_up": True}}, session=session)
            with ThreadPoolExecutor(1) as pool:
                slow = pool.submit(shop.buy, keys[0])
                eventually(lambda: waits(client), "the purchase never waits")
                # They are to wait on when it has given up.
                time.sleep(0.5)
                others = shop.crowd(calls_of(shop, keys[1:]))
                assert_refused_in_time([slow.result()])
                # Whoever gets the connection afterwards may be served.
                assert_refused_in_time([answer for answer in others if answer.status != 200])
                assert all(answer.seconds < ANSWER_SECONDS_MAX for answer in others)
                assert {answer.status for answer in others} == {200, 503}
            (worker,) = workers(shop.service)
            assert connections(worker, mongo.port) <= 1 + WATCHING
            session.abort_transaction()
        shop.assert_back(keys)
        shop.assert_nothing_lost()


def waits(client: Client) -> bool:
    """Tell whether an operation of the service runs into what somebody else has locked."""
    ours = {"appName": "inventory", "writeConflicts": {"$gt": 0}}
    return bool(client.admin.aggregate([{"$currentOp": {}}, {"$match": ours}]).to_list())


def test_files_run_out(directory: Path, mongo: Server) -> None:
    """With few files fewer clients are heard at once, with none left nobody new; all are later."""
    before = ("sh", "-c", f'ulimit -n {FILES}; exec "$@"', "sh")
    with open_shop(directory, mongo, before=before, INVENTORY_WORKERS="1") as shop:
        (worker,) = workers(shop.service)
        said = re.search(r"A worker holds (\d+) clients instead of 2048", shop.service.output)
        assert said, shop.service.output
        room = int(said[1])
        with ThreadPoolExecutor(1) as pool:
            with crowding(shop, room + 20):
                unheard = pool.submit(shop.buy, uuid.uuid4().hex)
                eventually(lambda: clients(worker, shop) >= room, "they are never let in")
                assert clients(worker, shop) == room
                assert not unheard.done()
            assert unheard.result().status == 201
        keys = new_keys(8)
        with ThreadPoolExecutor(len(keys)) as pool:
            with no_more_files(worker):
                waiting = [pool.submit(shop.buy, key) for key in keys]
                said_so = "Too many open files"
                eventually(lambda: said_so in shop.service.output, "it has files enough")
            assert {answer.result().status for answer in waiting} <= {201, 503}
        shop.assert_back(keys)
        assert workers(shop.service) == {worker}
        shop.assert_nothing_lost()


@contextmanager
def crowding(shop: Shop, count: int) -> Iterator[list[socket.socket]]:
    """Connect so many clients that say nothing."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                socket.create_connection((LOOPBACK, shop.service.port), ANSWER_SECONDS_MAX * 10)
            )
            for _ in range(count)
        ]


def clients(worker: int, shop: Shop) -> int:
    """Return how many clients a worker has let in."""
    table = Path(f"/proc/{worker}/net/tcp").read_text().splitlines()[1:]
    rows = [line.split() for line in table]
    port = shop.service.port
    local = {row[9] for row in rows if int(row[1].split(":")[1], 16) == port and row[3] != "0A"}
    names = [os.readlink(file) for file in Path(f"/proc/{worker}/fd").iterdir() if file.exists()]
    return sum(name[8:-1] in local for name in names)


@contextmanager
def no_more_files(process: int) -> Iterator[None]:
    """Let a process open no file more than it has open."""
    given = resource.prlimit(process, resource.RLIMIT_NOFILE)
    highest = max(int(file.name) for file in Path(f"/proc/{process}/fd").iterdir())
    used = len(list(Path(f"/proc/{process}/fd").iterdir()))
    resource.prlimit(process, resource.RLIMIT_NOFILE, (min(used, highest), given[1]))
    try:
        yield
    finally:
        resource.prlimit(process, resource.RLIMIT_NOFILE, given)


def test_clients_that_never_finish(directory: Path, mongo: Server) -> None:
    """Who dribbles holds up nobody and is told so; who hangs up has bought once or not."""
    with open_shop(directory, mongo) as shop:
        with crowding(shop, DRIBBLERS) as dribblers:
            stopped = threading.Event()
            # Whoever sends on when he was told so may not hear it.
            ends = time.monotonic() + limits.BODY_SECONDS_MAX - 1.0
            for client in dribblers:
                client.sendall(purchase(shop, uuid.uuid4().hex, length=1_000)[:-5])
            dribbling = threading.Thread(target=dribble, args=(dribblers, stopped, ends))
            dribbling.start()
            try:
                for _ in range(3):
                    assert_works(shop, new_keys(20))
            finally:
                stopped.set()
                dribbling.join()
            for client in dribblers:
                answer = received(client)
                assert answer.startswith(b"HTTP/1.1 408 "), answer
                assert b"Connection: close" in answer
                assert b'"code":"request_timeout"' in answer
        keys = new_keys(40)
        for place, key in enumerate(keys):
            whole = purchase(shop, key)
            with crowding(shop, 1) as (client,):
                client.sendall(whole if place % 2 else whole[:-5])
        for key in keys:
            eventually(partial(shop.succeeds, key), "a retry never succeeds")
        shop.assert_nothing_lost()
        stock = shop.ask("GET", f"{shop.path}/stock").body
        assert stock["available"] == 1_000 - len(shop.acknowledged)
        assert "Traceback" not in shop.service.output


def purchase(shop: Shop, key: str, length: int | None = None) -> bytes:
    """Return the bytes of a purchase; its headers may promise another length."""
    body = b'{"quantity": 1}'
    lines = [
        f"POST {shop.path}/purchase HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        f"Content-Length: {length or len(body)}",
        f"Idempotency-Key: {key}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def dribble(dribblers: list[socket.socket], stopped: threading.Event, ends: float) -> None:
    """Send a byte for each client now and then, no longer than it ends."""
    while not stopped.wait(0.5) and time.monotonic() < ends:
        for client in dribblers:
            client.send(b" ")


def received(client: socket.socket) -> bytes:
    """Return all that comes until the connection is closed."""
    parts = b""
    try:
        while part := client.recv(65_536):
            parts += part
    except ConnectionResetError:
        pass
    return parts
