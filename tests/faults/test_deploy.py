"""What can be wrong where the service is deployed: a clear sentence and the end, or a wait.

Never a service that works by halves: each test starts the real processes on what is wrong.
"""

import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from inventory.local.servers import Server, free_port, mongod_url, start_mongod, start_valkey
from inventory.repository import mongo
from inventory.repository.schema import check_database, prepare_database
from inventory.settings import Settings
from tests.faults.deploying import (
    Client,
    Users,
    answers,
    asked,
    assert_refuses,
    command_line,
    direct,
    events,
    gunicorn,
    start_mongod_with,
    start_with_users,
)
from tests.integration.processes import Run, eventually

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="looks processes up in /proc"),
    pytest.mark.timeout(180),
]

STANDALONE = "MongoDB runs as a standalone server"
NO_LOGIN = "The database refuses the user and password that MONGO_URL names."
NO_RIGHTS = "The database does not let the user of MONGO_URL read and write"
NO_ADDRESS = "MONGO_URL: this is no address"
DATABASE = "inventory_test_deploy"
INSTANCES, TRIES = 2, 3
PRODUCT = {"name": "Cap", "price": "5", "stock": 3}


@pytest.fixture(name="standalone", scope="module")
def _standalone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = start_mongod_with(tmp_path_factory.mktemp("standalone"))
    yield server
    server.kill()


@pytest.fixture(name="users", scope="module")
def _users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Users]:
    server, users = start_with_users(tmp_path_factory.mktemp("users"))
    prepare_database(Settings(mongo_url=users.url("root:right@")), wait_seconds=30)
    yield users
    server.kill()


@pytest.fixture(name="prepared")
def _prepared(database_settings: Settings) -> Iterator[Client]:
    """A client of the tests' replica set, where `DATABASE` is prepared."""
    settings = Settings(mongo_url=database_settings.mongo_url, mongo_database=DATABASE)
    prepare_database(settings, wait_seconds=30)
    with Client(settings.mongo_url) as client:
        yield client
        client.drop_database(DATABASE)


@pytest.mark.parametrize("query", ["", "?replicaSet=rs0"])
def test_a_standalone_server_is_refused(standalone: Server, tmp_path: Path, query: str) -> None:
    """Without a replica set there are no transactions: no start, however the address is written."""
    url = standalone.url + query
    with gunicorn(tmp_path, url, INVENTORY_WORKERS="2") as run:
        assert_refuses(run, 4, STANDALONE)
    with command_line(tmp_path, "serve", "--wait", "20", mongo_url=url) as run:
        assert_refuses(run, 2, f"Error: {STANDALONE}")
    with direct(standalone.port) as client:
        assert "inventory" not in client.list_database_names()


@pytest.mark.parametrize(
    "who,sentence,command",
    [
        ("root:wrong@", NO_LOGIN, ("serve", "--wait", "20")),
        ("", NO_RIGHTS, ("local",)),
        ("looker:right@", NO_RIGHTS, ("prepare", "--wait", "20")),
    ],
    ids=["wrong password", "no user", "may only read"],
)
def test_wrong_credentials_are_refused(
    users: Users, tmp_path: Path, who: str, sentence: str, command: tuple[str, ...]
) -> None:
    """Who may not log in, or not write, is told so at once, by whatever starts the service."""
    with gunicorn(tmp_path, users.url(who)) as run:
        assert_refuses(run, 4, sentence)
    with command_line(tmp_path, *command, mongo_url=users.url(who)) as run:
        assert_refuses(run, 2, f"Error: {sentence}")


def test_rights_that_are_taken_away(users: Users, tmp_path: Path) -> None:
    """A service whose user loses its rights says that an operator must act, until they are back."""
    grant: dict[str, Any] = {"roles": [{"role": "readWrite", "db": "inventory"}]}
    url = users.url("clerk:right@") + "&authSource=inventory"
    with gunicorn(tmp_path, url) as run, Client(users.url("root:right@")) as root:
        eventually(answers(run, "/readyz", 200), lambda: run.output)
        assert asked(run, "POST", "/api/products", PRODUCT) == (201, "")
        root["inventory"].command("revokeRolesFromUser", "clerk", **grant)
        calls = ("GET", "/readyz"), ("GET", "/api/products"), ("POST", "/api/products")
        for method, path in calls:
            body = PRODUCT if method == "POST" else None
            assert asked(run, method, path, body) == (503, "database_not_ready")
        root["inventory"].command("grantRolesToUser", "clerk", **grant)
        eventually(answers(run, "/readyz", 200), lambda: run.output)
        assert asked(run, "POST", "/api/products", PRODUCT) == (201, "")
        assert events(run, "unhandled_error") == []


