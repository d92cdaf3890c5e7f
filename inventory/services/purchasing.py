"""Buying: the use case this service exists for."""

from inventory.domain.claims import RequestKey
from inventory.domain.purchases import Purchase
from inventory.domain.stock import Entry, Kind
from inventory.errors import PurchaseNotFound
from inventory.repository.mongo import DatabaseClock
from inventory.repository.purchases import PurchaseRepository
from inventory.services.changing import Changes, only_reading
from inventory.stock.recovery import Recovery


class Purchasing:
    """Sales and their records."""

    def __init__(
        self,
        changes: Changes,
        purchases: PurchaseRepository,
        recovery: Recovery,
        clock: DatabaseClock,
    ) -> None:
        self._changes = changes
        self._purchases = purchases
        self._recovery = recovery
        self._clock = clock

    def purchase_product(
        self,
        product_id: str,
        quantity: int,
        *,
        customer_id: str | None = None,
        reference: str | None = None,
        key: RequestKey | None = None,
    ) -> tuple[Purchase, bool]:
        """Sell `quantity` units of one product, all or none.

        Returns the purchase, and whether an earlier request with the same key made it. Raises
        `ProductNotFound`, `InsufficientStock`, `PurchaseLimitExceeded` and what
        `Changes.carry_out` raises.
        """
        now = self._clock.now()

        def entry(operation_id: str) -> Entry:
            return Entry(
                operation_id,
                Kind.PURCHASE,
                -quantity,
                now,
                customer_id=customer_id,
                reference=reference,
            )

        done = self._changes.carry_out(product_id, entry, key)
        return Purchase.of(done.movement), done.replayed

    def get_purchase(self, purchase_id: str) -> Purchase:
        """Return one purchase; raise `PurchaseNotFound`."""
        purchase = self._purchases.get(purchase_id)
        if purchase is not None:
            return purchase
        # A sale is acknowledged once it is in a tail; its record can be late after trouble.
        with only_reading():
            movement = self._recovery.find_waiting(purchase_id)
        if movement is None or movement.entry.kind is not Kind.PURCHASE:
            raise PurchaseNotFound(purchase_id)
        return Purchase.of(movement)
