"""Carries out what touches several documents: one transaction for all of a group that needs one.

The counters are locked first, so that what is read after that is current and nothing that was
decided has to be thrown away; then everything is decided in memory, and written at once, ledger and
all. Entries go into the tails only where these hold others that the ledger lacks.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, TypeVar

from inventory import limits
from inventory.domain.books import Books
from inventory.domain.claims import Claim
from inventory.domain.movements import Movement
from inventory.domain.postings.base import Needs, Result
from inventory.domain.purchases import Purchase
from inventory.domain.stock import Snapshot
from inventory.errors import IdempotencyInProgress, InventoryError, OutcomeUnknown
from inventory.repository.mongo import DatabaseClock, Session, Transactions, new_id
from inventory.repository.movements import MovementRepository
from inventory.repository.operations import OperationRepository
from inventory.repository.purchases import PurchaseRepository
from inventory.repository.reservations import ReservationRepository
from inventory.repository.results import result_document
from inventory.repository.stock import StockRepository
from inventory.repository.stocktakes import StocktakeRepository
from inventory.stock.archive import Archive
from inventory.stock.changes import Change
from inventory.stock.observing import Observer, Publisher, tell


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of each change, by its id, and what the transaction wrote and left.

    `snapshots` are the counters of all products that it looked at, if anything was done: what needs
    no more change was changed by somebody who may not have published it yet.
    """

    results: dict[str, Result] = field(default_factory=dict)
    failures: dict[str, InventoryError] = field(default_factory=dict)
    snapshots: list[Snapshot] = field(default_factory=list)
    movements: list[Movement] = field(default_factory=list)


Decided = TypeVar("Decided")


class Entries(Protocol[Decided]):
    """Whoever changes stock together with documents of its own, in the same transaction.

    Both may be called several times, so neither may have an effect outside of it.
    """

    def decide(self, books: Books, session: Session) -> Decided:
        """Let stock change in the books; raise an error of ours to leave everything as it was."""

    def write(self, decided: Decided, session: Session) -> None:
        """Write the other documents, once the counters are written."""


class _Superseded(Exception):
    """Attempts that were taken over meanwhile; their successors decide."""

    def __init__(self, operation_ids: set[str]) -> None:
        super().__init__(operation_ids)
        self.operation_ids = operation_ids


class _TailFull(Exception):
    """There is no room for new entries until older ones have gone to the ledger."""

    def __init__(self, snapshots: list[Snapshot]) -> None:
        super().__init__()
        self.snapshots = snapshots