def test_another_replica_set_is_refused(database_settings: Settings, tmp_path: Path) -> None:
    """A set of another name never becomes the one that is asked for: no wait, but its name."""
    url = database_settings.mongo_url.replace("rs0", "rs1")
    sentence = "belongs to the replica set 'rs0', and MONGO_URL asks for 'rs1'"
    with gunicorn(tmp_path, url) as run:
        assert_refuses(run, 4, sentence)
    with command_line(tmp_path, "serve", "--wait", "20", mongo_url=url) as run:
        assert_refuses(run, 2, sentence)


def test_addresses_that_are_none_are_refused(database_settings: Settings, tmp_path: Path) -> None:
    """An address that cannot be read is told by its variable, without the password in it."""
    with gunicorn(tmp_path, "mongodb://user:right/wrong@host:27017/") as run:
        assert_refuses(run, 4, NO_ADDRESS)
    with command_line(tmp_path, "serve", mongo_url="mongo://host") as run:
        assert_refuses(run, 2, NO_ADDRESS)
    with gunicorn(tmp_path, database_settings.mongo_url, "localhost:6379") as run:
        assert_refuses(run, 4, "REDIS_URL: this is no address")


def test_missing_indexes_are_refused(prepared: Client, mongod: Server, tmp_path: Path) -> None:
    """Without one of its indexes, or with one that is not unique, the service does not start."""
    url, movements = mongod.url, prepared[DATABASE]["movements"]
    movements.drop_index("history")
    for _ in range(2):
        with gunicorn(tmp_path, url, INVENTORY_MONGO_DATABASE=DATABASE) as run:
            assert_refuses(run, 4, "lacks the indexes movements.history. Run `python -m inventory")
        movements.create_index([("product_id", 1), ("version", -1)], name="history")


def test_several_prepare_at_once(database_settings: Settings) -> None:
    """Instances that start at the same time on an empty database do not get in each other's way."""
    settings = replace(database_settings, mongo_database=DATABASE)
    with Client(settings.mongo_url) as client, ThreadPoolExecutor(INSTANCES) as instances:
        for _ in range(TRIES):
            client.drop_database(DATABASE)
            started = Barrier(INSTANCES)

            def prepare(_: int, started: Barrier = started) -> None:
                started.wait()
                prepare_database(settings, wait_seconds=30)

            list(instances.map(prepare, range(INSTANCES)))
        check_database(mongo.open_database(client, settings))
        client.drop_database(DATABASE)


def test_an_index_that_is_dropped_later(prepared: Client, mongod: Server, tmp_path: Path) -> None:
    """/readyz names an index that is lost while the service runs, until it is made again."""
    with gunicorn(tmp_path, mongod.url, INVENTORY_MONGO_DATABASE=DATABASE) as run:
        eventually(answers(run, "/readyz", 200), lambda: run.output)
        prepared[DATABASE]["products"].drop_index("by_sku")
        status, problem = run.call("GET", "/readyz")
        assert (status, problem["code"]) == (503, "database_not_ready")
        assert "products.by_sku" in problem["detail"]
        settings = Settings(mongo_url=mongod.url, mongo_database=DATABASE)
        prepare_database(settings, wait_seconds=30)
        assert run.call("GET", "/readyz")[0] == 200


def test_a_database_that_comes_up_later(tmp_path: Path) -> None:
    """The service waits for MongoDB, touches nothing before it is prepared, and sells then."""
    port = free_port()
    calls = [
        ("POST", "/api/products", PRODUCT),
        ("GET", "/api/products", None),
        ("GET", f"/api/purchases/{'0' * 24}", None),
        ("GET", "/readyz", None),
    ]
    with gunicorn(tmp_path, mongod_url(port), avoid=port, INVENTORY_WORKERS="2") as run:
        eventually(answers(run, "/healthz", 200), lambda: run.output)
        for call in calls:
            assert asked(run, *call) == (503, "storage_unavailable")
        assert events(run, "waiting_for_database")[0]["servers"] == f"127.0.0.1:{port}"
        mongod = start_mongod(tmp_path, port, cache_gb=0.25, oplog_mb=64)
        try:
            with direct(port) as client:
                member = {"_id": 0, "host": f"127.0.0.1:{port}"}
                client.admin.command("replSetInitiate", {"_id": "rs0", "members": [member]})
                said = "database_not_ready"
                eventually(lambda: asked(run, "GET", "/readyz")[1] == said, lambda: run.output)
                for call in calls:
                    # Either worker, each of which finds out for itself.
                    eventually(partial(is_answered, run, call, (503, said)), said)
                assert client["inventory"].list_collection_names() == []
            prepare_database(Settings(mongo_url=mongod.url), wait_seconds=30)
            eventually(lambda: asked(run, "POST", "/api/products", PRODUCT)[0] == 201, "no sale")
            assert asked(run, "GET", "/readyz") == (200, "")
        finally:
            mongod.kill()


