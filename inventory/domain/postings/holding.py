"""Reservations: units are set aside, and then sold, given back, or left to run out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from inventory.domain.books import Books
from inventory.domain.lines import Line
from inventory.domain.movements import Entry, Kind
from inventory.domain.postings.base import Needs, products_of
from inventory.domain.postings.buying import sell
from inventory.domain.purchases import Purchase, PurchaseLine, backordered
from inventory.domain.reservations import HeldLine, Reservation, State
from inventory.errors import (
    CommitExceedsHeld,
    Excess,
    InsufficientStock,
    ProductNotFound,
    ReservationCommitted,
    ReservationExpired,
    ReservationNotFound,
    ReservationReleased,
)


@dataclass(frozen=True, slots=True)
class Hold:
    """Set all lines aside for a while, or none; there is one line for each product."""

    lines: tuple[Line, ...]
    ttl_seconds: int
    customer_id: str | None = None
    reference: str | None = None

    def needs(self) -> Needs:
        """The products, and the customer."""
        return Needs(products_of(self.lines), customer_id=self.customer_id)

    def decide(self, books: Books) -> Reservation:
        """Raise what `Books.require` raises."""
        books.require(self.lines, self.customer_id)
        held = []
        for line in self.lines:
            entry = Entry(
                books.new_id(),
                Kind.HOLD,
                -line.quantity,
                books.now,
                held_delta=line.quantity,
                reference=self.reference,
                customer_id=self.customer_id,
                reservation_id=books.id,
            )
            balance = books.write(line.product_id, entry).balance
            held.append(
                HeldLine(line.product_id, line.quantity, backordered(line.quantity, balance))
            )
        reservation = Reservation(
            id=books.id,
            state=State.HELD,
            lines=tuple(held),
            customer_id=self.customer_id,
            reference=self.reference,
            created_at=books.now,
            expires_at=books.now + timedelta(seconds=self.ttl_seconds),
        )
        books.reservations[reservation.id] = reservation
        return reservation


@dataclass(frozen=True, slots=True)
class Extend:
    """Let a hold last `ttl_seconds` from now, within its greatest life."""

    reservation_id: str
    product_ids: tuple[str, ...]
    ttl_seconds: int

    def needs(self) -> Needs:
        """The reservation and its products.

        Whether it has run out by now decides what its customer may have of them.
        """
        return Needs(self.product_ids, reservation_id=self.reservation_id)

    def decide(self, books: Books) -> Reservation:
        """Raise `ReservationExpired`, `ReservationReleased` or `ReservationCommitted`."""
        reservation = _unfinished(books, self.reservation_id)
        if reservation.state_at(books.now) is State.EXPIRED:
            raise ReservationExpired(reservation.id)
        until = books.now + timedelta(seconds=self.ttl_seconds)
        extended = replace(reservation, expires_at=min(until, reservation.extendable_until))
        books.reservations[reservation.id] = extended
        return extended


@dataclass(frozen=True, slots=True)
class Release:
    """Put the units of a hold on sale again; of one that has ended that way, nothing."""

    reservation_id: str
    product_ids: tuple[str, ...]

    def needs(self) -> Needs:
        """The reservation and its products."""
        return Needs(self.product_ids, reservation_id=self.reservation_id)

    def decide(self, books: Books) -> Reservation:
        """Raise `ReservationCommitted`."""
        reservation = _reservation(books, self.reservation_id)
        if reservation.state is State.COMMITTED:
            raise ReservationCommitted(reservation.id, reservation.purchase_id or "")
        if reservation.state is not State.HELD:
            return reservation
        if reservation.is_due(books.now):
            return books.give_back(reservation, Kind.EXPIRY, State.EXPIRED)
        return books.give_back(reservation, Kind.RELEASE, State.RELEASED)


@dataclass(frozen=True, slots=True)
class Expire:
    """Tidy up after a hold that has run out; one that has not, or has ended, stays as it is."""

    reservation_id: str
    product_ids: tuple[str, ...]

    def needs(self) -> Needs:
        """The reservation and its products."""
        return Needs(self.product_ids, reservation_id=self.reservation_id)

    def decide(self, books: Books) -> Reservation:
        """Raise nothing but what shows that there is no such reservation."""
        reservation = _reservation(books, self.reservation_id)
        if not reservation.is_due(books.now):
            return reservation
        return books.give_back(reservation, Kind.EXPIRY, State.EXPIRED)


@dataclass(frozen=True, slots=True)
class Commit:
    """Buy what is held, or `lines` of it, and put the rest on sale again.

    A hold that has run out is tried once more, as if its units were asked for now. One that was
    committed already is answered with the purchase that it became.
    """

    reservation_id: str
    product_ids: tuple[str, ...]
    customer_id: str | None = None
    lines: tuple[Line, ...] | None = None

    def needs(self) -> Needs:
        """The reservation, its products, and the customer."""
        return Needs(
            self.product_ids, reservation_id=self.reservation_id, customer_id=self.customer_id
        )

    def decide(self, books: Books) -> Purchase:
        """Raise `ReservationReleased`, `ReservationExpired`, `CommitExceedsHeld` and others."""
        reservation = _reservation(books, self.reservation_id)
        if reservation.state is State.RELEASED:
            raise ReservationReleased(reservation.id)
        if reservation.state is State.COMMITTED:
            return self._committed(reservation, books)
        wanted = self._wanted(reservation)
        expired = reservation.state_at(books.now) is State.EXPIRED
        buy = self._reacquire if expired else self._buy_held
        purchase = buy(books, reservation, wanted)
        books.purchases[purchase.id] = purchase
        books.reservations[reservation.id] = replace(
            reservation, state=State.COMMITTED, ended_at=books.now, purchase_id=purchase.id
        )
        return purchase

    def _committed(self, reservation: Reservation, books: Books) -> Purchase:
        purchase = books.purchases[reservation.purchase_id or ""]
        bought = {line.product_id: line.quantity for line in purchase.lines}
        if self.lines is not None and bought != {
            line.product_id: line.quantity for line in self.lines
        }:
            raise ReservationCommitted(reservation.id, purchase.id)
        return purchase

    def _wanted(self, reservation: Reservation) -> tuple[Line, ...]:
        held = {line.product_id: line.quantity for line in reservation.lines}
        if self.lines is None:
            return tuple(Line(*item) for item in held.items())
        excesses = [
            Excess(line.product_id, line.quantity, held.get(line.product_id, 0))
            for line in self.lines
            if line.quantity > held.get(line.product_id, 0)
        ]
        if excesses:
            raise CommitExceedsHeld(excesses)
        return self.lines

    def _buy_held(self, books: Books, reservation: Reservation, wanted: Sequence[Line]) -> Purchase:
        quantities = {line.product_id: line.quantity for line in wanted}
        left = {
            held.product_id: held.quantity - quantities.get(held.product_id, 0)
            for held in reservation.lines
        }
        # First, so that the stock that a line tells of is what remains in the end.
        rest = [replace(held, quantity=left[held.product_id]) for held in reservation.lines]
        books.unhold(reservation, [line for line in rest if line.quantity], Kind.RELEASE)
        lines = [
            PurchaseLine.of(
                books.sell_held(reservation, held.product_id, quantities[held.product_id]),
                quantities[held.product_id],
                # What is given up first is what was not there anyway.
                max(0, held.backordered - left[held.product_id]),
            )
            for held in reservation.lines
            if held.product_id in quantities
        ]
        return Purchase(
            id=books.id,
            lines=tuple(lines),
            currency=books.currency_of(wanted),
            customer_id=reservation.customer_id,
            reference=reservation.reference,
            created_at=books.now,
            reservation_id=reservation.id,
        )

    def _reacquire(
        self, books: Books, reservation: Reservation, wanted: Sequence[Line]
    ) -> Purchase:
        if reservation.state is State.HELD:
            reservation = books.give_back(reservation, Kind.EXPIRY, State.EXPIRED)
        try:
            books.require(wanted, reservation.customer_id)
        except InsufficientStock as problem:
            raise ReservationExpired(reservation.id, problem.shortages) from problem
        except ProductNotFound as problem:
            raise ReservationExpired(reservation.id) from problem
        purchase = sell(
            books, wanted, reservation.customer_id, reservation.reference, reservation.id
        )
        return replace(purchase, reservation_id=reservation.id, reacquired=True)


def _reservation(books: Books, reservation_id: str) -> Reservation:
    reservation = books.reservations.get(reservation_id)
    if reservation is None:
        raise ReservationNotFound(reservation_id)
    return reservation


def _unfinished(books: Books, reservation_id: str) -> Reservation:
    """Return a reservation that somebody may still want to use."""
    reservation = _reservation(books, reservation_id)
    if reservation.state is State.RELEASED:
        raise ReservationReleased(reservation.id)
    if reservation.state is State.COMMITTED:
        raise ReservationCommitted(reservation.id, reservation.purchase_id or "")
    return reservation
