"""Units set aside for a checkout: how long, for whom, and what became of them."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from inventory import limits


class State(StrEnum):
    """What became of a reservation; all but the first are for good."""

    HELD = "held"
    COMMITTED = "committed"
    RELEASED = "released"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class ReservationFilter:
    """Which reservations a list shows; a field that is None does not narrow it."""

    state: State | None = None
    product_id: str | None = None
    customer_id: str | None = None


@dataclass(frozen=True, slots=True)
class HeldLine:
    """Units of one product; `backordered` of them were promised before they were there."""

    product_id: str
    quantity: int
    backordered: int = 0


@dataclass(frozen=True, slots=True)
class Reservation:
    """Units held for somebody until `expires_at`; its id is that of the operation that made it."""

    id: str
    state: State
    lines: tuple[HeldLine, ...]
    customer_id: str | None
    reference: str | None
    created_at: datetime
    expires_at: datetime
    # When its state changed for good, and the purchase that it became.
    ended_at: datetime | None = None
    purchase_id: str | None = None

    @property
    def extendable_until(self) -> datetime:
        """Nobody may hold units for longer than this, however often they ask."""
        return self.created_at + timedelta(seconds=limits.RESERVATION_LIFE_SECONDS_MAX)

    def is_due(self, now: datetime) -> bool:
        """Tell whether it has run out, be it already tidied up or not."""
        return self.state is State.HELD and now >= self.expires_at

    def state_at(self, now: datetime) -> State:
        """Return its state; what has run out is expired, whether anybody has noticed or not."""
        return State.EXPIRED if self.is_due(now) else self.state

    def as_of(self, now: datetime) -> "Reservation":
        """Return it with the state that it has at `now`."""
        return replace(self, state=self.state_at(now))
