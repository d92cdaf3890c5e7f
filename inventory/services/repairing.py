"""Puts right what can be put right about the books, while the shop goes on.

What to do is decided anew for each product right before it is done, and done only if nothing has
changed since. The caches of the service learn of it when their entries run out, within
`limits.STOCK_TTL_SECONDS`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

from inventory import limits
from inventory.domain.integrity.problems import Problem
from inventory.domain.integrity.repairs import (
    CountersRepair,
    PurchaseRepair,
    Repair,
    TailRepair,
    plan,
)
from inventory.domain.movements import Movement
from inventory.domain.purchases import Purchase
from inventory.domain.stock import Snapshot
from inventory.repository.auditing import AuditRepository
from inventory.repository.evidence import UnreadableDocument
from inventory.repository.mongo import DatabaseClock
from inventory.repository.movements import MovementRepository
from inventory.repository.purchases import PurchaseRepository
from inventory.repository.repairs import RepairRepository
from inventory.repository.stock import StockRepository
from inventory.services.auditing import Auditing, Progress
from inventory.stock.archive import Archive


@dataclass(slots=True)
class Outcome:
    """What was found to be done, and what became of it.

    `repairs` are done, or would be; `overtaken` were not, because their product has changed
    meanwhile; `unsolved` needs a person.
    """

    checked: int = 0
    repairs: list[tuple[str, Repair]] = field(default_factory=list)
    overtaken: list[tuple[str, Repair]] = field(default_factory=list)
    unsolved: list[Problem] = field(default_factory=list)


class Repairing:
    """Repairs of counters, purchases and tails."""

    def __init__(
        self,
        auditing: Auditing,
        books: AuditRepository,
        counters: RepairRepository,
        stock: StockRepository,
        movements: MovementRepository,
        purchases: PurchaseRepository,
        archive: Archive,
        clock: DatabaseClock,
    ) -> None:
        self._auditing = auditing
        self._books = books
        self._counters = counters
        self._stock = stock
        self._movements = movements
        self._purchases = purchases
        self._archive = archive
        self._clock = clock

    def repair_all(self, progress: Progress, *, apply: bool) -> Outcome:
        """Find what can be put right, and with `apply` do it. Raises `StorageUnavailable`."""
        report = self._auditing.check_all(progress)
        outcome = Outcome(report.checked)
        concerned = dict.fromkeys(problem.product_id for problem in report.problems)
        for product_id in concerned:
            told = [problem for problem in report.problems if problem.product_id == product_id]
            self._repair_product(product_id, told, outcome, apply=apply)
        # Last, because what a tail becomes in the ledger follows from the counters.
        unsolved = {problem.product_id for problem in outcome.unsolved}
        for snapshot in list(self._stale()):
            if snapshot.product_id not in unsolved:
                self._settle(snapshot, outcome, apply=apply)
        return outcome

    def _repair_product(
        self, product_id: str | None, told: list[Problem], outcome: Outcome, *, apply: bool
    ) -> None:
        if product_id is None:
            outcome.unsolved += told
            return
        try:
            check = self._auditing.examine(product_id)
        except UnreadableDocument:
            outcome.unsolved += told
            return
        planned = plan(check, check.conclude())
        outcome.unsolved += planned.unsolved
        for repair in planned.repairs:
            done = not apply or self._carry_out(repair)
            (outcome.repairs if done else outcome.overtaken).append((product_id, repair))

    def _carry_out(self, repair: Repair) -> bool:
        if isinstance(repair, CountersRepair):
            return self._counters.put_right(repair)
        assert isinstance(repair, PurchaseRepair)
        rows = self._movements.get_many(repair.operation_ids)
        with self._books.moment() as moment:
            returned = moment.documents(row.entry for row in rows.values()).returned
        lost = [
            _purchase_of(row, returned.get((id, row.product_id), 0)) for id, row in rows.items()
        ]
        self._purchases.add_missing(lost, durable=True)
        return True

    def _stale(self) -> Iterator[Snapshot]:
        before = self._clock.now() - timedelta(seconds=limits.TAIL_STALE_SECONDS)
        position = None
        while True:
            found, position = self._stock.list_untrimmed(
                before, position, limits.SWEEP_PRODUCTS_MAX
            )
            yield from found
            if position is None:
                return

    def _settle(self, snapshot: Snapshot, outcome: Outcome, *, apply: bool) -> None:
        repair = TailRepair(snapshot.product_id, len(snapshot.tail))
        if apply:
            current = self._stock.get(snapshot.product_id)
            self._archive.settle([current] if current else [])
        outcome.repairs.append((snapshot.product_id, repair))


def _purchase_of(row: Movement, returned: int) -> Purchase:
    """Return the purchase that a movement tells of, with the units that have come back since."""
    purchase = Purchase.of(row)
    return replace(purchase, lines=(replace(purchase.lines[0], returned=returned),))
