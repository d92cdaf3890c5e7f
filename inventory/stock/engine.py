"""Decides who gets what: one guarded update for each product and group.

The counters change in `StockRepository.apply` alone. What is answered with success is in a tail, on
the disk of a majority; the ledger follows before the answer where it can, and by anybody later.
"""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from typing import Any, Protocol

from inventory import limits
from inventory.domain.claims import Claim
from inventory.domain.stock import Movement, Operation, Plan, Snapshot
from inventory.errors import (
    InventoryError,
    NotFound,
    OutcomeUnknown,
    ProductNotFound,
    Refused,
    StorageUnavailable,
    Unavailable,
)
from inventory.repository.mongo import DatabaseClock, time_limit
from inventory.repository.operations import OperationRepository
from inventory.repository.stock import StockRepository
from inventory.stock.archive import Archive
from inventory.stock.queue import GroupQueue, Ticket
from inventory.stock.recovery import Recovery


class ClaimTaken(InventoryError):
    """Somebody has claimed this request before; what became of it is to be found out."""

    code = "claim_taken"
    title = "Claim taken"

    def __init__(self) -> None:
        super().__init__("This request was claimed before.")


@dataclass(frozen=True, slots=True)
class Change:
    """An operation, and the claim under which it is carried out, if its request has a key.

    `claimed` says that the claim was made already, by whoever took over an abandoned attempt.
    """

    operation: Operation
    claim: Claim | None = None
    claimed: bool = False


Waiting = Ticket[Change, Movement]


class Publisher(Protocol):
    """Whoever wants to know the newest counters, such as a cache. Neither method may raise."""

    def glimpse(self) -> Any:
        """Return what `publish` needs to know of the moment before the change."""

    def publish(self, snapshots: Sequence[Snapshot], seen: Any) -> None:
        """Take counters that were true after `seen`."""


class StockEngine:
    """Applies changes of stock in groups; shared by all threads of a process.

    The `publisher` hears of every product that changed, after the change is certain and before
    anybody is answered.
    """

    def __init__(
        self,
        stock: StockRepository,
        operations: OperationRepository,
        archive: Archive,
        recovery: Recovery,
        clock: DatabaseClock,
        publisher: Publisher,
    ) -> None:
        self._stock = stock
        self._operations = operations
        self._archive = archive
        self._recovery = recovery
        self._clock = clock
        self._publisher = publisher
        self._queue: GroupQueue[Change, Movement] = GroupQueue(self._carry_out)

    def submit(self, change: Change, deadline: float) -> Movement:
        """Carry out one change; return its movement.

        `deadline` is by the monotonic clock. Raises a `Refused` or `ProductNotFound` that changed
        nothing, `ClaimTaken`, or an `Unavailable` that says whether anything can have changed.
        """
        return self._queue.run(change, deadline)

    def _carry_out(self, tickets: Sequence[Waiting], deadline: float) -> None:
        # The time limit of the leader's own request is not that of the others it works for.
        Context().run(self._work, tickets, deadline)

    def _work(self, tickets: Sequence[Waiting], deadline: float) -> None:
        group = _Group(tickets)
        seen = self._publisher.glimpse()
        with time_limit(min(limits.MONGO_TIMEOUT_SECONDS, deadline - time.monotonic())):
            self._make_claims(group)
            self._apply(group)
        self._finish(group, seen, deadline)

    def _make_claims(self, group: "_Group") -> None:
        """Claim before anything is applied; a claim that did not get through harms its own only."""
        claims = [c.claim for c in group.changes() if c.claim is not None and not c.claimed]
        try:
            taken = self._operations.add_many(claims)
        except Unavailable:
            for claim in claims:
                group.fail(claim.operation_id, StorageUnavailable())
            return
        for operation_id in taken:
            group.fail(operation_id, ClaimTaken())

    def _apply(self, group: "_Group") -> None:
        waiting = group.by_product()
        snapshots: dict[str, Snapshot] = {}
        if len(waiting) > 1:
            try:
                snapshots = self._apply_together(group, waiting)
            except Unavailable as problem:
                self._find_out(group, None, problem)
                return
        for product_id, operations in group.by_product().items():
            try:
                self._apply_one(group, product_id, operations, snapshots.get(product_id))
            except Unavailable as problem:
                self._find_out(group, product_id, problem)

    def _apply_together(
        self, group: "_Group", waiting: Mapping[str, Sequence[Operation]]
    ) -> dict[str, Snapshot]:
        """Try each product's operations once, all in one round trip; return the counters after it.

        From the write on, a database that does not answer leaves open what was applied.
        """
        self._stock.apply_many(waiting)
        try:
            snapshots = {s.product_id: s for s in self._stock.list_many(waiting)}
            for snapshot in snapshots.values():
                group.applied(snapshot)
            self._find_applied(group)
        except StorageUnavailable as problem:
            raise OutcomeUnknown from problem
        return snapshots

    def _find_applied(self, group: "_Group") -> None:
        """Look for the undecided; their entries could have been archived and trimmed already."""
        for product_id, operations in group.by_product().items():
            ids = [operation.id for operation in operations]
            for movement in self._recovery.find_many(product_id, ids).values():
                group.succeed(movement)

    def _apply_one(
        self,
        group: "_Group",
        product_id: str,
        waiting: Sequence[Operation],
        snapshot: Snapshot | None,
    ) -> None:
        """Grant first come, first served until nobody waits or nobody can be granted.

        The first try is for all together and needs no knowledge; where the guard refuses that, the
        counters say who can have what. Who is refused, is refused by counters that were real.
        """
        granted = list(waiting) if snapshot is None else []
        while True:
            applied = self._stock.apply(product_id, granted) if granted else None
            if applied is not None:
                group.applied(applied)
            waiting = group.undecided(product_id)
            if not waiting:
                return
            plan = self._plan(product_id, waiting, applied or self._stock.get(product_id))
            granted = plan.granted
            if not granted:
                for operation, problem in plan.refused:
                    group.fail(operation.id, problem)
                return

    def _plan(
        self, product_id: str, waiting: Sequence[Operation], snapshot: Snapshot | None
    ) -> Plan:
        """Return whom the counters let pass, after making room for them in the tail."""
        if snapshot is None:
            return Plan(refused=[(operation, ProductNotFound(product_id)) for operation in waiting])
        if len(snapshot.tail) + len(waiting) > limits.TAIL_ENTRIES_MAX:
            self._archive.settle([snapshot])
        return snapshot.plan(waiting, self._clock.now())

    def _find_out(self, group: "_Group", product_id: str | None, problem: Unavailable) -> None:
        """Look once for what an unclear update did; what is not found may still come."""
        if isinstance(problem, OutcomeUnknown):
            with suppress(Unavailable):
                self._find_applied(group)
        for operation in group.undecided(product_id):
            group.fail(operation.id, problem)

    def _finish(self, group: "_Group", seen: Any, deadline: float) -> None:
        """Do what must be done before the group is answered, as far as time allows."""
        self._publisher.publish(group.snapshots(), seen)
        with time_limit(max(limits.LEAD_SECONDS_MIN, deadline - time.monotonic())):
            try:
                self._keep_refusals(group)
            finally:
                group.answer_failures()
            # What was granted is durable in the tails; the sweeper carries over what is left here.
            with suppress(Unavailable):
                self._archive.add(group.movements())
                full = [s for s in group.snapshots() if len(s.tail) >= limits.TAIL_TRIM_ENTRIES]
                self._archive.settle(full)

    def _keep_refusals(self, group: "_Group") -> None:
        """Keep definite refusals for retries; one that was not kept is not definite."""
        refused = group.refused_claims()
        try:
            lost = self._operations.keep_refusals(refused)
        except Unavailable:
            lost = {claim.operation_id for claim in refused}
        for operation_id in lost:
            group.fail(operation_id, OutcomeUnknown())


