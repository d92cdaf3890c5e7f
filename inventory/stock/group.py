"""The changes of one group, and what is known about each by now. Asks nobody anything."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from inventory import limits
from inventory.domain.claims import Claim
from inventory.domain.movements import Movement
from inventory.domain.postings.base import Result
from inventory.domain.stock import Operation, Snapshot
from inventory.errors import (
    CountBelowHeld,
    InsufficientStock,
    InventoryError,
    NotFound,
    OutcomeUnknown,
    Refused,
    ReservationExpired,
    Shortage,
    StorageUnavailable,
)
from inventory.stock.changes import Change
from inventory.stock.posting import Posted
from inventory.stock.queue import Ticket

Waiting = Ticket[Change, Result]


class Group:
    """The tickets of one group.

    An operation that meets a posting at the same product is decided in the same transaction, so
    that all who want the product are served in the order in which they came.
    """

    def __init__(self, tickets: Sequence[Waiting]) -> None:
        self._tickets = {ticket.item.id: ticket for ticket in tickets}
        self._failures: dict[str, InventoryError] = {}
        self._results: dict[str, Result] = {}
        self._applied: dict[str, Movement] = {}
        self._snapshots: dict[str, Snapshot] = {}
        touched = {
            product_id
            for change in self.changes()
            if change.operation is None
            for product_id in change.posting.needs().product_ids
        }
        self._to_post = {
            change.id
            for change in self.changes()
            if change.operation is None or change.operation.product_id in touched
        }

    def changes(self) -> list[Change]:
        """All changes, in the order in which they came."""
        return [ticket.item for ticket in self._tickets.values()]

    def _undecided(self) -> list[Change]:
        return [
            change
            for change in self.changes()
            if change.id not in self._failures and change.id not in self._results
        ]

    def operations(self, product_id: str | None = None) -> list[Operation]:
        """Operations without an outcome that one guarded update can carry out."""
        return [
            change.operation
            for change in self._undecided()
            if change.operation is not None
            and change.id not in self._to_post
            and product_id in (None, change.operation.product_id)
        ]

    def by_product(self) -> dict[str, list[Operation]]:
        """Return the same by product."""
        products: dict[str, list[Operation]] = defaultdict(list)
        for operation in self.operations():
            products[operation.product_id].append(operation)
        return products

    def to_post(self) -> list[Change]:
        """Changes without an outcome that need a transaction."""
        return [change for change in self._undecided() if change.id in self._to_post]

    def defer(self, operations: Iterable[Operation]) -> None:
        """Let a transaction decide operations, because the counters alone cannot."""
        self._to_post.update(operation.id for operation in operations)

    def applied(self, snapshot: Snapshot) -> None:
        """Take over what `snapshot` shows to be applied."""
        self.found(snapshot.movements(self._tickets.keys()), snapshot)

    def found(self, movements: Iterable[Movement], snapshot: Snapshot) -> None:
        """Take over what operations did, and counters from after that.

        Their rows may not be in the ledger yet.
        """
        self._snapshots[snapshot.product_id] = snapshot
        for movement in movements:
            self._applied[movement.entry.operation_id] = movement
            self._succeed(movement.entry.operation_id, movement)

    def posted(self, posted: Posted) -> None:
        """Take over what a transaction did and refused."""
        self._snapshots |= {snapshot.product_id: snapshot for snapshot in posted.snapshots}
        for id, result in posted.results.items():
            if id in self._tickets:
                self._succeed(id, result)
        for id, problem in posted.failures.items():
            if id in self._tickets:
                self.fail(id, problem)

    def _succeed(self, id: str, result: Result) -> None:
        # At once: it is durable, and nothing can take it back.
        self._results[id] = result
        self._tickets[id].result = result

    def fail(self, id: str, problem: InventoryError) -> None:
        """Remember a failure; it is answered after it was kept."""
        self._failures[id] = problem

    def short_of_held(self) -> set[str]:
        """Return the products of which somebody was refused units while others are held."""
        return {
            shortage.product_id
            for problem in self._failures.values()
            for shortage in _shortages(problem)
            if shortage.held > 0
        }

    def refused_without_need(self, snapshots: Iterable[Snapshot]) -> bool:
        """Tell whether somebody was refused units that these counters have on sale."""
        headroom = {snapshot.product_id: snapshot.headroom for snapshot in snapshots}
        return any(
            shortage.requested <= headroom.get(shortage.product_id, -1)
            for problem in self._failures.values()
            for shortage in _shortages(problem)
        )

    def reconsider(self, product_ids: Iterable[str]) -> None:
        """Forget the refusals for want of these products: they will be decided once more."""
        products = set(product_ids)
        self._failures = {
            id: problem
            for id, problem in self._failures.items()
            if not any(shortage.product_id in products for shortage in _shortages(problem))
        }

    def tell_releases(self, releases: Mapping[str, str]) -> None:
        """Let refusals say when units that are held may come free, by product."""
        for id, problem in self._failures.items():
            if isinstance(problem, InsufficientStock):
                told = [_told(shortage, releases) for shortage in problem.shortages]
                self._failures[id] = InsufficientStock(*told)

    def doubt(self, product_ids: Iterable[str]) -> None:
        """Take back the refusals for want of these products: they may have been unnecessary."""
        products = set(product_ids)
        for id, problem in self._failures.items():
            if any(shortage.product_id in products for shortage in _shortages(problem)):
                self._failures[id] = StorageUnavailable()

    @property
    def granted(self) -> int:
        """How many changes were carried out."""
        return len(self._results)

    def answer_failures(self) -> None:
        """Answer all who failed."""
        for id, problem in self._failures.items():
            self._tickets[id].failure = problem

    def movements(self) -> list[Movement]:
        """Movements that were applied without a transaction, so that the ledger may lack them."""
        return list(self._applied.values())

    def grown_tails(self) -> set[str]:
        """Return the products whose tails it is this group's turn to trim.

        Of all groups of all processes, the one turns up whose entries reach or pass a multiple of
        `limits.TAIL_TRIM_ENTRIES`.
        """
        return {
            movement.product_id
            for movement in self._applied.values()
            if movement.version % limits.TAIL_TRIM_ENTRIES == 0
        }

    def snapshots(self) -> list[Snapshot]:
        """The newest counters that were seen of each product."""
        return list(self._snapshots.values())

    def refused_claims(self) -> list[Claim]:
        """Claims whose operation met a definite no, with that no."""
        claims = []
        for id, problem in self._failures.items():
            claim = self._tickets[id].item.claim
            if claim is not None and isinstance(problem, Refused | NotFound):
                claims.append(claim.refuse(problem))
        return claims

    def doubt_refused_claims(self) -> None:
        """Take back the refusals that were to be kept for retries and were not."""
        for claim in self.refused_claims():
            self.fail(claim.operation_id, OutcomeUnknown())


def _shortages(problem: InventoryError) -> tuple[Shortage, ...]:
    if isinstance(problem, InsufficientStock | ReservationExpired | CountBelowHeld):
        return problem.shortages
    return ()


def _told(shortage: Shortage, releases: Mapping[str, str]) -> Shortage:
    return replace(shortage, next_release_at=releases.get(shortage.product_id))
