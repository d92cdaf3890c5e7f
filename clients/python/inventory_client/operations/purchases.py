"""Purchases: of one product, of a cart, and what comes back of them."""

from collections.abc import Iterator, Sequence

from inventory_client.answers import Purchase, Return
from inventory_client.inputs import CartLine, Line, given
from inventory_client.operations.base import Room, segment

_PATH = "/api/purchases"


class Purchases(Room):
    """Operations on purchases."""

    def purchase_product(
        self,
        product_id: str,
        quantity: int,
        *,
        customer_id: str | None = None,
        reference: str | None = None,
        idempotency_key: str | None = None,
    ) -> Purchase:
        """Buy units of one product, all or none, once, however often it has to be sent."""
        body = given(quantity=quantity, customer_id=customer_id, reference=reference)
        path = f"/api/products/{segment(product_id)}/purchase"
        return self._keyed(Purchase, path, body, idempotency_key)

    def buy_cart(
        self,
        lines: Sequence[CartLine],
        *,
        customer_id: str | None = None,
        reference: str | None = None,
        idempotency_key: str | None = None,
    ) -> Purchase:
        """Buy all lines or none; a refusal names every product that is short."""
        body = given(lines=list(lines), customer_id=customer_id, reference=reference)
        return self._keyed(Purchase, _PATH, body, idempotency_key)

    def list_purchases(
        self,
        *,
        customer_id: str | None = None,
        product_id: str | None = None,
        page_size: int = 100,
    ) -> Iterator[Purchase]:
        """Yield purchases, the newest first; of one customer or one product, if told so."""
        return self._pages(
            Purchase, _PATH, page_size, customer_id=customer_id, product_id=product_id
        )

    def get_purchase(self, purchase_id: str) -> Purchase:
        """Read one purchase."""
        return self._read(Purchase, f"{_PATH}/{segment(purchase_id)}")

    def return_units(
        self,
        purchase_id: str,
        lines: Sequence[Line],
        reason: str,
        *,
        restock: bool = True,
        idempotency_key: str | None = None,
    ) -> Return:
        """Take units back, never more than were bought; on sale again unless told otherwise."""
        body = given(lines=list(lines), reason=reason, restock=restock)
        return self._keyed(Return, f"{_PATH}/{segment(purchase_id)}/returns", body, idempotency_key)
