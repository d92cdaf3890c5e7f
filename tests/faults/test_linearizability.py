"""Histories of one hot product: real ones can be explained by one order, bad ones cannot."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from unittest.mock import patch

import pytest

from inventory import limits
from inventory.domain.movements import Reason
from inventory.errors import InsufficientStock
from inventory.repository.mongo import object_id
from inventory.services.lines import AskedLine
from tests.faults.linearizability import Kind, Seen, problems_of
from tests.faults.world import PATIENT, Clients
from tests.integration.conftest import Process

OPENING = 12
PROCESSES = 3
THREADS = 9
OPERATIONS = 20
Told = tuple[int, int]


class Recorder:
    """Does things to one product, and keeps what the client of each would have seen."""

    def __init__(self, process: Process, oversell_limit: int) -> None:
        self.product_id = process.create(OPENING, oversell_limit=oversell_limit)
        self.history: list[Seen] = []
        self._database = process.database

    def do(self, process: Process, random: Random) -> None:
        """Do one thing, or a hold and what becomes of it."""
        quantity = random.randint(1, 4)
        kind = random.choice(list(Kind))
        if kind in (Kind.HOLD, Kind.COMMIT, Kind.RELEASE):
            self._hold(process, quantity, random.choice([Kind.COMMIT, Kind.RELEASE]))
        elif kind is Kind.READ:
            self._record(kind, 0, lambda: self._read(process))
        elif kind is Kind.PURCHASE:
            self._record(kind, quantity, lambda: self._buy(process, quantity))
        else:
            signed = random.choice([quantity, -quantity])
            self._record(kind, signed, lambda: self._adjust(process, signed))

    def _record(self, kind: Kind, quantity: int, act: Callable[[], Told | str]) -> str:
        """Do it between two looks at the clock; what is told by the ledger alone is read later."""
        start = time.monotonic()
        told: Told | str | None
        try:
            told = act()
        except InsufficientStock as refusal:
            end = time.monotonic()
            stock = refusal.shortages[0].available
            self.history.append(Seen(start, end, kind, quantity, stock))
            return ""
        end = time.monotonic()
        id, told = (told, self._in_ledger(told, kind)) if isinstance(told, str) else ("", told)
        self.history.append(Seen(start, end, kind, quantity, *told))
        return id

    def _in_ledger(self, reservation_id: str, kind: Kind) -> Told:
        query = {"reservation_id": object_id(reservation_id), "kind": str(kind)}
        row = self._database["movements"].find_one(query)
        assert row is not None
        return row["balance"], row["version"]

    def _hold(self, process: Process, quantity: int, ending: Kind) -> None:
        asked = [AskedLine(quantity, self.product_id)]
        id = self._record(Kind.HOLD, quantity, lambda: process.reserving.hold(asked, 3600)[0].id)
        if id and ending is Kind.RELEASE:
            self._record(ending, quantity, lambda: process.reserving.release(id, None)[0].id)
        elif id:
            self._record(ending, quantity, lambda: self._commit(process, id))

    @staticmethod
    def _commit(process: Process, reservation_id: str) -> Told:
        line = process.reserving.commit(reservation_id, None, None)[0].lines[0]
        return line.remaining_stock, line.stock_version

    def _buy(self, process: Process, quantity: int) -> Told:
        purchase, _ = process.purchasing.purchase_product(self.product_id, quantity)
        return purchase.lines[0].remaining_stock, purchase.lines[0].stock_version

    def _adjust(self, process: Process, delta: int) -> Told:
        done = process.adjusting.adjust_stock(self.product_id, delta, Reason.CORRECTION)
        return done.movement.balance, done.movement.version

    def _read(self, process: Process) -> Told:
        stock = process.adjusting.get_stock(self.product_id)
        return stock.available, stock.version


@pytest.mark.parametrize("oversell_limit", [0, 3])
@pytest.mark.parametrize("seed", range(4))
def test_real_histories_are_linearizable(clients: Clients, seed: int, oversell_limit: int) -> None:
    """What many clients of several processes are told of one product has one explanation."""
    processes = [clients.process(number) for number in range(PROCESSES)]
    recorder = Recorder(processes[0], oversell_limit)
    together = threading.Barrier(THREADS)

    def work(number: int) -> None:
        random = Random(seed * THREADS + number)  # noqa: S311 - no secret depends on it
        together.wait(30)
        for _ in range(OPERATIONS):
            recorder.do(processes[number % PROCESSES], random)

    # Whoever gave up on a slow machine would not know what he did, and a version would be missing.
    with patch.multiple(limits, **PATIENT), ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))
    assert len(recorder.history) >= THREADS * OPERATIONS
    assert problems_of(recorder.history, OPENING, oversell_limit) == []
    processes[0].assert_exact(recorder.product_id)


BUY, READ = Kind.PURCHASE, Kind.READ
# Three sales and a read of a product that began with five units.
GOOD = [
    Seen(0, 2, BUY, 1, 4, 2),
    Seen(1, 3, BUY, 2, 2, 3),
    Seen(4, 6, BUY, 2, 0, 4),
    Seen(4, 5, READ, 0, 2, 3),
    Seen(5, 7, BUY, 1, 0),
    Seen(4, 5, BUY, 3, 2),
]


def test_a_good_history_is_accepted() -> None:
    """Sales that overlap, a read among them and refusals in short states have one order."""
    assert problems_of(GOOD, 5) == []
    assert problems_of([], 5) == []


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param([Seen(0, 1, BUY, 6, -1, 2)], id="oversold"),
        pytest.param([Seen(0, 1, BUY, 1, 4, 2), Seen(0, 1, BUY, 1, 4, 2)], id="one version twice"),
        pytest.param([Seen(0, 1, BUY, 1, 4, 2), Seen(0, 1, BUY, 1, 2, 4)], id="a lost version"),
        pytest.param([Seen(0, 1, BUY, 1, 4, 2), Seen(0, 1, BUY, 1, 4, 3)], id="a lost update"),
        pytest.param([Seen(4, 5, BUY, 1, 4, 2), Seen(0, 1, BUY, 1, 3, 3)], id="order against time"),
        pytest.param([Seen(0, 1, BUY, 5)], id="refused what was there"),
        pytest.param([Seen(0, 1, BUY, 5, 0, 2), Seen(2, 3, BUY, 1, 1)], id="told what never was"),
        pytest.param(
            [Seen(4, 5, BUY, 5, 0, 2), Seen(0, 1, BUY, 1, 0)], id="refused before it was short"
        ),
        pytest.param(
            [
                Seen(0, 1, BUY, 5, 0, 2),
                Seen(2, 3, Kind.ADJUSTMENT, 5, 5, 3),
                Seen(4, 5, BUY, 1, 0),
            ],
            id="refused after it was short",
        ),
        pytest.param([Seen(0, 1, BUY, 1, 4, 2), Seen(2, 3, READ, 0, 5, 1)], id="a stale read"),
        pytest.param([Seen(2, 3, BUY, 1, 4, 2), Seen(0, 1, READ, 0, 4, 2)], id="an early read"),
        pytest.param([Seen(0, 1, READ, 0, 4, 1)], id="a read of what never was"),
        pytest.param([Seen(0, 1, READ, 0, 4, 2)], id="a read of a change that nobody made"),
        pytest.param(
            [Seen(0, 9, BUY, 1, 4, 2), Seen(1, 2, READ, 0, 4, 2), Seen(3, 4, READ, 0, 5, 1)],
            id="reads that go back",
        ),
        pytest.param(
            [Seen(0, 9, BUY, 5, 0, 2), Seen(3, 4, READ, 0, 5, 1), Seen(1, 2, BUY, 1, 0)],
            id="refused before a read that shows enough",
        ),
        pytest.param(
            [Seen(0, 1, Kind.HOLD, 2, 3, 2), Seen(2, 3, Kind.COMMIT, 2, 1, 3)],
            id="held units taken twice",
        ),
        pytest.param([Seen(1, 0, BUY, 1, 4, 2)], id="an end before the start"),
    ],
)
def test_a_bad_history_is_rejected(bad: list[Seen]) -> None:
    """What no order of the operations explains is not accepted."""
    assert problems_of(bad, 5) != []
