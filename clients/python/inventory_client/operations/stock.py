"""Stock: counters, movements, changes that are no sale, counts of the shelf."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from inventory_client.answers import Movement, Stock, Stocktake
from inventory_client.inputs import CountLine, Reason, given, parameters
from inventory_client.operations.base import Room, segment


class Stocks(Room):
    """Operations on stock."""

    def adjust_stock(
        self,
        product_id: str,
        delta: int,
        reason: Reason,
        *,
        reference: str | None = None,
        note: str | None = None,
        expected_stock: int | None = None,
        idempotency_key: str | None = None,
    ) -> Movement:
        """Change stock for a reason other than a sale; the sign must fit the reason."""
        body = given(
            delta=delta,
            reason=reason,
            reference=reference,
            note=note,
            expected_stock=expected_stock,
        )
        path = f"/api/products/{segment(product_id)}/adjustments"
        return self._keyed(Movement, path, body, idempotency_key)

    def get_stock(self, product_id: str, *, as_of: datetime | None = None) -> Stock:
        """Read the counters straight from the database, now or as of a time in the past."""
        path = f"/api/products/{segment(product_id)}/stock"
        return self._read(Stock, path, parameters(as_of=as_of))

    def list_movements(
        self, product_id: str, *, kind: str | None = None, page_size: int = 100
    ) -> Iterator[Movement]:
        """Yield what happened to a product's stock, the newest first."""
        path = f"/api/products/{segment(product_id)}/movements"
        return self._pages(Movement, path, page_size, kind=kind)

    def post_stocktake(
        self,
        lines: Sequence[CountLine],
        *,
        counted_at: datetime | None = None,
        reference: str | None = None,
        idempotency_key: str | None = None,
    ) -> Stocktake:
        """Make the books agree with the shelf, all lines or none; what was sold since stays sold.

        What is counted is what lies there, what is held for shoppers included.
        """
        body = given(lines=list(lines), counted_at=counted_at, reference=reference)
        return self._keyed(Stocktake, "/api/stocktakes", body, idempotency_key)