class _Group:
    """The tickets of one group, and what is known about each by now."""

    def __init__(self, tickets: Sequence[Waiting]) -> None:
        self._tickets = {ticket.item.operation.id: ticket for ticket in tickets}
        self._failures: dict[str, InventoryError] = {}
        self._movements: dict[str, Movement] = {}
        self._snapshots: dict[str, Snapshot] = {}

    def changes(self) -> list[Change]:
        return [ticket.item for ticket in self._tickets.values()]

    def undecided(self, product_id: str | None = None) -> list[Operation]:
        """Operations without an outcome, in the order in which they came."""
        return [
            change.operation
            for change in self.changes()
            if change.operation.id not in self._failures
            and change.operation.id not in self._movements
            and product_id in (None, change.operation.product_id)
        ]

    def by_product(self) -> dict[str, list[Operation]]:
        products: dict[str, list[Operation]] = defaultdict(list)
        for operation in self.undecided():
            products[operation.product_id].append(operation)
        return products

    def applied(self, snapshot: Snapshot) -> None:
        """Take over what `snapshot` shows to be applied."""
        self._snapshots[snapshot.product_id] = snapshot
        for movement in snapshot.movements(self._tickets.keys()):
            self.succeed(movement)

    def succeed(self, movement: Movement) -> None:
        """Answer with success at once: it is durable, and nothing can take it back."""
        operation_id = movement.entry.operation_id
        self._movements[operation_id] = movement
        self._tickets[operation_id].result = movement

    def fail(self, operation_id: str, problem: InventoryError) -> None:
        """Remember a failure; it is answered after it was kept."""
        self._failures[operation_id] = problem

    def answer_failures(self) -> None:
        for operation_id, problem in self._failures.items():
            self._tickets[operation_id].failure = problem

    def movements(self) -> list[Movement]:
        return list(self._movements.values())

    def snapshots(self) -> list[Snapshot]:
        return list(self._snapshots.values())

    def refused_claims(self) -> list[Claim]:
        """Claims whose operation met a definite no, with that no."""
        claims = []
        for operation_id, problem in self._failures.items():
            claim = self._tickets[operation_id].item.claim
            if claim is not None and isinstance(problem, Refused | NotFound):
                claims.append(claim.refuse(problem))
        return claims
