"""The books as one transaction has them before it: counters, holds and sales, and what changes.

Decisions are made here one after another, without any I/O; the transaction then writes what they
come to. Each is made on a `fork`, so that one that ends in a refusal leaves no trace, and the next
one sees what those before it did.
"""

from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from inventory import limits
from inventory.domain.counts import Stocktake
from inventory.domain.lines import Line
from inventory.domain.movements import Entry, Kind, Movement
from inventory.domain.products import CustomerLimit
from inventory.domain.purchases import Purchase, Return
from inventory.domain.reservations import HeldLine, Reservation, State
from inventory.domain.stock import Operation, Snapshot
from inventory.errors import (
    CustomerRequired,
    InsufficientStock,
    MixedCurrencies,
    ProductNotFound,
    PurchaseLimitExceeded,
    Refused,
    Shortage,
    StockLimitExceeded,
)

T = TypeVar("T")


def _layers(read: Mapping[str, T]) -> ChainMap[str, T]:
    return ChainMap({}, dict(read))


class Books:
    """What a transaction read, and on top of it what was decided so far.

    `now` is the database's time; `new_id` gives ids to entries; `id` is that of the operation that
    a fork is for, and of the document that it makes, and `actor` who asked for it. `then` holds for
    (product, time) the movement that was the last one at a time of which a stocktake speaks.
    """

    def __init__(
        self,
        now: datetime,
        new_id: Callable[[], str],
        counters: Mapping[str, Snapshot],
        reservations: Mapping[str, Reservation],
        purchases: Mapping[str, Purchase],
        then: Mapping[tuple[str, datetime], Movement],
        id: str = "",
        actor: str | None = None,
    ) -> None:
        self.id = id
        self.actor = actor
        self.now = now
        self.new_id = new_id
        self.then = then
        self.counters = _layers(counters)
        self.reservations = _layers(reservations)
        self.purchases = _layers(purchases)
        self.movements: list[Movement] = []
        self.returns: list[Return] = []
        self.stocktakes: list[Stocktake] = []

    def fork(self, id: str, actor: str | None = None) -> "Books":
        """Return books for one decision, which sees everything and changes nothing here."""
        fork = Books(self.now, self.new_id, {}, {}, {}, self.then, id, actor)
        fork.counters = self.counters.new_child()
        fork.reservations = self.reservations.new_child()
        fork.purchases = self.purchases.new_child()
        return fork

    def merge(self, fork: "Books") -> None:
        """Take over what was decided on a fork."""
        self.counters.update(fork.counters.maps[0])
        self.reservations.update(fork.reservations.maps[0])
        self.purchases.update(fork.purchases.maps[0])
        self.movements += fork.movements
        self.returns += fork.returns
        self.stocktakes += fork.stocktakes

    def write(self, product_id: str, entry: Entry) -> Movement:
        """Let an entry change a product's counters; return its place in the ledger.

        It was made on behalf of whoever asked for the decision; a hold runs out by itself, whoever
        happens to notice.
        """
        if self.actor is not None and entry.kind is not Kind.EXPIRY:
            entry = replace(entry, actor=self.actor)
        self.counters[product_id], movement = self.counters[product_id].append(entry)
        self.movements.append(movement)
        return movement

    def on_sale(self, lines: Sequence[Line]) -> list[tuple[Line, Snapshot]]:
        """Return each line with its counters; raise `ProductNotFound` naming all that are gone."""
        found = [(line, self.counters.get(line.product_id)) for line in lines]
        gone = [line.product_id for line, counters in found if counters is None or counters.closed]
        if gone:
            raise ProductNotFound(*gone)
        return [(line, counters) for line, counters in found if counters is not None]

    def currency_of(self, lines: Iterable[Line | HeldLine]) -> str:
        """Return the one currency of all lines; raise `MixedCurrencies` if there are several."""
        currencies = dict.fromkeys(self.counters[line.product_id].currency for line in lines)
        if len(currencies) > 1:
            raise MixedCurrencies(list(currencies))
        return next(iter(currencies))

    def require(self, lines: Sequence[Line], customer_id: str | None) -> None:
        """Raise unless a customer may have all the lines now; all short ones are named."""
        found = self.on_sale(lines)
        self.currency_of(lines)
        for line, counters in found:
            if line.quantity > counters.order_max:
                raise PurchaseLimitExceeded(line.product_id, line.quantity, counters.order_max)
            self._require_customer(counters, line.quantity, customer_id)
        short = [
            Shortage(line.product_id, line.quantity, counters.available, counters.held)
            for line, counters in found
            if line.quantity > counters.headroom
        ]
        if short:
            raise InsufficientStock(*short)

    def _require_customer(self, counters: Snapshot, quantity: int, customer_id: str | None) -> None:
        limit, product_id = counters.customer_limit, counters.product_id
        if limit is None:
            return
        if customer_id is None:
            raise CustomerRequired(product_id)
        already = self._taken(product_id, customer_id, limit)
        if already + quantity > limit.quantity:
            raise PurchaseLimitExceeded(
                product_id,
                quantity,
                limit.quantity,
                already=already,
                window_seconds=limit.window_seconds,
            )

    def _taken(self, product_id: str, customer_id: str, limit: CustomerLimit) -> int:
        """Count the units that a customer bought within the window, or holds now."""
        since = self.now - timedelta(seconds=limit.window_seconds)
        bought = (
            line.quantity
            for purchase in self.purchases.values()
            if purchase.customer_id == customer_id and purchase.created_at > since
            for line in purchase.lines
            if line.product_id == product_id
        )
        held = (
            line.quantity
            for reservation in self.reservations.values()
            if reservation.customer_id == customer_id
            and reservation.state_at(self.now) is State.HELD
            for line in reservation.lines
            if line.product_id == product_id
        )
        return sum(bought) + sum(held)

    def require_room(self, product_id: str, delta: int) -> None:
        """Raise `StockLimitExceeded` if more units came in than the service counts."""
        available = self.counters[product_id].available
        if available + delta > limits.STOCK_MAX:
            raise StockLimitExceeded(product_id, delta, available, limits.STOCK_MAX)

    def carry_out(self, operation: Operation) -> Movement:
        """Decide what a single operation may do, and let it."""
        counters = self.counters.get(operation.product_id)
        if counters is None:
            raise ProductNotFound(operation.product_id)
        problem = counters.problem_with(operation, counters.available, self.now)
        entry = operation.entry
        if entry.kind is Kind.PURCHASE and (problem is None or isinstance(problem, Refused)):
            self._require_customer(counters, -entry.delta, entry.customer_id)
        if problem is not None:
            raise problem
        movement = self.write(operation.product_id, entry)
        if entry.kind is Kind.PURCHASE:
            self.purchases[operation.id] = Purchase.of(movement)
        return movement

    def give_back(self, reservation: Reservation, kind: Kind, state: State) -> Reservation:
        """Put all units of a hold on sale again, and end it for good."""
        self.unhold(reservation, reservation.lines, kind)
        ended = replace(reservation, state=state, ended_at=self.now)
        self.reservations[reservation.id] = ended
        return ended

    def unhold(self, reservation: Reservation, lines: Iterable[HeldLine], kind: Kind) -> None:
        """Put lines of a hold on sale again; what becomes of the hold is the caller's part."""
        for line in lines:
            entry = self._held_entry(reservation, kind, line.quantity)
            self.write(line.product_id, replace(entry, delta=line.quantity))

    def _held_entry(self, reservation: Reservation, kind: Kind, quantity: int) -> Entry:
        return Entry(
            self.new_id(),
            kind,
            0,
            self.now,
            held_delta=-quantity,
            reference=reservation.reference,
            customer_id=reservation.customer_id,
            reservation_id=reservation.id,
        )

    def sell_held(self, reservation: Reservation, product_id: str, quantity: int) -> Movement:
        """Turn held units into sold ones."""
        entry = self._held_entry(reservation, Kind.COMMIT, quantity)
        return self.write(product_id, replace(entry, purchase_id=self.id))

    def changed_counters(self) -> Iterable[tuple[Snapshot, Snapshot]]:
        """Yield the counters of each product that changed, as they were read and as they are."""
        read = self.counters.maps[-1]
        for product_id, after in self.counters.maps[0].items():
            yield read[product_id], after
