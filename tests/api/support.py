"""What the tests of the HTTP contract share: the books behind the API, problems, crowds."""

import hashlib
import json
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import quote

from bson import ObjectId
from flask.testing import FlaskClient
from pymongo.database import Database
from werkzeug.test import TestResponse

from inventory.repository.mongo import Document

T = TypeVar("T")

PROBLEM_MEMBERS = {"type", "title", "status", "detail", "instance", "code", "request_id"}


class Books:
    """Everything that the service keeps, read past the service."""

    def __init__(self, database: Database[Document]) -> None:
        self.database = database

    def everything(self) -> dict[str, list[Document]]:
        """Return every document of every collection."""
        return {
            name: list(self.database[name].find().sort("_id"))
            for name in sorted(self.database.list_collection_names())
        }

    def digest(self) -> str:
        """Return a short text that differs if anything is stored that was not before.

        Whose turn it is at a product tells of no change: who is refused in a transaction had one.
        """
        kept = self.everything()
        for counters in kept.get("stock", ()):
            counters.pop("turns", None)
        return hashlib.sha256(repr(kept).encode(errors="replace")).hexdigest()

    def count(self, collection: str) -> int:
        """Return how many documents a collection holds."""
        return self.database[collection].count_documents({})

    def counters(self, product_id: str) -> tuple[int, int]:
        """Return what can be bought of a product, and the version of its counters."""
        stock = self.database["stock"].find_one({"_id": ObjectId(product_id)})
        assert stock is not None
        return stock["available"], stock["version"]

    def ledger(self, product_id: str) -> list[tuple[str, int, int]]:
        """Return kind, delta and balance of a product's movements, the oldest first."""
        rows = list(
            self.database["movements"].find({"product_id": ObjectId(product_id)}).sort("version")
        )
        assert [row["version"] for row in rows] == list(range(1, len(rows) + 1))
        return [(row["kind"], row["delta"], row["balance"]) for row in rows]

    def assert_exact(self, product_id: str) -> None:
        """Assert that the ledger explains the counters to the last unit and has no gap."""
        balance = 0
        rows = self.ledger(product_id)
        for _, delta, balance_after in rows:
            balance += delta
            assert balance_after == balance
        assert self.counters(product_id) == (balance, len(rows))


def assert_problem(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    """Assert that an answer is the problem document of a condition; return the document."""
    assert response.status_code == status, (response.status_code, response.data)
    assert response.mimetype == "application/problem+json"
    problem: dict[str, Any] = json.loads(response.data)
    assert problem.keys() >= PROBLEM_MEMBERS
    assert problem["status"] == status
    assert problem["code"] == code
    assert problem["type"] == f"/problems/{code}"
    assert problem["instance"] == quote(response.request.path)
    return problem


def together(calls: Iterable[Callable[[], T]]) -> list[T]:
    """Make all calls at once, each in a thread of its own; return what they answer."""
    waiting = list(calls)
    with ThreadPoolExecutor(len(waiting)) as pool:
        return [future.result(30) for future in [pool.submit(call) for call in waiting]]


def is_hit(client: FlaskClient, path: str) -> bool:
    """Tell whether Redis knew what is read there."""
    return client.get(path).headers["X-Cache"] == "hit"


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for a condition that must come true within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.01)
