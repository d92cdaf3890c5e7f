"""Buying: the use case this service exists for."""

from collections.abc import Sequence

from inventory.domain.claims import RequestKey
from inventory.domain.lines import Line, merged
from inventory.domain.movements import Entry, Kind, Movement
from inventory.domain.postings.base import Result
from inventory.domain.postings.buying import BuyCart, TakeBack
from inventory.domain.purchases import Purchase, Return
from inventory.errors import ProductNotFound, PurchaseNotFound
from inventory.repository.mongo import DatabaseClock
from inventory.repository.products import ProductRepository
from inventory.repository.purchases import PurchaseRepository
from inventory.repository.stock import StockRepository
from inventory.services.changing import Changes, only_reading
from inventory.services.lines import AskedLine, resolve_cart
from inventory.stock.archive import Archive
from inventory.stock.recovery import Recovery


class Purchasing:
    """Sales and their records."""

    def __init__(
        self,
        changes: Changes,
        products: ProductRepository,
        stock: StockRepository,
        purchases: PurchaseRepository,
        archive: Archive,
        recovery: Recovery,
        clock: DatabaseClock,
    ) -> None:
        self._changes = changes
        self._products = products
        self._stock = stock
        self._purchases = purchases
        self._archive = archive
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
        actor: str | None = None,
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
                actor=actor,
            )

        done = self._changes.carry_out(product_id, entry, key)
        return _purchase_in(done.result), done.replayed

    def buy_cart(
        self,
        asked: Sequence[AskedLine],
        *,
        customer_id: str | None = None,
        reference: str | None = None,
        key: RequestKey | None = None,
        actor: str | None = None,
    ) -> tuple[Purchase, bool]:
        """Sell all lines of a cart or none; lines of the same product count as one.

        Returns the purchase, and whether an earlier request with the same key made it. Raises
        `ProductNotFound` and `InsufficientStock`, which name all products concerned,
        `PurchaseLimitExceeded`, `CustomerRequired`, `MixedCurrencies` and what `Changes.post`
        raises.
        """
        try:
            lines = resolve_cart(self._products, asked)
        except ProductNotFound:
            answer = self._changes.find_answer(key)
            if answer is None:
                raise
            return _purchase_in(answer), True
        if len(lines) == 1:
            (line,) = lines
            return self.purchase_product(
                line.product_id,
                line.quantity,
                customer_id=customer_id,
                reference=reference,
                key=key,
                actor=actor,
            )
        made, replayed = self._changes.post(BuyCart(lines, customer_id, reference), key, actor)
        return _purchase_in(made), replayed

    def return_units(
        self,
        purchase_id: str,
        lines: Sequence[Line],
        reason: str,
        *,
        restock: bool = True,
        key: RequestKey | None = None,
        actor: str | None = None,
    ) -> tuple[Return, bool]:
        """Take units of a purchase back, and put them on sale again unless told otherwise.

        Raises `PurchaseNotFound`, `ReturnExceedsPurchased`, `StockLimitExceeded` and what
        `Changes.post` raises.
        """
        # Reading it also sees to it that it is there to be counted on.
        self.get_purchase(purchase_id)
        posting = TakeBack(purchase_id, merged(lines), reason, restock)
        made, replayed = self._changes.post(posting, key, actor)
        assert isinstance(made, Return)
        return made, replayed

    def list_purchases(
        self, customer_id: str | None, product_id: str | None, before: str | None, count: int
    ) -> list[Purchase]:
        """Return up to `count` purchases made before the one called `before`, newest first."""
        snapshot = self._stock.get(product_id) if product_id else None
        if snapshot is not None:
            with only_reading():
                self._archive.catch_up(snapshot)
        return self._purchases.page(customer_id, product_id, before, count)

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


def _purchase_in(made: Result) -> Purchase:
    """Return the purchase that a request made, be it told by itself or by its movement."""
    if isinstance(made, Movement):
        return Purchase.of(made)
    assert isinstance(made, Purchase)
    return made
