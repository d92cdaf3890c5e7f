"""Decides who gets what: one guarded update for each product and group, or one transaction.

Counters change in `StockRepository.apply` and `Poster.carry_out` alone. What is answered with
success is in a tail, on the disk of a majority; the ledger follows before the answer where it can,
and by anybody later.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from contextvars import Context

from inventory import limits
from inventory.domain.moments import moment
from inventory.domain.postings.base import Result
from inventory.domain.postings.holding import Expire
from inventory.domain.reservations import Reservation
from inventory.domain.stock import Operation, Plan, Snapshot
from inventory.errors import (
    OutcomeUnknown,
    ProductNotFound,
    StorageUnavailable,
    Unavailable,
)
from inventory.repository.mongo import DatabaseClock, new_id, time_limit
from inventory.repository.operations import OperationRepository
from inventory.repository.reservations import ReservationRepository
from inventory.repository.stock import StockRepository
from inventory.stock.archive import Archive
from inventory.stock.changes import Change, ClaimTaken
from inventory.stock.group import Group, Waiting
from inventory.stock.observing import Observer, Publisher, tell
from inventory.stock.posting import Poster
from inventory.stock.queue import GroupQueue
from inventory.stock.recovery import Recovery


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
        poster: Poster,
        reservations: ReservationRepository,
        clock: DatabaseClock,
        publisher: Publisher,
        observer: Observer,
    ) -> None:
        self._stock = stock
        self._operations = operations
        self._archive = archive
        self._recovery = recovery
        self._poster = poster
        self._reservations = reservations
        self._clock = clock
        self._publisher = publisher
        self._observer = observer
        self._queue: GroupQueue[Change, Result] = GroupQueue(
            self._carry_out, lambda change: change.weight
        )

    @property
    def waiting(self) -> int:
        """How many changes wait for their group."""
        return self._queue.size

    def submit(self, change: Change, deadline: float) -> Result:
        """Carry out one change; return its movement, or the document that it made.

        `deadline` is by the monotonic clock. Raises a `Refused` or `NotFound` that changed nothing,
        `ClaimTaken`, or an `Unavailable` that says whether anything can have changed.
        """
        return self._queue.run(change, deadline)

    def _carry_out(self, tickets: Sequence[Waiting], deadline: float) -> None:
        # The time limit of the leader's own request is not that of the others it works for.
        Context().run(self._work, tickets, deadline)

    def _work(self, tickets: Sequence[Waiting], deadline: float) -> None:
        began = time.monotonic()
        group = Group(tickets)
        until = deadline - limits.LEAD_ANSWER_SECONDS
        seen = self._publisher.glimpse()
        try:
            with time_limit(until - limits.LEAD_FINISH_SECONDS - time.monotonic()):
                self._make_claims(group)
                self._decide(group)
                self._reclaim(group)
        finally:
            # Whatever went wrong: who was served may be answered, and then reads must show it.
            self._publisher.publish(group.snapshots(), seen)
            tell(self._observer, group.movements())
        self._finish(group, until)
        waits = [began - ticket.entered_at for ticket in tickets]
        self._observer.group_decided(waits, group.granted, time.monotonic() - began)

    def _make_claims(self, group: Group) -> None:
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

    def _decide(self, group: Group) -> None:
        self._apply(group)
        self._post(group)

    def _apply(self, group: Group) -> None:
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
        self, group: Group, waiting: Mapping[str, Sequence[Operation]]
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

    def _find_applied(self, group: Group) -> None:
        """Look for the undecided; their entries could have been archived and trimmed already.

        Nobody is told that it was carried out before there are counters that show it.
        """
        for product_id, operations in group.by_product().items():
            ids = [operation.id for operation in operations]
            movements = self._recovery.find_many(product_id, ids)
            if movements and (snapshot := self._stock.get(product_id)) is not None:
                group.found(movements.values(), snapshot)

    def _apply_one(
        self,
        group: Group,
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
            waiting = group.operations(product_id)
            if not waiting:
                return
            counters = applied or self._stock.get(product_id, newest=True)
            plan = self._plan(product_id, waiting, counters)
            group.defer(plan.deferred)
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

    def _find_out(self, group: Group, product_id: str | None, problem: Unavailable) -> None:
        """Look once for what an unclear update did; what is not found may still come."""
        if isinstance(problem, OutcomeUnknown):
            with suppress(Unavailable):
                self._find_applied(group)
        for operation in group.operations(product_id):
            group.fail(operation.id, problem)

    def _post(self, group: Group) -> None:
        """Carry out what needs a transaction, all of it in one."""
        changes = group.to_post()
        if not changes:
            return
        try:
            group.posted(self._poster.carry_out(changes))
        except Unavailable as problem:
            # What was committed nevertheless is found by a retry with the same key.
            for change in changes:
                group.fail(change.id, problem)

    def _reclaim(self, group: Group) -> None:
        """Let nobody be refused for want of units whose hold has run out.

        Whoever is refused while units are held first takes back what has expired, and is then
        decided once more. What is really held says when it may come free.
        """
        short = group.short_of_held()
        try:
            while short:
                due = self._reservations.list_due_of(short, self._clock.now(), _DUE_MAX)
                if due:
                    group.posted(self._poster.carry_out([_expiry(one) for one in due]))
                elif not group.refused_without_need(
                    self._stock.list_many(short, tail=False, newest=True)
                ):
                    # Had somebody else taken them back meanwhile, these counters would show it.
                    break
                group.reconsider(short)
                self._decide(group)
                short = group.short_of_held()
            releases = self._reservations.next_releases(short, self._clock.now())
            group.tell_releases({id: moment(at) for id, at in releases.items()})
        except Unavailable:
            group.doubt(short)

    def publish_current(self, product_ids: Iterable[str]) -> None:
        """Let reads show at least what these counters are now; raise `StorageUnavailable`.

        For whoever answers for another process, which may not have come to publish its effect yet.
        """
        seen = self._publisher.glimpse()
        self._publisher.publish(self._stock.list_many(product_ids, tail=False), seen)

    def expire_due(self) -> int:
        """Take back what has expired, as far as one transaction goes; return how many holds."""
        due = self._reservations.list_due(self._clock.now(), _DUE_MAX)
        if due:
            seen = self._publisher.glimpse()
            posted = self._poster.carry_out([_expiry(one) for one in due])
            self._publisher.publish(posted.snapshots, seen)
        return len(due)

    def _finish(self, group: Group, until: float) -> None:
        """Do what must be done before the group is answered, as far as time allows."""
        seconds = until - time.monotonic()
        if seconds <= 0:
            # MongoDB went away meanwhile. To ask it anything now would only delay the answers.
            group.doubt_refused_claims()
            group.answer_failures()
            return
        with time_limit(seconds):
            try:
                self._keep_refusals(group)
            finally:
                group.answer_failures()
            # What was granted is durable in the tails; the sweeper carries over what is left here.
            with suppress(Unavailable):
                self._archive.add(group.movements())
                self._archive.tidy(group.grown_tails())

    def _keep_refusals(self, group: Group) -> None:
        """Keep definite refusals for retries; one that was not kept is not definite."""
        try:
            lost = self._operations.keep_refusals(group.refused_claims())
        except Unavailable:
            group.doubt_refused_claims()
            return
        for operation_id in lost:
            group.fail(operation_id, OutcomeUnknown())


# A hold has up to `limits.CART_LINES_MAX` lines, and a transaction should stay short.
_DUE_MAX = 16


def _expiry(reservation: Reservation) -> Change:
    products = tuple(line.product_id for line in reservation.lines)
    return Change(new_id(), Expire(reservation.id, products))
