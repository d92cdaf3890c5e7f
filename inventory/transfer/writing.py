"""Products as lines of a file, and results of an import as JSON."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from inventory.domain.imports import Outcome, RowResult, Summary
from inventory.domain.products import Product
from inventory.domain.stock import Snapshot
from inventory.encoding import encode
from inventory.transfer.cells import EXPORTED, harmless, json_cell, tags_cell
from inventory.transfer.reading import Format

Listing = Iterable[tuple[Product, Snapshot]]
Writer = Callable[[Listing], bytes]


def written(batches: Iterable[Listing], form: Format, *, head: bool = True) -> Iterator[bytes]:
    """Yield an export in parts, as many as there are batches; a table begins with its `head`."""
    if head and form is Format.CSV:
        yield _lines([EXPORTED])
    write = _table if form is Format.CSV else _objects
    for batch in batches:
        yield write(batch)


def _table(listing: Listing) -> bytes:
    return _lines([_cells(*one) for one in listing])


def _lines(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _cells(product: Product, stock: Snapshot) -> list[Any]:
    """Return a product as the cells of `EXPORTED`; None is an empty cell."""
    terms = product.terms
    limit = terms.max_per_customer
    values: dict[str, Any] = {
        "id": product.id,
        "sku": harmless(terms.sku or ""),
        "name": harmless(terms.name),
        "description": harmless(terms.description),
        "price": f"{terms.price:f}",
        "currency": terms.currency,
        "tags": tags_cell(terms.tags),
        "attributes": json_cell(dict(terms.attributes)) if terms.attributes else None,
        "low_stock_threshold": terms.low_stock_threshold or None,
        "oversell_limit": terms.oversell_limit or None,
        "max_per_order": terms.max_per_order,
        "max_per_customer": limit
        and json_cell({"quantity": limit.quantity, "window_seconds": limit.window_seconds}),
        "stock": stock.available,
        "expected_stock": stock.available,
        "version": product.version,
    }
    return [values[name] for name in EXPORTED]


def _objects(listing: Listing) -> bytes:
    return b"".join(encode(_object(*one)) + b"\n" for one in listing)


def _object(product: Product, stock: Snapshot) -> dict[str, Any]:
    terms = product.terms
    limit = terms.max_per_customer
    attributes: dict[str, str | int | bool | Decimal] = dict(terms.attributes)
    return {
        "id": product.id,
        "sku": terms.sku,
        "name": terms.name,
        "description": terms.description,
        "price": f"{terms.price:f}",
        "currency": terms.currency,
        "tags": terms.tags,
        "attributes": attributes,
        "low_stock_threshold": terms.low_stock_threshold,
        "oversell_limit": terms.oversell_limit,
        "max_per_order": terms.max_per_order,
        "max_per_customer": limit
        and {"quantity": limit.quantity, "window_seconds": limit.window_seconds},
        "stock": stock.available,
        "expected_stock": stock.available,
        "version": product.version,
    }


def result_of(result: RowResult) -> dict[str, Any]:
    """Return what is told of a row."""
    return {
        "row": result.number,
        "sku": result.sku,
        "id": result.product_id,
        "outcome": result.outcome,
        "code": result.code,
        "detail": result.detail,
        "errors": dict(result.errors),
    }


def summary_of(summary: Summary) -> dict[str, Any]:
    """Return what is told of an import as a whole."""
    counts = {str(outcome): summary.counts[outcome] for outcome in Outcome}
    return {
        "import_id": summary.id,
        "on_error": summary.policy,
        "dry_run": summary.dry_run,
        "rows": summary.rows,
    } | counts
