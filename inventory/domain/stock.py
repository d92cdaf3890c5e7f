"""How the counters of a product move: operations asked for, and what the counters allow.

The rules that decide who gets what are here, without any I/O: `Snapshot.plan` says which of the
waiting operations a product's counters allow, in the order in which they came.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from inventory import limits
from inventory.domain.movements import Entry, Kind, Movement
from inventory.domain.products import Availability, CustomerLimit, Terms
from inventory.errors import (
    InsufficientStock,
    InventoryError,
    ProductNotFound,
    PurchaseLimitExceeded,
    Refused,
    Shortage,
    StaleStock,
    StockLimitExceeded,
    StorageUnavailable,
)


@dataclass(frozen=True, slots=True)
class Operation:
    """A change of one product's stock that somebody waits for.

    `fence` is the database's time after which it may not be applied any more; only operations with
    an Idempotency-Key have one, because only those are tried again by another process.
    """

    product_id: str
    entry: Entry
    fence: datetime | None = None
    expected_available: int | None = None

    @property
    def id(self) -> str:
        """The operation's id, under which its effect can be found."""
        return self.entry.operation_id


@dataclass(frozen=True, slots=True)
class Plan:
    """What a snapshot allows: operations to apply together, and a reason for each other one."""

    granted: list[Operation] = field(default_factory=list)
    refused: list[tuple[Operation, InventoryError]] = field(default_factory=list)
    # What the counters alone cannot decide: sales of a product that is limited per customer.
    deferred: list[Operation] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The counters of one product at one moment, with entries that are still in its tail.

    Those are all of them, or the newest; `trimmed_at` is of the last one before them.
    """

    product_id: str
    available: int
    held: int
    version: int
    price: Decimal
    currency: str
    oversell_limit: int
    low_stock_threshold: int
    order_max: int
    # The product's version at which the terms above were last changed.
    terms_version: int
    closed: bool
    as_of: datetime
    tail: tuple[Entry, ...] = ()
    # The time of the last entry that is not in `tail`: none after it is older.
    trimmed_at: datetime | None = None
    customer_limit: CustomerLimit | None = None
    # Operations that were given up and may never be applied any more.
    voids: frozenset[str] = frozenset()

    @classmethod
    def opening(cls, product_id: str, terms: Terms, available: int, at: datetime) -> "Snapshot":
        """Return the first counters of a product; its opening movement has version 1."""
        return cls(
            product_id=product_id,
            available=available,
            held=0,
            version=1,
            price=terms.price,
            currency=terms.currency,
            oversell_limit=terms.oversell_limit,
            low_stock_threshold=terms.low_stock_threshold,
            order_max=terms.max_per_order or limits.QUANTITY_MAX,
            customer_limit=terms.max_per_customer,
            terms_version=1,
            closed=False,
            as_of=at,
        )

    @property
    def revision(self) -> int:
        """A number that rises whenever anything here changes, be it the counters or the terms."""
        return self.version + self.terms_version

    @property
    def headroom(self) -> int:
        """Units that may still be sold."""
        return self.available + self.oversell_limit

    @property
    def spare(self) -> int:
        """Units above the line at which stock is low."""
        return self.available - self.low_stock_threshold

    @property
    def availability(self) -> Availability:
        """What a shopper may be told."""
        return Availability.of(self.available, self.low_stock_threshold, self.headroom)

    def movements(self, operation_ids: Collection[str] | None = None) -> list[Movement]:
        """Give the tail's entries, or only those of some operations, their places in the ledger.

        Oldest first. Every entry took one version, and only a prefix is ever trimmed; so versions
        and balances follow from an entry's distance to the tail's end. The ledger's order is that
        of versions: an entry that was written later is not older, whatever its writer's clock said.
        """
        version = self.version - len(self.tail)
        balance = self.available - sum(entry.delta for entry in self.tail)
        held_balance = self.held - sum(entry.held_delta for entry in self.tail)
        at = self.trimmed_at
        movements = []
        for entry in self.tail:
            version += 1
            balance += entry.delta
            held_balance += entry.held_delta
            at = entry.at if at is None else max(at, entry.at)
            if operation_ids is None or entry.operation_id in operation_ids:
                settled = self._settled(entry, at)
                movements.append(Movement(self.product_id, version, balance, held_balance, settled))
        return movements

    def append(self, entry: Entry) -> tuple["Snapshot", Movement]:
        """Return the counters as `entry` leaves them, and its place in the ledger."""
        after = replace(
            self,
            available=self.available + entry.delta,
            held=self.held + entry.held_delta,
            version=self.version + 1,
            tail=(*self.tail, entry),
        )
        settled = self._settled(entry, after.newest_at or entry.at)
        return after, Movement(self.product_id, after.version, after.available, after.held, settled)

    @property
    def newest_at(self) -> datetime | None:
        """The time of the last movement; no later one is older."""
        times = [entry.at for entry in self.tail]
        return max(times if self.trimmed_at is None else [self.trimmed_at, *times], default=None)

    def without_tail(self) -> "Snapshot":
        """Return the same counters with an empty tail."""
        return replace(self, tail=(), trimmed_at=self.newest_at)

    def _settled(self, entry: Entry, at: datetime) -> Entry:
        if entry.price is not None:
            return replace(entry, at=at)
        return replace(entry, at=at, price=self.price, currency=self.currency)

    def plan(self, operations: Iterable[Operation], now: datetime) -> Plan:
        """Decide first come, first served which operations these counters allow.

        `now` is the database's time. An operation that is refused was refused by counters that
        count the operations before it as done: apply those first, then plan the rest once more.
        """
        plan = Plan()
        available = self.available
        for operation in operations:
            if self.customer_limit and operation.entry.kind is Kind.PURCHASE:
                plan.deferred.append(operation)
                continue
            problem = self.problem_with(operation, available, now)
            if problem is None:
                available += operation.entry.delta
                plan.granted.append(operation)
            else:
                plan.refused.append((operation, problem))
        return plan

    def problem_with(
        self, operation: Operation, available: int, now: datetime
    ) -> InventoryError | None:
        """Return why these counters, at a stock of `available`, do not allow an operation."""
        if self.closed:
            return ProductNotFound(self.product_id)
        if operation.id in self.voids or (operation.fence and now >= operation.fence):
            return StorageUnavailable()
        return self._refusal(operation, available)

    def _refusal(self, operation: Operation, available: int) -> Refused | None:
        delta = operation.entry.delta
        expected = operation.expected_available
        if expected is not None and expected != available:
            return StaleStock(self.product_id, expected, available)
        if operation.entry.kind is Kind.PURCHASE and -delta > self.order_max:
            return PurchaseLimitExceeded(self.product_id, -delta, self.order_max)
        if delta < 0 and available + self.oversell_limit + delta < 0:
            return InsufficientStock(Shortage(self.product_id, -delta, available, self.held))
        if delta > 0 and available + delta > limits.STOCK_MAX:
            return StockLimitExceeded(self.product_id, delta, available, limits.STOCK_MAX)
        return None


@dataclass(frozen=True, slots=True)
class Demand:
    """What a sequence of operations needs of a product's counters to be applied in one update."""

    delta: int
    held_delta: int
    # The least headroom and the highest stock before the first operation that let all of them pass;
    # None where no operation takes, or none gives.
    headroom_min: int | None
    available_max: int | None
    order_quantity: int
    fence: datetime | None
    exact_available: int | None

    @classmethod
    def of(cls, operations: Sequence[Operation]) -> "Demand | None":
        """Sum up `operations`; None where their expectations of the stock contradict each other."""
        delta = held_delta = order_quantity = 0
        least: list[int] = []
        highest: list[int] = []
        exact: set[int] = set()
        for operation in operations:
            if operation.expected_available is not None:
                exact.add(operation.expected_available - delta)
            entry = operation.entry
            delta += entry.delta
            held_delta += entry.held_delta
            if entry.delta < 0:
                least.append(-delta)
            else:
                highest.append(limits.STOCK_MAX - delta)
            if entry.kind is Kind.PURCHASE:
                order_quantity = max(order_quantity, -entry.delta)
        if len(exact) > 1:
            return None
        fences = [operation.fence for operation in operations if operation.fence]
        return cls(
            delta=delta,
            held_delta=held_delta,
            headroom_min=max(least, default=None),
            available_max=min(highest, default=None),
            order_quantity=order_quantity,
            fence=min(fences, default=None),
            exact_available=next(iter(exact), None),
        )
