"""Whether every change waits for the disks of a majority, whatever kind of change it is."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from unittest.mock import patch

from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from inventory.bookkeeping import opened
from inventory.domain.lines import Line
from inventory.domain.movements import Reason
from inventory.domain.products import Terms
from inventory.errors import IdempotencyInProgress, InsufficientStock
from inventory.repository import mongo
from inventory.repository.mongo import new_id
from inventory.services.changing import begin_claim
from inventory.services.lines import AskedLine
from tests.faults.defects import Ground
from tests.faults.invariants import require
from tests.faults.world import LATER
from tests.integration.conftest import Process
from tests.integration.engine_calls import change, key, settled_tail, together, until

TERMS = Terms.of(name="Air Runner", price=Decimal("2.50"))
# A command, and the collection that it is about.
Write = tuple[str, str]
# All kinds that there are. If one is missing, this check has become blind for it.
WRITES: set[Write] = {
    ("insert", "operations"),
    ("update", "operations"),
    ("findAndModify", "stock"),
    ("update", "stock"),
    ("commitTransaction", ""),
}
# What can be derived again from the tails waits for less.
DERIVED: set[Write] = {("insert", "movements"), ("insert", "purchases"), ("trim", "stock")}
_NAMES = {"insert", "update", "delete", "findAndModify", "bulkWrite", "commitTransaction"}


class Listener(CommandListener):
    """Remembers every command that changes something by itself, and what it waits for."""

    def __init__(self) -> None:
        self.concerns: dict[Write, list[Any]] = {}
        # How many tails were trimmed, and how many of those after no look for rows and purchases.
        self.trims = self.blind_trims = 0
        self._looked: set[str] = set()

    def started(self, event: CommandStartedEvent) -> None:
        """Remember a command."""
        command, name = event.command, event.command_name
        # Inside a transaction only the end waits for anything.
        inside = "autocommit" in command and name != "commitTransaction"
        if name in _NAMES and not inside:
            collection = "" if name == "commitTransaction" else command[name]
            kind = "trim" if _is_trim(command.get("updates", [])) else name
            self.concerns.setdefault((kind, collection), []).append(command.get("writeConcern"))
            self._trimmed(kind)
        elif name == "find" and _looks_for_all(command):
            self._looked.add(command["find"])

    def _trimmed(self, kind: str) -> None:
        if kind == "trim":
            self.trims += 1
            self.blind_trims += not self._looked >= {"movements", "purchases"}
            self._looked.clear()

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """What came of it does not matter."""

    def failed(self, event: CommandFailedEvent) -> None:
        """What came of it does not matter."""


def _looks_for_all(command: Any) -> bool:
    """Tell whether a majority read asks whether documents are there, and nothing else."""
    level = command.get("readConcern", {}).get("level")
    return bool(command.get("projection") == {"_id": True} and level == "majority")


def _is_trim(updates: Any) -> bool:
    first = updates[0]["u"] if updates else {}
    return isinstance(first, list) and "drop" in first[0].get("$set", {})


@contextmanager
def _listening() -> Iterator[Listener]:
    """Let all clients that are built meanwhile tell a listener of their commands."""
    listener = Listener()
    with patch.object(mongo, "connect", partial(mongo.connect, listeners=[listener])):
        yield listener


def check_changes_are_journalled(ground: Ground) -> None:
    """Every change, claim and refusal waits for the journals of a majority."""
    listener = _listened(ground)
    kinds = set(listener.concerns)
    assert kinds >= WRITES | DERIVED, kinds
    for write in kinds - DERIVED:
        for concern in listener.concerns[write]:
            durable = concern and (concern.get("w"), concern.get("j")) == ("majority", True)
            require(durable, f"{' '.join(write)} waits for {concern}")


def check_trims_follow_a_majority(ground: Ground) -> None:
    """No tail is trimmed before majority reads have looked for its entries' rows and purchases."""
    listener = _listened(ground)
    assert listener.trims
    require(not listener.blind_trims, f"{listener.blind_trims} of {listener.trims} tails")


def _listened(ground: Ground) -> Listener:
    """Let everything happen once; return who has listened."""
    with _listening() as listener:
        with mongo.connect(ground.settings) as client:
            process, later = (Process(client, ground.settings) for _ in range(2))
            _set_ahead(later)
            _sell_singly(process, later)
            _sell_together(process, later)
            _change_products(process)
        _repair(ground)
    return listener


def _set_ahead(process: Process) -> None:
    now = process.clock.now

    def then() -> datetime:
        return now() + LATER

    setattr(process.clock, "now", then)  # noqa: B010 - mypy minds an assignment


def _sell_singly(process: Process, later: Process) -> None:
    """Sell, refuse, retry and adjust single products; take over what was given up."""
    product_id, other_id = process.create(stock=9), process.create(stock=9)
    process.purchasing.purchase_product(product_id, 1)
    for _ in range(2):
        process.purchasing.purchase_product(product_id, 1, key=key("bought"))
    with suppress(InsufficientStock):
        process.purchasing.purchase_product(product_id, 99, key=key("refused"))
    process.adjusting.adjust_stock(product_id, 5, Reason.RECEIVED, key=key("received"))
    together(process, [change(process, id, -1) for id in (product_id, other_id)])
    claim = begin_claim(key("given up"), new_id(), process.clock, product_id)
    process.operations.add_many([claim])
    until(lambda: _takes_over(later, product_id))
    settled_tail(process, product_id)


def _takes_over(process: Process, product_id: str) -> bool:
    """Buy under a key that was given up; tell whether a majority has its claim by now."""
    try:
        process.purchasing.purchase_product(product_id, 1, key=key("given up"))
    except IdempotencyInProgress:
        return False
    return True


def _sell_together(process: Process, later: Process) -> None:
    """Sell carts, hold, let holds end in every way, take units back, count."""
    ids = [process.create(stock=9) for _ in range(2)]
    asked = [AskedLine(1, id) for id in ids]
    cart, _ = process.purchasing.buy_cart(asked, key=key("cart"))
    process.purchasing.return_units(cart.id, [Line(ids[0], 1)], "unwanted", key=key("return"))
    holds = [process.reserving.hold(asked, 60)[0].id for _ in range(3)]
    process.reserving.extend(holds[0], 120)
    process.reserving.commit(holds[0], None, key("commit"))
    process.reserving.release(holds[1], key("release"))
    assert later.engine.expire_due() == 1
    process.counting.take_stock([AskedLine(7, ids[0])], key=key("count"))


def _change_products(process: Process) -> None:
    """Create, edit and delete."""
    created, _ = process.catalogue.create_product(TERMS, 1, key("create"))
    dearer = replace(TERMS, price=Decimal(5))
    process.catalogue.edit_product(created.product.id, None, lambda _: dearer)
    process.catalogue.delete_product(created.product.id, None)


def _repair(ground: Ground) -> None:
    """Put wrong counters right."""
    with mongo.connect(ground.settings) as client:
        database = mongo.open_database(client, ground.settings)
        # Nobody sells any more, so this stands for damage.
        database["stock"].update_one({"closed": False}, {"$inc": {"available": 1}})
    with opened(ground.settings) as books:
        assert books.repairing.repair_all(lambda _: None, apply=True).repairs