def is_answered(run: Run, call: tuple[str, str, Any], wanted: tuple[int, str]) -> bool:
    """Tell whether a call gets this status and code."""
    return asked(run, *call) == wanted


def test_serve_waits_for_its_database(tmp_path: Path) -> None:
    """`serve` waits as long as it is told, and can be stopped meanwhile; then it prepares."""
    port = free_port()
    url = mongod_url(port)
    options = ("serve", "--wait", "60", "--initiate-replica-set")
    with command_line(tmp_path, *options, mongo_url=url, avoid=port) as waiting:
        soon = ("serve", "--wait", "1")
        with command_line(tmp_path, *soon, mongo_url=url, avoid=port) as impatient:
            assert_refuses(impatient, 2, f"MongoDB at 127.0.0.1:{port} has no primary that answers")
        assert waiting.process.poll() is None
        mongod = start_mongod(tmp_path, port, cache_gb=0.25, oplog_mb=64)
        try:
            eventually(answers(waiting, "/readyz", 200), lambda: waiting.output)
            assert waiting.stop() == 0
        finally:
            mongod.kill()
    with command_line(tmp_path, *options, mongo_url=url) as waiting:
        eventually(lambda: "inventory" in _command(waiting.process.pid), "it never begins")
        eventually(lambda: _handles_term(waiting.process.pid), "it never waits")
        assert waiting.stop(signal.SIGTERM) == 0


def _command(process: int) -> str:
    return Path(f"/proc/{process}/cmdline").read_text()


def _handles_term(process: int) -> bool:
    """Tell whether a process has said what to do at TERM."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    caught = next(line for line in lines if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def test_a_cache_that_comes_up_later(prepared: Client, mongod: Server, tmp_path: Path) -> None:
    """Without Redis the service starts and sells; when it comes up, it is used by itself."""
    port = free_port()
    redis_url = f"redis://127.0.0.1:{port}/0"
    more = {"INVENTORY_MONGO_DATABASE": DATABASE}
    with gunicorn(tmp_path, mongod.url, redis_url, avoid=port, **more) as run:
        eventually(answers(run, "/readyz", 200), lambda: run.output)
        assert run.call("GET", "/readyz")[1]["redis"] == "degraded"
        product = f"/api/products/{run.call('POST', '/api/products', PRODUCT)[1]['id']}"
        assert asked(run, "POST", f"{product}/purchase", {"quantity": 1}) == (201, "")
        valkey = start_valkey(tmp_path, port)
        try:
            eventually(lambda: run.call("GET", "/readyz")[1]["redis"] == "ok", "never used")
            assert run.call("GET", product)[1]["stock"] == 2
        finally:
            valkey.kill()
        assert asked(run, "POST", f"{product}/purchase", {"quantity": 1}) == (201, "")
        assert run.call("GET", product)[1]["stock"] == 1


def test_a_cache_that_refuses_its_password(
    prepared: Client, mongod: Server, valkey: Server, tmp_path: Path
) -> None:
    """A Redis that does not want us is as good as none: the log names it, and sales go on."""
    redis_url = valkey.url.replace("redis://", "redis://:wrong@")
    with gunicorn(tmp_path, mongod.url, redis_url, INVENTORY_MONGO_DATABASE=DATABASE) as run:
        eventually(answers(run, "/readyz", 200), lambda: run.output)
        assert run.call("GET", "/readyz")[1]["redis"] == "degraded"
        product = f"/api/products/{run.call('POST', '/api/products', PRODUCT)[1]['id']}"
        assert asked(run, "POST", f"{product}/purchase", {"quantity": 1}) == (201, "")
        assert run.call("GET", product)[1]["stock"] == 2
        eventually(lambda: events(run, "redis_given_up"), lambda: run.output)
        assert events(run, "redis_given_up")[0]["problem"] == "AuthenticationError"
        assert "wrong" not in run.output
