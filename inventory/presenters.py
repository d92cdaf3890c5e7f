"""What clients get to see: JSON by hand, because it is written far more often than it changes."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from inventory import limits
from inventory.domain.counts import Stocktake
from inventory.domain.events import Event
from inventory.domain.integrity.problems import Problem
from inventory.domain.keys import ApiKey, Principal, in_order
from inventory.domain.moments import moment
from inventory.domain.movements import Entry, Movement
from inventory.domain.products import Product
from inventory.domain.purchases import Purchase, PurchaseLine, Return
from inventory.domain.reservations import Reservation
from inventory.domain.stock import Snapshot
from inventory.services.auditing import Report
from inventory.services.events import EventPage


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
        "purchase_id": _purchase_id(entry),
        "reservation_id": entry.reservation_id,
        "at": moment(entry.at),
    }


def _purchase_id(entry: Entry) -> str | None:
    """Return the purchase that an entry belongs to; one of a single product bears its id."""
    if entry.is_purchase:
        return entry.operation_id
    return entry.purchase_id


def _line(line: PurchaseLine) -> dict[str, Any]:
    return {
        "product_id": line.product_id,
        "quantity": line.quantity,
        "unit_price": f"{line.unit_price:f}",
        "total": f"{line.total:f}",
        "remaining_stock": line.remaining_stock,
        "stock_version": line.stock_version,
        "backordered": line.backordered,
        "returned": line.returned,
    }


_NO_LINE = dict.fromkeys(
    ("product_id", "quantity", "unit_price", "remaining_stock", "stock_version", "backordered")
)


def api_key(key: ApiKey) -> dict[str, Any]:
    """Return what may be shown of an API key: everything but the key itself."""
    return {
        "id": key.id,
        "client": key.client,
        "publishable": key.publishable,
        "scopes": list(key.scopes),
        "hint": key.hint,
        "created_at": moment(key.created_at),
        "expires_at": _moment_or_none(key.expires_at),
        "revoked_at": _moment_or_none(key.revoked_at),
        "last_used_at": _moment_or_none(key.last_used_at),
    }


def session(
    principal: Principal, *, authenticates: bool, expires_at: datetime | None, token: str | None
) -> dict[str, Any]:
    """Return on whose behalf somebody asks, what they may do, and until when."""
    return {
        "authentication": "on" if authenticates else "off",
        "key_id": principal.key_id,
        "name": principal.name if principal.key_id else None,
        "scopes": in_order(list(principal.scopes)),
        "expires_at": _moment_or_none(expires_at),
        "csrf_token": token,
    }


def purchase(sale: Purchase) -> dict[str, Any]:
    """Return a purchase; where it has one line only, what that says stands at the top as well."""
    lines = [_line(line) for line in sale.lines]
    only = {name: lines[0][name] for name in _NO_LINE} if len(lines) == 1 else _NO_LINE
    return {
        "id": sale.id,
        **only,
        "total": f"{sale.total:f}",
        "currency": sale.currency,
        "customer_id": sale.customer_id,
        "reference": sale.reference,
        "created_at": moment(sale.created_at),
        "reservation_id": sale.reservation_id,
        "reacquired": sale.reacquired,
        "lines": lines,
    }


def reservation(held: Reservation) -> dict[str, Any]:
    """Return a reservation."""
    return {
        "id": held.id,
        "state": held.state,
        "lines": [
            {
                "product_id": line.product_id,
                "quantity": line.quantity,
                "backordered": line.backordered,
            }
            for line in held.lines
        ],
        "customer_id": held.customer_id,
        "reference": held.reference,
        "created_at": moment(held.created_at),
        "expires_at": moment(held.expires_at),
        "extendable_until": moment(held.extendable_until),
        "ended_at": _moment_or_none(held.ended_at),
        "purchase_id": held.purchase_id,
    }


def returned(back: Return) -> dict[str, Any]:
    """Return what came back of a purchase."""
    return {
        "id": back.id,
        "purchase_id": back.purchase_id,
        "lines": [
            {"product_id": line.product_id, "quantity": line.quantity, "remaining": remaining}
            for line, remaining in zip(back.lines, back.remaining, strict=True)
        ],
        "reason": back.reason,
        "restocked": back.restocked,
        "created_at": moment(back.created_at),
    }


def stocktake(taken: Stocktake) -> dict[str, Any]:
    """Return what was counted."""
    return {
        "id": taken.id,
        "lines": [
            {
                "product_id": line.product_id,
                "expected": line.expected,
                "counted": line.counted,
                "difference": line.difference,
                "stock": line.stock,
                "held": line.held,
                "stock_version": line.stock_version,
            }
            for line in taken.lines
        ],
        "reference": taken.reference,
        "counted_at": moment(taken.counted_at),
        "created_at": moment(taken.created_at),
    }


def problem(found: Problem) -> dict[str, Any]:
    """Return one thing that is wrong with the books."""
    return {"code": found.code, "product_id": found.product_id, "detail": found.detail}


def integrity(report: Report, problems_max: int | None = None) -> dict[str, Any]:
    """Return what a check came to; of many problems the first, as many as an answer may tell."""
    told = limits.PROBLEMS_ANSWERED_MAX if problems_max is None else problems_max
    return {
        "ok": report.ok,
        "complete": report.complete,
        "checked": report.checked,
        "problems": [problem(found) for found in report.problems[:told]],
        "problems_total": report.problems_total,
        "next_cursor": report.next_id,
        "units": None if report.units is None else asdict(report.units),
    }


def event(one: Event) -> dict[str, Any]:
    """Return something that happened."""
    return {
        "sequence": one.sequence,
        "id": one.id,
        "type": one.type,
        "product_id": one.product_id,
        "occurred_at": moment(one.occurred_at),
        "data": one.data,
    }


def event_page(page: EventPage) -> dict[str, Any]:
    """Return what happened, and where to go on."""
    return {
        "items": [event(one) for one in page.events],
        "next_after": page.next_after,
        "read_at": _moment_or_none(page.read_at),
    }


def _moment_or_none(time: datetime | None) -> str | None:
    return None if time is None else moment(time)
