"""Checks of what no order of steps shows: waiting threads, caches, the contract, processes."""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from unittest.mock import patch

from inventory.api.reads import ProductReads
from inventory.app import close_app, create_app
from inventory.cache import connection
from inventory.cache.connection import Connection
from inventory.cache.store import VersionedStore
from inventory.domain.movements import Reason
from inventory.domain.postings.base import Result
from inventory.domain.products import Terms
from inventory.errors import InsufficientStock, InventoryError, Overloaded, StorageUnavailable
from inventory.local.servers import free_port
from inventory.repository import mongo
from inventory.serving import gunicorn_command
from inventory.stock.changes import Change
from inventory.stock.queue import Ticket
from inventory.wiring import Rooms
from tests.faults.defects import Ground
from tests.faults.invariants import require
from tests.integration.conftest import Observed, Process
from tests.integration.engine_calls import BLOCKING, change, key, until
from tests.integration.processes import Run, eventually

FAR_SECONDS = 20.0
# PyMongo says it when a client is used in another process than it was first used in.
FORKED = "opened before fork"


def check_key_is_for_one_request(ground: Ground) -> None:
    """A key that comes with another request is refused, and that request has no effect."""
    app = create_app(ground.settings)
    try:
        client = app.test_client()
        product = {"name": "Air Runner", "price": "19.90", "stock": 9}
        path = f"/api/products/{client.post('/api/products', json=product).get_json()['id']}"
        headers = {"Idempotency-Key": "one"}
        for quantity, status in ((1, 201), (1, 201), (2, 422)):
            body = {"quantity": quantity}
            answer = client.post(f"{path}/purchase", json=body, headers=headers)
            require(answer.status_code == status, f"{body} was answered {answer.status_code}")
        require(client.get(f"{path}/stock").get_json()["available"] == 8, "it had an effect")
    finally:
        close_app(app)


def check_follower_is_told_the_truth(ground: Ground) -> None:
    """Who stops waiting for a group that was begun is not told that nothing was changed."""
    process = ground.clients.process(0)
    product_id = process.create(stock=10)
    impatient = change(process, product_id, -1)
    told = _told_in_the_middle(process, change(process, product_id, -1), impatient)
    done = process.recovery.find(product_id, impatient.id)
    nothing = isinstance(told, Overloaded | StorageUnavailable)
    require(not (nothing and done), f"{told!r}, and {done}")


def _told_in_the_middle(process: Process, leader: Change, impatient: Change) -> object:
    """Let two changes form a group, and one of them stop waiting in its middle: what is it told?"""
    queue = process.engine._queue
    work, sleep = queue._work, Ticket.sleep
    blocked, go, begun, finish = (threading.Event() for _ in range(4))

    def hold_up(*arguments: Any) -> None:
        blocked.set()
        assert go.wait(FAR_SECONDS)
        work(*arguments)

    def work_slowly(tickets: Sequence[Any], deadline: float) -> None:
        assert len(tickets) == 2
        begun.set()
        assert finish.wait(FAR_SECONDS)
        work(tickets, deadline)

    def sleep_till_then(ticket: Ticket[Change, Result]) -> None:
        if ticket.item is impatient:
            assert begun.wait(FAR_SECONDS)
        else:
            sleep(ticket)

    def submit(one: Change) -> object:
        try:
            return process.engine.submit(one, time.monotonic() + FAR_SECONDS)
        except InventoryError as problem:
            return problem

    with patch.object(Ticket, "sleep", sleep_till_then), ThreadPoolExecutor(3) as pool:
        queue._work = hold_up
        first = pool.submit(submit, change(process, BLOCKING, -1))
        assert blocked.wait(FAR_SECONDS)
        queue._work = work_slowly
        second = pool.submit(submit, leader)
        until(lambda: len(queue._waiting) == 1)
        third = pool.submit(submit, impatient)
        until(lambda: len(queue._waiting) == 2)
        go.set()
        told = third.result(FAR_SECONDS)
        finish.set()
        second.result(FAR_SECONDS)
        first.result(FAR_SECONDS)
    queue._work = work
    return told


