"""Batches of an import on their way to the database, and from there to those who read.

Whatever is done here is done once for each batch, however often it is tried.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Protocol

from inventory import limits
from inventory.domain.claims import Claim
from inventory.domain.imports import Outcome, Policy, RowResult
from inventory.domain.products import Product
from inventory.domain.stock import Snapshot
from inventory.errors import ImportUnfinished
from inventory.repository.imports import ImportRepository
from inventory.repository.mongo import DatabaseClock
from inventory.repository.operations import OperationRepository
from inventory.repository.stock import StockRepository
from inventory.services.batches import Batch, Decided, Entering, Known, Rejected, decide, foreseen
from inventory.stock.posting import Poster


class Publisher(Protocol):
    """Whoever shows products to readers, such as a cache. Neither method may raise."""

    def glimpse(self) -> Any:
        """Return what `publish_products` needs to know of the moment before the change."""

    def publish_products(
        self, products: Sequence[Product], stock: Sequence[Snapshot], seen: Any
    ) -> None:
        """Take products with new terms, and counters, that were true after `seen`."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How an import is to be done, and on whose behalf.

    `until`, by the monotonic clock, no batch is begun any more; one that the database does not
    carry out is tried again for `patience_seconds`; `counted` is told the number of
    rows, once it is known.
    """

    policy: Policy = Policy.REJECT_ALL
    dry_run: bool = False
    may_move: bool = True
    actor: str | None = None
    until: float = float("inf")
    patience_seconds: float = limits.IMPORT_BATCH_SECONDS_MAX
    counted: Callable[[int], object] = int

    def require_time(self, rows_done: int) -> None:
        """Raise `ImportUnfinished` if the time is up."""
        if time.monotonic() > self.until:
            raise ImportUnfinished(rows_done)


class Carrying:
    """Carries out batches, and finds those that were carried out before."""

    def __init__(
        self,
        poster: Poster,
        imports: ImportRepository,
        stock: StockRepository,
        operations: OperationRepository,
        clock: DatabaseClock,
        publisher: Publisher,
    ) -> None:
        self._poster = poster
        self._imports = imports
        self._stock = stock
        self._operations = operations
        self._clock = clock
        self._publisher = publisher

    def foresee(self, batch: Batch, wish: Wish) -> Decided:
        """Decide a batch by what there is now, without any lock."""
        known = Known(self._imports.look(batch.skus, batch.ids))
        counters = self._stock.list_many(known.ids, tail=False)
        now = self._clock.now()
        return decide(batch, known, foreseen(counters, now), now, may_move=wish.may_move)

    def enter(self, batch: Batch, wish: Wish, claim: Claim | None, *, strict: bool) -> Decided:
        """Carry a batch out in one transaction; raise `Rejected` or `Overtaken`."""
        seen = self._publisher.glimpse()
        expected = self.foresee(batch, wish)
        failed = any(result.outcome is Outcome.FAILED for result in expected.results)
        if failed and strict:
            raise Rejected(expected.results)
        if not expected.changes:
            self._imports.keep(batch.import_id, batch.number, expected.results, expected.at)
            return expected
        if claim is not None:
            fence = self._clock.now() + timedelta(seconds=limits.IMPORT_CLAIM_SECONDS)
            claim = replace(claim, fence=fence)
        entering = Entering(
            batch,
            strict,
            wish.may_move,
            wish.actor,
            claim,
            expected.known,
            frozenset(expected.moving),
            self._imports,
            self._operations,
        )
        decided = self._poster.enter(expected.moving, entering)
        self._publish(decided.changed_ids, decided.products, seen)
        return decided

    def _publish(self, ids: Sequence[str], products: Sequence[Product], seen: Any) -> None:
        """Let reads show what was changed, before anybody is told of it."""
        self._publisher.publish_products(products, self._stock.list_many(ids, tail=False), seen)

    def kept(self, batch: Batch) -> list[RowResult] | None:
        """Return what an earlier attempt made of a batch, once reads show it."""
        results = self._imports.kept(batch.import_id, batch.number)
        if results is not None:
            seen = self._publisher.glimpse()
            ids = [result.product_id for result in results if result.product_id is not None]
            self._publish(ids, self._imports.look([], ids), seen)
        return results

    def reject(self, batch: Batch, results: Sequence[RowResult]) -> list[RowResult]:
        """Keep that nothing was done of a batch."""
        rejected = [result.rejected() for result in results]
        self._imports.keep(batch.import_id, batch.number, rejected, self._clock.now())
        return rejected
