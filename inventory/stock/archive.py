"""Carries entries from the tails of the counters to the ledger, and trims the tails.

Nothing here depends on who wrote an entry: every process derives the same rows from the same tail,
and whoever comes second changes nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import takewhile

from inventory import limits
from inventory.domain.movements import Movement
from inventory.domain.purchases import Purchase
from inventory.domain.stock import Snapshot
from inventory.repository.mongo import DatabaseClock
from inventory.repository.movements import MovementRepository
from inventory.repository.purchases import PurchaseRepository
from inventory.repository.stock import StockRepository
from inventory.stock.observing import Nobody, Observer


class Archive:
    """The way of entries into the ledger."""

    def __init__(
        self,
        stock: StockRepository,
        movements: MovementRepository,
        purchases: PurchaseRepository,
        clock: DatabaseClock,
        observer: Observer | None = None,
    ) -> None:
        self._stock = stock
        self._movements = movements
        self._purchases = purchases
        self._clock = clock
        self._observer = observer or Nobody()

    def add(self, movements: Sequence[Movement]) -> None:
        """Write movements, and the purchases that they are, where they are missing.

        Purchases go first: who finds a movement may rely on its purchase.
        """
        self._purchases.add_missing(
            Purchase.of(movement) for movement in movements if movement.entry.is_purchase
        )
        self._movements.add_missing(movements)

    def catch_up(self, snapshot: Snapshot) -> None:
        """Write what this tail holds and the ledger lacks, be it at the end or in the middle."""
        rows = snapshot.movements()
        known = self._movements.known_ids([row.entry.operation_id for row in rows])
        self.add([row for row in rows if row.entry.operation_id not in known])

    def tidy(self, product_ids: Iterable[str]) -> None:
        """Trim from these tails what the ledger has for good; write nothing into it.

        What is missing there is being carried over by whoever applied it, or else becomes stale.
        """
        for waiting in self._stock.list_waiting(product_ids):
            safe = self._safe(waiting.operation_ids, waiting.purchase_ids)
            trimmable = len(list(takewhile(safe.__contains__, waiting.operation_ids)))
            if trimmable:
                self._stock.trim({waiting.product_id: waiting.first_version + trimmable - 1})

    def settle(self, snapshots: Iterable[Snapshot]) -> None:
        """Archive what these tails hold and the ledger lacks, then trim what is safe there.

        An entry is trimmed only after majority reads have seen its row, and its purchase: what the
        primary alone acknowledged can be gone after a failover, and then the tail is all that is
        left. And only from the oldest on without a gap, because places in the ledger follow from
        the tail's end.
        """
        rows = {snapshot.product_id: snapshot.movements() for snapshot in snapshots}
        everything = [row for movements in rows.values() for row in movements]
        if not everything:
            return
        safe = self._safe_of(everything)
        missing = [row for row in everything if row.entry.operation_id not in safe]
        if missing:
            self.add(missing)
            self._observer.recovered("entry_carried_over", len(missing))
            safe |= self._safe_of(missing)
        self._stock.trim(
            {
                product_id: version
                for product_id, movements in rows.items()
                if (version := _safe_version(movements, safe)) is not None
            }
        )

    def _safe_of(self, rows: Sequence[Movement]) -> set[str]:
        sold = [row.entry.operation_id for row in rows if row.entry.is_purchase]
        return self._safe([row.entry.operation_id for row in rows], sold)

    def _safe(self, operation_ids: Sequence[str], purchase_ids: Sequence[str]) -> set[str]:
        """Return the operations of which no failover can take the row, nor the purchase.

        The two are written one after the other, and the second may reach another primary, or the
        same one after a crash that the first did not survive.
        """
        rows = self._movements.known_ids(operation_ids, majority=True)
        return rows - (set(purchase_ids) - self._purchases.known_ids(purchase_ids))

    def settle_stale(self) -> list[str]:
        """Settle tails that were left alone for a while; return whose they were.

        A process that died may have applied entries and not archived them, so this is also the
        recovery of the ledger. Any number of processes may do it at once.
        """
        before = self._clock.now() - timedelta(seconds=limits.TAIL_STALE_SECONDS)
        position, product_ids = None, list[str]()
        while True:
            snapshots, position = self._stock.list_untrimmed(
                before, position, limits.SWEEP_PRODUCTS_MAX
            )
            self.settle(snapshots)
            product_ids += [snapshot.product_id for snapshot in snapshots]
            if snapshots:
                self._observer.recovered("tail_settled", len(snapshots))
            if position is None:
                return product_ids


def _safe_version(movements: Sequence[Movement], safe: set[str]) -> int | None:
    version = None
    for movement in movements:
        if movement.entry.operation_id not in safe:
            break
        version = movement.version
    return version
