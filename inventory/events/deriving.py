"""What a row of the ledger means to others. Pure: what it has to know is handed to it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from inventory import presenters
from inventory.domain.events import EventType
from inventory.domain.movements import Kind, Movement
from inventory.domain.purchases import Purchase, Return
from inventory.domain.reservations import Reservation, State
from inventory.domain.stock import Snapshot

_ENDS = {
    Kind.RELEASE: (EventType.RESERVATION_RELEASED, State.RELEASED),
    Kind.EXPIRY: (EventType.RESERVATION_EXPIRED, State.EXPIRED),
}


@dataclass(frozen=True, slots=True)
class Derived:
    """An event that has no place among the others yet."""

    id: str
    type: EventType
    product_id: str
    occurred_at: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Documents:
    """What rows of the ledger point to, by id; counters are there for products that still are."""

    purchases: Mapping[str, Purchase] = field(default_factory=dict)
    reservations: Mapping[str, Reservation] = field(default_factory=dict)
    counters: Mapping[str, Snapshot] = field(default_factory=dict)

    def has_all_of(self, row: Movement) -> bool:
        """Tell whether everything is here that a row points to."""
        purchase_id, reservation_id = purchase_needed(row), reservation_needed(row)
        return (purchase_id is None or purchase_id in self.purchases) and (
            reservation_id is None or reservation_id in self.reservations
        )


def purchase_needed(row: Movement) -> str | None:
    """Return the purchase without which a row cannot be told, if there is one."""
    return row.entry.purchase_id if row.entry.kind in (Kind.PURCHASE, Kind.COMMIT) else None


def reservation_needed(row: Movement) -> str | None:
    """Return the reservation without which a row cannot be told, if there is one."""
    return row.entry.reservation_id


def events_of(row: Movement, documents: Documents) -> Iterable[Derived]:
    """Yield what a row of the ledger tells.

    What has several lines, such as a cart, is told once: with the row of its first line.
    """
    for type, data in _happenings(row, documents):
        yield Derived(
            _event_id(row.entry.operation_id, type), type, row.product_id, row.entry.at, data
        )


def event_of_return(one: Return) -> Derived:
    """Return what units that came back tell; not all of them are in the ledger again."""
    type = EventType.PURCHASE_RETURNED
    return Derived(
        _event_id(one.id, type),
        type,
        one.lines[0].product_id,
        one.created_at,
        presenters.returned(one),
    )


def _event_id(operation_id: str, type: EventType) -> str:
    # The same however often it is derived. Without dots, which separate what webhooks sign.
    return f"evt_{operation_id}_{type.replace('.', '_')}"


def _happenings(
    row: Movement, documents: Documents
) -> Iterable[tuple[EventType, Mapping[str, Any]]]:
    purchase = _purchase_of(row, documents)
    if purchase is not None and purchase.lines[0].product_id == row.product_id:
        yield EventType.PURCHASE_CREATED, presenters.purchase(_as_made(purchase))
    reservation = documents.reservations.get(row.entry.reservation_id or "")
    if reservation is not None:
        yield from _of_reservation(row, reservation, purchase)
    counters = documents.counters.get(row.product_id)
    if counters is not None and (type := crossing(row, counters.low_stock_threshold)):
        yield type, _stock(row, counters)


def _purchase_of(row: Movement, documents: Documents) -> Purchase | None:
    if row.entry.is_purchase:
        return Purchase.of(row)
    return documents.purchases.get(purchase_needed(row) or "")


def _as_made(purchase: Purchase) -> Purchase:
    """Return a purchase as it was when nothing of it had come back."""
    return replace(purchase, lines=tuple(replace(line, returned=0) for line in purchase.lines))


def _of_reservation(
    row: Movement, reservation: Reservation, purchase: Purchase | None
) -> Iterable[tuple[EventType, Mapping[str, Any]]]:
    if purchase is not None:
        if purchase.lines[0].product_id == row.product_id:
            yield EventType.RESERVATION_COMMITTED, presenters.reservation(reservation)
        return
    if reservation.lines[0].product_id != row.product_id:
        return
    if row.entry.kind is Kind.HOLD:
        held = replace(reservation, state=State.HELD, ended_at=None, purchase_id=None)
        yield EventType.RESERVATION_HELD, presenters.reservation(held)
    elif row.entry.kind in _ENDS and not _is_rest_of_commit(row, reservation):
        type, state = _ENDS[row.entry.kind]
        ended = replace(reservation, state=state, ended_at=row.entry.at, purchase_id=None)
        yield type, presenters.reservation(ended)


def _is_rest_of_commit(row: Movement, reservation: Reservation) -> bool:
    """Tell whether units were given back because only others of the hold were bought."""
    return row.entry.kind is Kind.RELEASE and reservation.state is State.COMMITTED


def crossing(row: Movement, low_stock_threshold: int) -> EventType | None:
    """Return which line the units on sale crossed with this row, if any.

    Out and back are about units that are there, whatever may be sold before it is.
    """
    if row.entry.kind is Kind.OPENING:
        return None
    before, after = row.balance - row.entry.delta, row.balance
    if before <= 0 < after:
        return EventType.STOCK_BACK
    if after <= 0 < before:
        return EventType.STOCK_OUT
    if after <= low_stock_threshold < before:
        return EventType.STOCK_LOW
    return None


def _stock(row: Movement, counters: Snapshot) -> Mapping[str, Any]:
    then = replace(counters, available=row.balance, held=row.held_balance, version=row.version)
    return {
        "product_id": row.product_id,
        **presenters.counters(then),
        "low_stock_threshold": counters.low_stock_threshold,
        "movement_id": row.entry.operation_id,
        "kind": row.entry.kind,
        "delta": row.entry.delta,
    }
