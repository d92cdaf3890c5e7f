"""Exports: the whole catalogue with its stock, some products at a time."""

import time
from collections.abc import Iterator

from inventory import limits
from inventory.domain.products import Product
from inventory.domain.stock import Snapshot
from inventory.errors import StorageUnavailable
from inventory.repository.imports import ImportRepository
from inventory.repository.stock import StockRepository

Listing = list[tuple[Product, Snapshot]]
_PAUSE_SECONDS = 0.25
_PATIENCE_SECONDS = 10.0


class Exporting:
    """Reads all products, in the order in which they were created."""

    def __init__(self, imports: ImportRepository, stock: StockRepository) -> None:
        self._imports = imports
        self._stock = stock

    def count_products(self) -> int:
        """Return about how many products there are."""
        return self._imports.count()

    def batches(self) -> Iterator[Listing]:
        """Yield all products, each as it is when its turn comes; nothing is kept locked.

        A database that is away for some seconds is waited for. Raises `StorageUnavailable`.
        """
        after = None
        until = time.monotonic() + limits.EXPORT_SECONDS_MAX
        while time.monotonic() < until:
            batch, after = self._insist(after)
            if batch:
                yield batch
            if after is None:
                return
        raise StorageUnavailable

    def _insist(self, after: str | None) -> tuple[Listing, str | None]:
        until = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                return self._read(after)
            except StorageUnavailable:
                # Whoever has got nothing yet can be told at once.
                if after is None or time.monotonic() > until:
                    raise
                time.sleep(_PAUSE_SECONDS)

    def _read(self, after: str | None) -> tuple[Listing, str | None]:
        products = self._imports.page(after, limits.EXPORT_BATCH_PRODUCTS)
        ids = [product.id for product in products]
        counters = {one.product_id: one for one in self._stock.list_many(ids, tail=False)}
        listing = [
            (product, stock)
            for product in products
            if (stock := counters.get(product.id)) is not None and not stock.closed
        ]
        full = len(products) == limits.EXPORT_BATCH_PRODUCTS
        return listing, products[-1].id if full else None
