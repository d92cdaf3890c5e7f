"""Imports and exports: many products at once, as files."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from inventory_client.answers import Import
from inventory_client.inputs import encode, parameters
from inventory_client.operations.base import Room

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
CSV: Final = "text/csv"


class Transfers(Room):
    """Operations on many products."""

    def import_products(
        self,
        rows: Sequence[Mapping[str, Any]] | bytes,
        *,
        media_type: str = JSON,
        on_error: Literal["reject_all", "reject_failed"] | None = None,
        dry_run: bool | None = None,
        idempotency_key: str | None = None,
    ) -> Import:
        """Create and change many products, each named by its sku; every row has a result.

        Rows are records with the fields of a product, or a file as it is, with its `media_type`.
        What was begun and not finished goes on where it stopped, because the key stays the same.
        """
        body = rows if isinstance(rows, bytes) else encode(list(rows))
        query = parameters(on_error=on_error, dry_run=dry_run)
        return self._sent(Import, "/api/products/bulk", body, media_type, query, idempotency_key)

    def export_products(self, *, format: Literal["csv", "ndjson"] | None = None) -> bytes:
        """Return all products with their stock as one file, which an import takes as it is."""
        return self._file("/api/products/export", parameters(format=format))
