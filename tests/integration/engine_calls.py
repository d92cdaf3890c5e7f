"""What the tests of the engine share: how it is asked, one by one and all at once."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from inventory.domain.claims import RequestKey
from inventory.domain.movements import Entry, Kind
from inventory.domain.stock import Operation
from inventory.errors import (
    InventoryError,
    ProductNotFound,
)
from inventory.repository.mongo import new_id
from inventory.stock.changes import Change
from tests.integration.conftest import Process

Start = Callable[[], Process]
# No product has this id; somebody who asks for it keeps the engine busy while a group gathers.
BLOCKING = "0" * 24


class Died(BaseException):
    """Stands for kill -9: nothing after it runs in that process."""


def die(*_: object, **__: object) -> None:
    raise Died


def key(name: str = "k") -> RequestKey:
    return RequestKey(id=name, fingerprint="f", request_id="r")


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition that must come true soon."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def settled_tail(process: Process, product_id: str) -> tuple[Entry, ...]:
    """Settle a product and return what is left in its tail."""
    snapshot = process.stock.get(product_id, newest=True)
    assert snapshot is not None
    process.archive.settle([snapshot])
    after = process.stock.get(product_id, newest=True)
    assert after is not None
    return after.tail


def change(
    process: Process, product_id: str, delta: int, expected_available: int | None = None
) -> Change:
    operation = operation_of(process, product_id, delta, expected_available)
    return Change(operation.id, operation)


def operation_of(
    process: Process, product_id: str, delta: int, expected_available: int | None = None
) -> Operation:
    kind = Kind.PURCHASE if delta < 0 else Kind.ADJUSTMENT
    entry = Entry(new_id(), kind, delta, process.clock.now())
    return Operation(product_id, entry, expected_available=expected_available)


def together(process: Process, changes: list[Change]) -> list[object]:
    """Submit changes so that they form one group; return a movement or an error for each."""
    release, working = threading.Event(), threading.Event()
    work = process.engine._queue._work

    def held_up(*arguments: Any) -> None:
        working.set()
        assert release.wait(30)
        work(*arguments)

    def submit(one: Change) -> object:
        try:
            return process.engine.submit(one, time.monotonic() + 20)
        except InventoryError as error:
            return error

    with ThreadPoolExecutor(len(changes) + 1) as pool:
        process.engine._queue._work = held_up
        blocker = pool.submit(submit, change(process, BLOCKING, -1))
        assert working.wait(30)
        process.engine._queue._work = work
        futures = []
        for one in changes:
            futures.append(pool.submit(submit, one))
            while len(process.engine._queue._waiting) < len(futures):
                time.sleep(0.001)
        release.set()
        assert isinstance(blocker.result(30), ProductNotFound)
        return [future.result(30) for future in futures]