class Poster:
    """Transactions over counters, ledger, purchases, reservations, returns and stocktakes."""

    def __init__(
        self,
        transactions: Transactions,
        stock: StockRepository,
        movements: MovementRepository,
        purchases: PurchaseRepository,
        reservations: ReservationRepository,
        stocktakes: StocktakeRepository,
        operations: OperationRepository,
        archive: Archive,
        clock: DatabaseClock,
        publisher: Publisher,
        observer: Observer,
    ) -> None:
        self._transactions = transactions
        self._stock = stock
        self._movements = movements
        self._purchases = purchases
        self._reservations = reservations
        self._stocktakes = stocktakes
        self._operations = operations
        self._archive = archive
        self._clock = clock
        self._publisher = publisher
        self._observer = observer

    def carry_out(self, changes: Sequence[Change]) -> Posted:
        """Decide changes in their order, and write all that was decided, or nothing.

        A change that is refused harms no other. Raises `StorageUnavailable` or `OutcomeUnknown`.
        """
        waiting = list(changes)
        overtaken: dict[str, InventoryError] = {}
        while waiting:
            try:
                posted = self._transactions.run(partial(self._post, waiting))
            except OutcomeUnknown:
                # No tail tells of it, as it does of a single product's change.
                self._publisher.doubt(
                    id for change in waiting for id in change.posting.needs().product_ids
                )
                raise
            except _Superseded as problem:
                overtaken |= dict.fromkeys(problem.operation_ids, IdempotencyInProgress())
                waiting = [change for change in waiting if change.id not in overtaken]
            except _TailFull as problem:
                self._archive.settle(problem.snapshots)
            else:
                tell(self._observer, posted.movements)
                return replace(posted, failures=posted.failures | overtaken)
        return Posted(failures=overtaken)

    def enter(self, product_ids: Sequence[str], entries: Entries[Decided]) -> Decided:
        """Let `entries` change the stock of products; return what it decided.

        Raises what `entries` raises, `StorageUnavailable` and `OutcomeUnknown`.
        """
        while True:
            try:
                return self._transactions.run(partial(self._enter, product_ids, entries))
            except OutcomeUnknown:
                self._publisher.doubt(product_ids)
                raise
            except _TailFull as problem:
                self._archive.settle(problem.snapshots)

    def _enter(
        self, product_ids: Sequence[str], entries: Entries[Decided], session: Session
    ) -> Decided:
        books = self._open([Needs(tuple(product_ids))], session)
        decided = entries.decide(books, session)
        self._write(books, self._shortened(books.changed_counters(), session), [], session)
        entries.write(decided, session)
        return decided

    def _post(self, changes: Sequence[Change], session: Session) -> Posted:
        books = self._open([change.posting.needs() for change in changes], session)
        posted = Posted()
        for change in changes:
            fork = books.fork(change.id, change.actor)
            try:
                posted.results[change.id] = change.posting.decide(fork)
            except InventoryError as problem:
                posted.failures[change.id] = problem
            else:
                books.merge(fork)
        changed = self._shortened(books.changed_counters(), session)
        self._write(books, changed, _finished(changes, posted.results), session)
        if posted.results:
            posted.snapshots.extend(books.counters.values())
        posted.movements.extend(books.movements)
        return posted

    def _open(self, needs: Sequence[Needs], session: Session) -> Books:
        """Lock the counters and read everything that may have a say."""
        product_ids = {id for need in needs for id in need.product_ids}
        snapshots = {s.product_id: s for s in self._stock.lock(product_ids, session)}
        now = self._clock.now()
        limited = _limited(needs, snapshots, now)
        reservations = self._reservations.list_in(
            {need.reservation_id for need in needs if need.reservation_id},
            {customer: products for customer, (products, _) in limited.items()},
            session,
        )
        wanted = {need.purchase_id for need in needs if need.purchase_id}
        wanted |= {one.purchase_id for one in reservations if one.purchase_id}
        purchases = self._purchases.list_in(wanted, limited, session)
        return Books(
            now,
            new_id,
            counters=snapshots,
            reservations={one.id: one for one in reservations},
            purchases=_waiting(snapshots.values()) | {one.id: one for one in purchases},
            then=self._then(needs, snapshots, session),
        )

    def _then(
        self, needs: Sequence[Needs], snapshots: Mapping[str, Snapshot], session: Session
    ) -> dict[tuple[str, datetime], Movement]:
        """Return the movements that were the last ones when something was counted."""
        found = {}
        for need in needs:
            at = need.counted_at
            for product_id in need.product_ids if at else ():
                snapshot = snapshots.get(product_id)
                if at is None or snapshot is None:
                    continue
                waiting = [row for row in snapshot.movements() if row.entry.at <= at]
                last = waiting[-1] if waiting else self._movements.last_in(product_id, at, session)
                if last is not None:
                    found[product_id, at] = last
        return found

    def _shortened(
        self, changed: Iterable[tuple[Snapshot, Snapshot]], session: Session
    ) -> list[tuple[Snapshot, Snapshot]]:
        """Leave the tails empty of which the ledger has everything once this is committed.

        The rows of what was decided here are written together with it, so only entries that were
        there before can lack theirs.
        """
        pairs = list(changed)
        waiting = [entry for before, _ in pairs for entry in before.tail]
        sold = [entry.operation_id for entry in waiting if entry.is_purchase]
        rows = self._movements.known_in([entry.operation_id for entry in waiting], session)
        known = rows - (set(sold) - self._purchases.known_ids(sold, session))
        return [
            (before, after.without_tail())
            if all(entry.operation_id in known for entry in before.tail)
            else (before, after)
            for before, after in pairs
        ]

    def _write(
        self,
        books: Books,
        changed: Sequence[tuple[Snapshot, Snapshot]],
        finished: Sequence[Claim],
        session: Session,
    ) -> None:
        full = [b for b, after in changed if len(after.tail) > limits.TAIL_ENTRIES_MAX]
        if full:
            raise _TailFull(full)
        self._stock.write(changed, session)
        self._movements.add(books.movements, session)
        self._purchases.put(books.purchases.maps[0].values(), session)
        self._reservations.put(books.reservations.maps[0].values(), session)
        self._purchases.add_returns(books.returns, session)
        self._stocktakes.add(books.stocktakes, session)
        if overtaken := self._operations.finish(finished, session):
            raise _Superseded(overtaken)


def _finished(changes: Iterable[Change], results: Mapping[str, Result]) -> list[Claim]:
    """Return the claims whose result is kept with them; a movement is found in the ledger."""
    return [
        replace(change.claim, result=result_document(result))
        for change in changes
        if change.claim is not None
        and (result := results.get(change.id)) is not None
        and not isinstance(result, Movement)
    ]


def _limited(
    needs: Iterable[Needs], snapshots: Mapping[str, Snapshot], now: datetime
) -> dict[str, tuple[set[str], datetime]]:
    """Return for each customer the limited products that are wanted, and the longest window."""
    found: dict[str, tuple[set[str], datetime]] = {}
    for need in needs:
        for product_id in need.product_ids if need.customer_id else ():
            snapshot = snapshots.get(product_id)
            limit = snapshot and snapshot.customer_limit
            if limit and need.customer_id:
                products, since = found.get(need.customer_id, (set(), now))
                start = now - timedelta(seconds=limit.window_seconds)
                found[need.customer_id] = (products | {product_id}, min(since, start))
    return found


def _waiting(snapshots: Iterable[Snapshot]) -> dict[str, Purchase]:
    """Return the purchases of limited products that may not have reached their collection yet."""
    return {
        row.entry.operation_id: Purchase.of(row)
        for snapshot in snapshots
        if snapshot.customer_limit
        for row in snapshot.movements()
        if row.entry.is_purchase
    }