@contextmanager
def _shop(ground: Ground) -> Iterator[Rooms[ProductReads]]:
    """All rooms of a process with a cache of its own connection to Redis."""
    store = VersionedStore(Connection(connection.connect(ground.settings)))
    with mongo.connect(ground.settings) as client:
        database = mongo.open_database(client, ground.settings)
        yield Rooms(client, database, lambda rooms: ProductReads(rooms, store), Observed())
    store.close()


def _create(rooms: Rooms[ProductReads], stock: int) -> str:
    terms = Terms.of(name="Air Runner", price=Decimal("2.50"))
    return rooms.catalogue.create_product(terms, stock)[0].product.id


def check_cache_keeps_the_newest(ground: Ground) -> None:
    """A reader that comes back late with an older stock does not bring it back into the cache."""
    with _shop(ground) as reader, _shop(ground) as seller:
        product_id = _create(seller, stock=5)
        for rooms in (reader, seller):
            rooms.publisher.counters("of nothing")
        get = reader.catalogue.get_counters

        def read_slowly(product_ids: Sequence[str]) -> Any:
            found = get(product_ids)
            seller.purchasing.purchase_product(product_id, 1)
            return found

        with patch.object(reader.catalogue, "get_counters", read_slowly):
            reader.publisher.counters(product_id)
        shown = seller.publisher.counters(product_id)
        true = seller.publisher.counters.read([product_id])[product_id]
        require(shown == true, f"{shown} is read, and {true} is true")


def check_replay_is_shown(ground: Ground) -> None:
    """Whoever was answered for the sale of a process that died reads a stock that knows of it."""
    silent = ground.clients.process(0)
    with _shop(ground) as shop:
        product_id = _create(shop, stock=5)
        assert shop.publisher.counters(product_id)
        silent.purchasing.purchase_product(product_id, 1, key=key())
        _, replayed = shop.purchasing.purchase_product(product_id, 1, key=key())
        assert replayed
        shown = shop.publisher.counters(product_id)
        true = shop.publisher.counters.read([product_id])[product_id]
        require(shown == true, f"{shown} is read, and {true} is true")


def check_cache_decides_nothing(ground: Ground) -> None:
    """Who buys is served by what there is, although the cache was never told of a change."""
    # It changes stock and dies before it can tell.
    silent = ground.clients.process(0)
    with _shop(ground) as shop:
        sold, received = _create(shop, stock=1), _create(shop, stock=0)
        for product_id in (sold, received):
            assert shop.publisher.counters(product_id)
        silent.purchasing.purchase_product(sold, 1)
        silent.adjusting.adjust_stock(received, 1, Reason.RECEIVED)
        require(not _bought(shop, sold), "what had been sold was sold again")
        require(_bought(shop, received), "what had come in was refused")


def _bought(shop: Rooms[ProductReads], product_id: str) -> bool:
    try:
        shop.purchasing.purchase_product(product_id, 1)
    except InsufficientStock:
        return False
    return True


def check_clients_are_made_after_the_fork(ground: Ground) -> None:
    """A worker uses no client that was opened in the process that it was forked from."""
    run = Run(
        ground.directory / "forked.log",
        gunicorn_command(),
        free_port(),
        MONGO_URL=ground.settings.mongo_url,
        REDIS_URL=ground.settings.redis_url,
        INVENTORY_MONGO_DATABASE=ground.settings.mongo_database,
        INVENTORY_WORKER_CLASS="gthread",
    )

    def served() -> bool:
        assert run.process.poll() is None, run.output
        try:
            return run.call("GET", "/readyz")[0] == 200
        except OSError:
            return False

    try:
        eventually(lambda: FORKED in run.output or served(), lambda: run.output)
        require(FORKED not in run.output, f"MongoClient {FORKED}")
    finally:
        run.stop()
