"""Finds out what became of an operation whose process died or did not hear the answer."""

from collections.abc import Sequence

from inventory.domain.movements import Movement
from inventory.repository.movements import MovementRepository
from inventory.repository.stock import StockRepository
from inventory.stock.archive import Archive
from inventory.stock.observing import Observer


class Recovery:
    """Answers by operation id, from the tail first and the ledger next.

    In this order nothing can slip through: an entry moves from the tail to the ledger, never back,
    and is in the ledger for good before it leaves the tail. Only what a majority has counts: who is
    told of an effect relies on it, and the one who made it may not have been answered yet.
    """

    def __init__(
        self,
        stock: StockRepository,
        movements: MovementRepository,
        archive: Archive,
        observer: Observer,
    ) -> None:
        self._stock = stock
        self._movements = movements
        self._archive = archive
        self._observer = observer

    def find(self, product_id: str, operation_id: str) -> Movement | None:
        """Return what the operation did, None if it has done nothing so far."""
        return self.find_many(product_id, [operation_id]).get(operation_id)

    def find_many(self, product_id: str, operation_ids: Sequence[str]) -> dict[str, Movement]:
        """Return what those of the operations did that were applied to the product."""
        snapshot = self._stock.get(product_id)
        waiting = snapshot.movements(operation_ids) if snapshot else []
        self._archive.add(waiting)
        found = {movement.entry.operation_id: movement for movement in waiting}
        rest = [operation_id for operation_id in operation_ids if operation_id not in found]
        return found | (self._movements.get_many(rest, majority=True) if rest else {})

    def find_waiting(self, operation_id: str) -> Movement | None:
        """Return what an operation did whose entry has not reached the ledger yet."""
        snapshot = self._stock.find_by_entry(operation_id)
        return self.find(snapshot.product_id, operation_id) if snapshot else None

    def give_up(self, product_id: str, operation_id: str) -> Movement | None:
        """Return what the operation did, or make sure that it never does anything.

        The void comes first and the second look after it, so there is no moment in between at
        which a writer that was frozen could still apply the operation unseen. Once the void is
        acknowledged, a majority has whatever came before it.
        """
        if self._stock.void(product_id, operation_id):
            self._observer.recovered("voided", 1)
        return self.find(product_id, operation_id)
