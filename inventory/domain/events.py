"""What others may want to be told of: events, read off the ledger and never decided anew."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class EventType(StrEnum):
    """What can happen."""

    STOCK_LOW = "stock.low"
    STOCK_OUT = "stock.out"
    STOCK_BACK = "stock.back"
    PURCHASE_CREATED = "purchase.created"
    PURCHASE_RETURNED = "purchase.returned"
    RESERVATION_HELD = "reservation.held"
    RESERVATION_COMMITTED = "reservation.committed"
    RESERVATION_RELEASED = "reservation.released"
    RESERVATION_EXPIRED = "reservation.expired"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a product's stock, as a movement of it tells.

    `sequence` counts all events without a gap, in an order that for one product is that of its
    movements. `data` is what the API would answer of it, ready to be written as JSON.
    """

    sequence: int
    id: str
    type: EventType
    product_id: str
    occurred_at: datetime
    data: Mapping[str, Any]
