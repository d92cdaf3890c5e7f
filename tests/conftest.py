"""Real servers for all tests: one mongod and one Valkey a session, emptied before every test.

No test touches a server that the environment names: the variables are gone before any test runs.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from pymongo import MongoClient
from redis import Redis

from inventory.local import servers
from inventory.local.servers import Server, start_mongod, start_valkey
from inventory.repository import mongo
from inventory.repository.schema import prepare_database
from inventory.settings import OUTSIDE_VARIABLES, PREFIX, Settings

pytest_plugins = ["tests.alone"]
DATABASE = "inventory_test"
# Of what starts servers, only this stays.
BINARIES = {"MONGOD_BIN", "VALKEY_BIN"}
# Where Linux keeps files in memory, and how much has to be free there for two test processes.
MEMORY = Path("/dev/shm")  # noqa: S108 - TemporaryDirectory makes the name below it, for us alone
MEMORY_BYTES_MIN = 2 * 1024**3


def pytest_configure() -> None:
    """Take every variable of the service out of the environment, for children as well.

    Test processes that run beside each other choose of different ports: one that is free now is
    still to be free when what was started for it listens.
    """
    for name in tuple(os.environ):
        named = name in {"MONGO_URL", "REDIS_URL", *OUTSIDE_VARIABLES} or name.startswith(PREFIX)
        if named and name not in BINARIES:
            del os.environ[name]
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        count = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
        servers.PORTS = servers.PORTS[int(worker.removeprefix("gw")) % count :: count]


@pytest.fixture(scope="session", name="servers_directory")
def _servers_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("servers")


@contextmanager
def kept_in_memory(directory: Path) -> Iterator[None]:
    """Let what is written to `directory` stay off the disk, where there is memory for it."""
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free <= MEMORY_BYTES_MIN:
        yield
        return
    with TemporaryDirectory(prefix="inventory-test-", dir=MEMORY) as memory:
        directory.symlink_to(memory, target_is_directory=True)
        yield
        directory.unlink()


@pytest.fixture(scope="session", name="mongod")
def _mongod(servers_directory: Path) -> Iterator[Server]:
    """A mongod that is a replica set of one as soon as `database_settings` has been asked for.

    No test is about its disk, and one that stalls for a second would be told as an outage.
    """
    with kept_in_memory(servers_directory / "mongod"):
        server = start_mongod(servers_directory, cache_gb=0.25, oplog_mb=64)
        yield server
        server.kill()


@pytest.fixture(scope="session", name="valkey")
def _valkey(servers_directory: Path) -> Iterator[Server]:
    server = start_valkey(servers_directory)
    yield server
    server.kill()


@pytest.fixture(scope="session", name="database_settings")
def _database_settings(mongod: Server, valkey: Server) -> Settings:
    """Settings of a prepared database; tests that want it empty ask for `settings`."""
    settings = Settings(mongo_url=mongod.url, redis_url=valkey.url, mongo_database=DATABASE)
    prepare_database(settings, wait_seconds=30, initiate_replica_set=True)
    return settings


@pytest.fixture(scope="session", name="_database_client")
def _client_of_database(database_settings: Settings) -> Iterator[MongoClient[mongo.Document]]:
    with mongo.connect(database_settings) as client:
        yield client


@pytest.fixture(scope="session", name="_cache_client")
def _client_of_cache(database_settings: Settings) -> Iterator[Redis]:
    with Redis.from_url(database_settings.redis_url) as client:
        yield client


@pytest.fixture(name="settings")
def _settings(
    database_settings: Settings,
    _database_client: MongoClient[mongo.Document],
    _cache_client: Redis,
) -> Settings:
    """Settings of empty stores; collections and indexes stay, because making them is slow."""
    database = mongo.open_database(_database_client, database_settings)
    for name in database.list_collection_names():
        database[name].delete_many({})
    _cache_client.flushall()
    return database_settings
