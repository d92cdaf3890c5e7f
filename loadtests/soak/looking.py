"""What the processes hold now: memory, open files, connections, files of metrics."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from redis import Redis

from inventory.local.servers import Server
from inventory.settings import Settings
from loadtests.bench import counters
from loadtests.bench.openloop import Answers
from loadtests.bench.singles import APPLICATION
from loadtests.books import Api
from loadtests.processes import children, open_files, resident_megabytes
from loadtests.soak.figures import Bounds, Held, Sample

# A client of MongoDB watches its server by two connections beside its pool.
MONITORS = 2


class Looking:
    """Looks at a service and its stores from outside."""

    def __init__(
        self,
        settings: Settings,
        service: Server,
        around: Mapping[str, Server],
        metrics: Path,
        client: MongoClient[dict[str, Any]],
    ) -> None:
        self._settings = settings
        self._service = service
        self._around = around
        self._metrics = metrics
        self._client = client

    def bounds(self) -> Bounds:
        """Return what the pools of all workers hold at most, monitors of MongoDB included."""
        workers = len(children(self._service.pid))
        return Bounds(
            workers * (self._settings.mongo_pool_size + MONITORS),
            workers * self._settings.redis_pool_size,
        )

    def sample(self, seconds: float, requests: int, answers: Answers | None, rate: float) -> Sample:
        """Look at everything; `answers` are those since the last look."""
        with Api(self._service.url) as api:
            exposition = api.request("GET", "/metrics").body
        with Redis.from_url(self._settings.redis_url) as valkey:
            # This look is one of them.
            clients = int(valkey.info("clients")["connected_clients"]) - 1
        return Sample(
            seconds=round(seconds, 1),
            requests=requests,
            rate=round(rate, 1),
            p50_ms=round(answers.latency(0.5), 2) if answers else 0.0,
            p99_ms=round(answers.latency(0.99), 2) if answers else 0.0,
            refused=len(answers.refused) if answers else 0,
            unheard=answers.unheard if answers else 0,
            workers={pid: _held(pid) for pid in children(self._service.pid)},
            mongod=_held(self._around["mongod"].pid),
            valkey=_held(self._around["valkey"].pid),
            mongod_connections=counters.connections(self._client, APPLICATION)[0],
            valkey_connections=clients,
            metrics_bytes=sum(file.stat().st_size for file in self._metrics.iterdir()),
            exposition_bytes=len(exposition),
        )


def _held(pid: int) -> Held:
    return Held(round(resident_megabytes(pid), 1), open_files(pid))
