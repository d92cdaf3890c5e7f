"""One rehearsal on its way: buyers come, figures are told, and the books have the last word.

Whoever conducts says all the time that it is still there. If it cannot, somebody else may have put
an end to it, so from then on it only clears away what it has made.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from inventory import limits
from inventory.domain.movements import Movement
from inventory.domain.products import Product, Terms
from inventory.domain.rehearsals import NAME, TAG, Figures, Rehearsal, RehearsalState, Verdict
from inventory.domain.stock import Snapshot
from inventory.domain.verdicts import judge
from inventory.errors import InventoryError, ProductNotFound, Unavailable
from inventory.repository.mongo import DatabaseClock, time_limit
from inventory.repository.rehearsals import RehearsalRepository
from inventory.services.adjusting import Adjusting
from inventory.services.auditing import Auditing
from inventory.services.catalogue import Catalogue
from inventory.services.crowding import Crowd

T = TypeVar("T")
_PAGE_ROWS = 500


class Publisher(Protocol):
    """Whoever shows products to readers, such as a cache. None of it may raise."""

    def glimpse(self) -> Any:
        """Return what `publish_product` needs to know of the moment before the change."""

    def publish_product(self, product: Product, stock: Snapshot, seen: Any) -> None:
        """Take over a product that was just created."""

    def forget_product(self, product: Product, stock: Snapshot) -> None:
        """Let a product that was just deleted not be read any more."""


class Stage:
    """The product that is sold in a rehearsal: there while it lasts, and its books for ever."""

    def __init__(
        self, catalogue: Catalogue, adjusting: Adjusting, auditing: Auditing, publisher: Publisher
    ) -> None:
        self._catalogue = catalogue
        self._adjusting = adjusting
        self._auditing = auditing
        self._publisher = publisher

    def set(self, rehearsal: Rehearsal, actor: str | None) -> None:
        """Put the product on sale."""
        terms = Terms.of(name=NAME, price=Decimal(1), tags=(TAG,))
        seen = self._publisher.glimpse()
        made, _ = self._catalogue.create_product(
            terms, rehearsal.plan.stock, actor=actor, id=rehearsal.product_id
        )
        self._publisher.publish_product(made.product, made.stock, seen)

    def clear(self, product_id: str) -> None:
        """Let the product not be sold any more; one that is gone, or never was, is no trouble."""
        with suppress(ProductNotFound):
            deleted = self._catalogue.delete_product(product_id, None)
            self._publisher.forget_product(deleted.product, deleted.stock)

    def ledger(self, product_id: str) -> list[Movement]:
        """Return all movements of the product, the oldest first."""
        rows: list[Movement] = []
        before: int | None = None
        while page := self._adjusting.list_movements(product_id, before, None, _PAGE_ROWS):
            rows += page
            before = page[-1].version
        return rows[::-1]

    def flaws(self, product_id: str) -> list[str]:
        """Return what is wrong with the books of the product."""
        report = self._auditing.check_product(product_id)
        return [problem.detail for problem in report.problems]


class Lost(Exception):
    """Nobody was told in time that the rehearsal goes on: it is over."""


class Conductor:
    """Carries one rehearsal out; `run` is the whole of it."""

    def __init__(
        self,
        rehearsal: Rehearsal,
        crowd: Crowd,
        stage: Stage,
        rehearsals: RehearsalRepository,
        clock: DatabaseClock,
    ) -> None:
        self._rehearsal = rehearsal
        self._crowd = crowd
        self._stage = stage
        self._rehearsals = rehearsals
        self._clock = clock
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End as soon as possible, without a verdict."""
        self._stopped.set()

    def run(self) -> None:
        """Let the crowd buy, judge what it was told, and leave nothing behind but the books."""
        try:
            with self._cleared():
                self._sell()
            self._conclude()
        except (Lost, InventoryError):
            # It shows as abandoned as soon as its lease has run out.
            return

    @contextmanager
    def _cleared(self) -> Iterator[None]:
        """Whatever happens inside, nobody buys after it, and the product leaves the shop."""
        try:
            yield
        finally:
            self._crowd.stop()
            self._insist(lambda: self._stage.clear(self._rehearsal.product_id))

    def _sell(self) -> None:
        until = time.monotonic() + limits.REHEARSAL_SECONDS_MAX
        self._crowd.start()
        while not self._crowd.wait(limits.REHEARSAL_TICK_SECONDS):
            if self._stopped.is_set() or time.monotonic() > until:
                return
            self._tell(self._crowd.figures())

    def _tell(self, figures: Figures) -> None:
        """Tell how it goes; raise `Lost` if it is over. What cannot be told now is told later."""
        with suppress(Unavailable), time_limit(limits.MONGO_TIMEOUT_SECONDS):
            kept = self._rehearsals.tell(
                self._rehearsal.id, figures, limits.REHEARSAL_LEASE_SECONDS
            )
            if not kept:
                raise Lost

    def _conclude(self) -> None:
        self._tell(self._crowd.figures())
        if self._stopped.is_set():
            return self._finish(RehearsalState.ABANDONED, None)
        ledger = self._insist(lambda: self._stage.ledger(self._rehearsal.product_id))
        flaws = self._insist(lambda: self._stage.flaws(self._rehearsal.product_id))
        verdict = judge(self._rehearsal.plan, self._crowd.heard(), ledger, flaws)
        return self._finish(RehearsalState.DONE, verdict)

    def _finish(self, state: RehearsalState, verdict: Verdict | None) -> None:
        figures = self._crowd.figures()
        self._insist(
            lambda: self._rehearsals.finish(
                self._rehearsal.id, state, figures, verdict, self._clock.now()
            )
        )

    def _insist(self, work: Callable[[], T]) -> T:
        """Return what `work` does, however often it takes while the rehearsal is ours."""
        while True:
            try:
                with time_limit(limits.MONGO_TIMEOUT_SECONDS):
                    return work()
            except Unavailable:
                self._tell(self._crowd.figures())
                time.sleep(limits.REHEARSAL_PAUSE_SECONDS)
