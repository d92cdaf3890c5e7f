"""A shop for tests of outages: the service, the stores under it, and what it has acknowledged."""

import http.client
import json
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from inventory import limits
from inventory.local.servers import LOOPBACK, Server, free_port, start_mongod
from inventory.serving import gunicorn_command
from tests.integration.processes import Run, eventually, is_ready

ANSWER_SECONDS_MAX = limits.REQUEST_SECONDS_MAX + 0.5
RECOVERY_SECONDS_MAX = 12.0
PROBLEM_MEMBERS = {"type", "title", "status", "detail", "instance", "code", "request_id"}


@dataclass(frozen=True)
class Answer:
    """What a client got, and how long it took."""

    status: int
    headers: dict[str, str]
    body: Any
    seconds: float


@dataclass
class Shop:
    """The service, and a mongod that nothing else uses."""

    directory: Path
    mongods: list[Server]
    service: Run
    path: str = ""
    acknowledged: dict[str, Any] = field(default_factory=dict)

    @property
    def mongod(self) -> Server:
        """The mongod that runs now, or ran last."""
        return self.mongods[-1]

    def start_again(self) -> None:
        """Start mongod once more, on the data that it left."""
        port = self.mongod.port
        self.mongods.append(start_mongod(self.directory, port, cache_gb=0.25, oplog_mb=64))

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Make one request; an underscore in a header's name stands for a hyphen."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            sent["Content-Type"] = "application/json"
        began = time.monotonic()
        connection = http.client.HTTPConnection(LOOPBACK, self.service.port, timeout=10)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), sent)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        return Answer(
            response.status,
            {name.lower(): value for name, value in response.getheaders()},
            json.loads(content) if content else None,
            time.monotonic() - began,
        )

    def buy(self, key: str) -> Answer:
        """Buy one unit under a key, and remember what was acknowledged."""
        answer = self.ask("POST", f"{self.path}/purchase", {"quantity": 1}, Idempotency_Key=key)
        if answer.status == 201:
            assert self.acknowledged.setdefault(key, answer.body) == answer.body
        return answer

    def succeeds(self, key: str) -> bool:
        """Tell whether a purchase under a key is acknowledged."""
        return self.buy(key).status == 201

    def open_sale(self) -> None:
        """Begin a new product, and sell some of it through many clients."""
        body = {"name": "Cap", "price": "5", "stock": 1_000}
        self.path = f"/api/products/{self.ask('POST', '/api/products', body).body['id']}"
        self.acknowledged = {}
        answers = self.crowd([partial(self.buy, uuid.uuid4().hex) for _ in range(40)])
        assert {answer.status for answer in answers} == {201}

    def crowd(self, calls: list[Callable[[], Answer]]) -> list[Answer]:
        """Make many requests at once."""
        with ThreadPoolExecutor(len(calls)) as pool:
            return [future.result() for future in [pool.submit(call) for call in calls]]

    def assert_away(self, answer: Answer) -> None:
        """Assert that a client was told in time that the database is away."""
        assert answer.seconds < ANSWER_SECONDS_MAX, answer
        assert answer.status == 503, answer
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["retry-after"] == "1"
        assert answer.body.keys() == PROBLEM_MEMBERS
        assert answer.body["code"] in {"storage_unavailable", "outcome_unknown", "overloaded"}
        assert "mongo" not in json.dumps(answer.body).lower()

    def assert_everything_away(self) -> list[str]:
        """Assert it for every call, one by one and in a crowd; return keys whose fate is open."""
        keys = [uuid.uuid4().hex for _ in range(21)]
        self.assert_away(self.buy(keys[0]))
        self.assert_away(self.ask("GET", f"{self.path}/stock"))
        self.assert_away(self.ask("GET", "/readyz"))
        change = {"delta": 1, "reason": "found"}
        product = {"name": "Hat", "price": "5", "stock": 1}
        calls: list[Callable[[], Answer]] = [
            partial(self.ask, "POST", f"{self.path}/adjustments", change, Idempotency_Key="a"),
            partial(self.ask, "POST", "/api/products", product),
            partial(self.ask, "PATCH", self.path, {"description": "?"}, If_Match="*"),
            partial(self.ask, "GET", self.path, Cache_Control="no-cache"),
            partial(self.ask, "GET", "/api/products"),
            partial(self.ask, "GET", f"{self.path}/movements"),
            partial(self.ask, "GET", f"/api/purchases/{'0' * 24}"),
            *(partial(self.buy, key) for key in keys[1:]),
        ]
        for answer in self.crowd(calls):
            self.assert_away(answer)
        health = self.ask("GET", "/healthz")
        assert (health.status, health.seconds < 0.5) == (200, True)
        return keys

    def assert_back(self, keys: list[str]) -> None:
        """Assert that sales go on soon, and that retries find out about open ones."""
        began = time.monotonic()
        eventually(partial(self.succeeds, uuid.uuid4().hex), "nothing is sold again")
        assert time.monotonic() - began < RECOVERY_SECONDS_MAX
        assert self.ask("GET", "/readyz").status == 200
        for key in keys:
            eventually(partial(self.succeeds, key), "a retry never succeeds")

    def assert_nothing_lost(self) -> None:
        """Assert that all that was acknowledged is there, once, and that the books are exact."""
        for key, body in self.acknowledged.items():
            again = self.buy(key)
            assert again.headers["idempotent-replayed"] == "true"
            read = self.ask("GET", f"/api/purchases/{body['id']}")
            assert (read.status, read.body) == (200, body)
        rows: list[dict[str, Any]] = []
        query = "limit=100"
        while query:
            page = self.ask("GET", f"{self.path}/movements?{query}").body
            rows += page["items"]
            query = page["next_cursor"] and f"limit=100&cursor={page['next_cursor']}"
        assert [row["version"] for row in rows] == list(range(len(rows), 0, -1))
        sold = {row["id"] for row in rows if row["kind"] == "purchase"}
        assert sold == {body["id"] for body in self.acknowledged.values()}
        stock = self.ask("GET", f"{self.path}/stock").body
        assert stock["version"] == len(rows)
        assert stock["available"] == sum(row["delta"] for row in rows) == rows[0]["balance"]


@contextmanager
def serving(
    directory: Path, mongod: Server, *, before: tuple[str, ...] = (), **more: str
) -> Iterator[Run]:
    """Serve with two workers and without Redis, unless `more` says otherwise.

    `before` is a command that runs the service's.
    """
    environ = {"MONGO_URL": mongod.url, "REDIS_URL": "off", "INVENTORY_WORKERS": "2", **more}
    log = directory / f"service-{time.monotonic_ns()}.log"
    run = Run(log, [*before, *gunicorn_command()], free_port(), **environ)
    try:
        eventually(lambda: is_ready(run), lambda: run.output)
        yield run
    finally:
        run.stop()
