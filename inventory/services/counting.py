"""Stocktakes: absolute counts become differences in the ledger."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from inventory import limits
from inventory.domain.claims import RequestKey
from inventory.domain.counts import Stocktake
from inventory.domain.postings.counting import Count
from inventory.errors import InvalidValue, ProductNotFound
from inventory.repository.mongo import DatabaseClock
from inventory.repository.products import ProductRepository
from inventory.services.changing import Changes
from inventory.services.lines import AskedLine, resolve_lines


class Counting:
    """Counts of the shelf, correct while sales go on."""

    def __init__(self, changes: Changes, products: ProductRepository, clock: DatabaseClock) -> None:
        self._changes = changes
        self._products = products
        self._clock = clock

    def take_stock(
        self,
        asked: Sequence[AskedLine],
        counted_at: datetime | None = None,
        *,
        reference: str | None = None,
        key: RequestKey | None = None,
        actor: str | None = None,
    ) -> tuple[Stocktake, bool]:
        """Make the books agree with what was counted at a time, now unless said otherwise.

        What was sold since then stays sold. Raises `InvalidValue` for a time in the future or too
        long ago, or for a product named twice, `ProductNotFound`, `CountBelowHeld`,
        `StockLimitExceeded` and what `Changes.post` raises.
        """
        try:
            if counted_at is not None:
                _require_recent(counted_at, self._clock.now())
            lines = resolve_lines(self._products, asked)
        except (InvalidValue, ProductNotFound):
            # It may be a retry of what was right when it came first.
            answer = self._changes.find_answer(key)
            if not isinstance(answer, Stocktake):
                raise
            return answer, True
        if len(lines) < len(asked):
            raise InvalidValue("lines", "The same product twice: which count is right?")
        made, replayed = self._changes.post(Count(lines, counted_at, reference), key, actor)
        assert isinstance(made, Stocktake)
        return made, replayed


def _require_recent(counted_at: datetime, now: datetime) -> None:
    if counted_at > now + timedelta(seconds=limits.CLOCK_SKEW_SECONDS_MAX):
        raise InvalidValue("counted_at", "This time is in the future.")
    if counted_at < now - timedelta(seconds=limits.COUNT_AGE_SECONDS_MAX):
        raise InvalidValue("counted_at", "This is too long ago; count again.")
