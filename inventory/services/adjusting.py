"""Stock that comes and goes without a sale, and what became of it over time."""

from datetime import datetime, timedelta

from inventory import limits
from inventory.domain.claims import RequestKey
from inventory.domain.movements import Entry, Kind, Movement, Reason
from inventory.domain.stock import Snapshot
from inventory.errors import InvalidValue, ProductNotFound
from inventory.repository.mongo import DatabaseClock
from inventory.repository.movements import MovementRepository
from inventory.repository.products import ProductRepository
from inventory.repository.stock import StockRepository
from inventory.services.changing import Changes, Done, only_reading
from inventory.stock.archive import Archive


class Adjusting:
    """Adjustments, counters and history of products."""

    def __init__(
        self,
        changes: Changes,
        products: ProductRepository,
        stock: StockRepository,
        movements: MovementRepository,
        archive: Archive,
        clock: DatabaseClock,
    ) -> None:
        self._changes = changes
        self._products = products
        self._stock = stock
        self._movements = movements
        self._archive = archive
        self._clock = clock

    def adjust_stock(
        self,
        product_id: str,
        delta: int,
        reason: Reason,
        *,
        reference: str | None = None,
        note: str | None = None,
        expected_stock: int | None = None,
        key: RequestKey | None = None,
        actor: str | None = None,
    ) -> Done:
        """Change a product's stock by `delta`, for a reason that allows it.

        With `expected_stock` only if that is the stock right before. Raises `ProductNotFound`,
        `InsufficientStock`, `StaleStock`, `StockLimitExceeded` and what `Changes.carry_out`
        raises.
        """
        now = self._clock.now()

        def entry(operation_id: str) -> Entry:
            return Entry(
                operation_id,
                Kind.ADJUSTMENT,
                delta,
                now,
                reason=reason,
                reference=reference,
                note=note,
                actor=actor,
            )

        return self._changes.carry_out(product_id, entry, key, expected_stock)

    def get_stock(self, product_id: str) -> Snapshot:
        """Return the counters as the database has them; raise `ProductNotFound`."""
        for snapshot in self._stock.list_many([product_id], tail=False):
            if not snapshot.closed:
                return snapshot
        raise ProductNotFound(product_id)

    def get_stock_as_of(self, product_id: str, moment: datetime) -> Movement:
        """Return the last movement not after `moment`, whose balances were the stock then.

        Raises `InvalidValue` for the future, `ProductNotFound` before the product was created.
        """
        if moment > self._clock.now() + timedelta(seconds=limits.CLOCK_SKEW_SECONDS_MAX):
            raise InvalidValue("as_of", "This time is in the future.")
        self._archive_tail(product_id)
        movement = self._movements.newest(product_id, moment)
        if movement is None:
            raise ProductNotFound(product_id)
        return movement

    def list_movements(
        self, product_id: str, before_version: int | None, kind: Kind | None, count: int
    ) -> list[Movement]:
        """Return up to `count` movements of a product older than a version, newest first.

        A deleted product keeps its history. Raises `ProductNotFound` if there never was one.
        """
        self._archive_tail(product_id)
        return self._movements.page(product_id, before_version, kind, count)

    def _archive_tail(self, product_id: str) -> None:
        """Let the ledger catch up, so that whoever reads it sees all that was applied."""
        snapshot = self._stock.get(product_id)
        if snapshot is None:
            raise ProductNotFound(product_id)
        with only_reading():
            self._archive.catch_up(snapshot)
