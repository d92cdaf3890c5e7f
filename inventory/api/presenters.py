"""What clients get to see: JSON by hand, because it is written far more often than it changes."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from inventory.domain.products import Product
from inventory.domain.purchases import Purchase, PurchaseLine
from inventory.domain.stock import Movement, Snapshot


def moment(at: datetime) -> str:
    """Return a time as RFC 3339 with milliseconds."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def encode(value: Any) -> bytes:
    """Return `value` as JSON."""
    return orjson.dumps(value, default=_exact)


def _exact(value: Any) -> Any:
    # An exact number goes out exactly, without the zeros at its end.
    if isinstance(value, Decimal):
        return orjson.Fragment(f"{value.normalize():f}")
    raise TypeError(type(value).__name__)


def card(product: Product) -> dict[str, Any]:
    """Return the part of a product that sales do not change."""
    terms = product.terms
    limit = terms.max_per_customer
    return {
        "id": product.id,
        "sku": terms.sku,
        "name": terms.name,
        "description": terms.description,
        "price": f"{terms.price:f}",
        "currency": terms.currency,
        "tags": terms.tags,
        "attributes": dict(terms.attributes),
        "low_stock_threshold": terms.low_stock_threshold,
        "oversell_limit": terms.oversell_limit,
        "max_per_order": terms.max_per_order,
        "max_per_customer": limit
        and {"quantity": limit.quantity, "window_seconds": limit.window_seconds},
        "version": product.version,
        "created_at": moment(product.created_at),
        "updated_at": moment(product.updated_at),
    }


def counters(stock: Snapshot) -> dict[str, Any]:
    """Return the part of a product that every sale changes."""
    return {
        "stock": stock.available,
        "held": stock.held,
        "stock_version": stock.version,
        "availability": stock.availability,
    }


def product(entry: Product, stock: Snapshot) -> dict[str, Any]:
    """Return a whole product."""
    return card(entry) | counters(stock)


def stock_now(stock: Snapshot) -> dict[str, Any]:
    """Return the counters and when they were read."""
    return {
        "available": stock.available,
        "held": stock.held,
        "version": stock.version,
        "as_of": moment(stock.as_of),
    }


def stock_then(movement: Movement, as_of: datetime) -> dict[str, Any]:
    """Return the counters as they were after a movement."""
    return {
        "available": movement.balance,
        "held": movement.held_balance,
        "version": movement.version,
        "as_of": moment(as_of),
    }


def movement(row: Movement) -> dict[str, Any]:
    """Return one row of the ledger."""
    entry = row.entry
    return {
        "id": entry.operation_id,
        "product_id": row.product_id,
        "version": row.version,
        "kind": entry.kind,
        "delta": entry.delta,
        "held_delta": entry.held_delta,
        "balance": row.balance,
        "held_balance": row.held_balance,
        "reason": entry.reason,
        "reference": entry.reference,
        "note": entry.note,
        "customer_id": entry.customer_id,
        "actor": entry.actor,
        "at": moment(entry.at),
    }


def _line(line: PurchaseLine) -> Mapping[str, Any]:
    return {
        "product_id": line.product_id,
        "quantity": line.quantity,
        "unit_price": f"{line.unit_price:f}",
        "total": f"{line.total:f}",
        "remaining_stock": line.remaining_stock,
        "stock_version": line.stock_version,
        "backordered": line.backordered,
    }


def purchase(sale: Purchase) -> dict[str, Any]:
    """Return a purchase of one product."""
    (line,) = sale.lines
    return {
        "id": sale.id,
        **_line(line),
        "currency": sale.currency,
        "customer_id": sale.customer_id,
        "reference": sale.reference,
        "created_at": moment(sale.created_at),
    }
