"""Reads rows of the ledger in order, product by product, with what they point to.

Rows arrive in any order: processes carry them into the ledger independently of each other. A row
whose predecessors or documents are not there yet is waited for, and its product with it.
"""

import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from heapq import merge
from itertools import islice, takewhile

import structlog

from inventory import limits
from inventory.domain.movements import Movement
from inventory.events.deriving import Documents, purchase_needed, reservation_needed
from inventory.repository.feed import FeedRepository, Position, Progress
from inventory.repository.purchases import PurchaseRepository
from inventory.repository.reservations import ReservationRepository
from inventory.repository.stock import StockRepository

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class News:
    """Rows that can be told, for each product in its order, and how far they go."""

    rows: Sequence[Movement] = ()
    documents: Documents = field(default_factory=Documents)
    positions: Mapping[str, Position] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self.rows or self.positions)


@dataclass(slots=True)
class _Wait:
    """A product whose rows up to `seen` cannot all be told yet."""

    seen: int
    since: float
    again_at: float


class LedgerReader:
    """Remembers how far each product was read while it is the one that reads."""

    def __init__(
        self,
        feed: FeedRepository,
        purchases: PurchaseRepository,
        reservations: ReservationRepository,
        stock: StockRepository,
    ) -> None:
        self._feed = feed
        self._purchases = purchases
        self._reservations = reservations
        self._stock = stock
        self._waits: dict[str, _Wait] = {}

    def begin(self, progress: Progress) -> None:
        """Forget what was remembered; go on where `progress` says that the last one ended."""
        self._began_at = progress.began_at
        self._waits = {}
        self.expect(self._feed.positions_behind())

    def expect(self, versions: Mapping[str, int]) -> None:
        """Look at products that may have rows up to these versions."""
        now = time.monotonic()
        for product_id, version in versions.items():
            self._waits.setdefault(product_id, _Wait(version, now, now))

    def read(self, arrived: Sequence[Movement]) -> News:
        """Return what of the rows that arrived, and of those waited for, can be told now."""
        by_product: dict[str, list[Movement]] = defaultdict(list)
        for row in arrived:
            by_product[row.product_id].append(row)
        product_ids = [*by_product, *self._due(by_product)]
        if not product_ids:
            return News()
        before = self._positions(product_ids, by_product)
        chosen = {
            product_id: self._next_rows(product_id, by_product.get(product_id, []), position)
            for product_id, position in before.items()
        }
        documents = self._documents([row for rows in chosen.values() for row in rows])
        told, positions = list[list[Movement]](), dict[str, Position]()
        for product_id, rows in chosen.items():
            whole = rows
            if not self._out_of_patience(product_id):
                whole = list(takewhile(documents.has_all_of, rows))
            told.append(whole)
            seen = max((row.version for row in by_product.get(product_id, [])), default=0)
            position = self._advance(product_id, before[product_id], seen, whole)
            if position != before[product_id]:
                positions[product_id] = position
        return News(list(merge(*told, key=_time)), documents, positions)

    def _due(self, besides: Collection[str]) -> list[str]:
        now = time.monotonic()
        due = (id for id, wait in self._waits.items() if wait.again_at <= now)
        return list(islice((id for id in due if id not in besides), limits.FEED_PRODUCTS))

    def _positions(
        self, product_ids: Sequence[str], arrived: Mapping[str, Sequence[Movement]]
    ) -> dict[str, Position]:
        """Return up to where each product was told; of those that never were, where it begins."""
        known = self._feed.positions(product_ids)
        for product_id in product_ids:
            if product_id not in known:
                is_new = any(row.version == 1 for row in arrived.get(product_id, ()))
                at = 0 if is_new else self._feed.last_version(product_id, self._began_at)
                known[product_id] = Position(at, at)
        return known

    def _next_rows(
        self, product_id: str, arrived: Sequence[Movement], position: Position
    ) -> list[Movement]:
        """Return the rows of a product that come next, without a gap."""
        fresh = sorted(
            (row for row in arrived if row.version > position.derived),
            key=lambda row: row.version,
        )
        if product_id not in self._waits and len(_gapless(fresh, position.derived)) == len(fresh):
            return fresh
        rows = self._feed.rows_after(product_id, position.derived, limits.FEED_ROWS)
        if self._out_of_patience(product_id):
            return rows
        return _gapless(rows, position.derived)

    def _documents(self, rows: Sequence[Movement]) -> Documents:
        purchase_ids = {id for row in rows if (id := purchase_needed(row))}
        reservation_ids = {id for row in rows if (id := reservation_needed(row))}
        counters = self._stock.list_many({row.product_id for row in rows}, tail=False)
        return Documents(
            purchases={one.id: one for one in self._purchases.list_many(purchase_ids)},
            reservations={one.id: one for one in self._reservations.list_many(reservation_ids)},
            counters={one.product_id: one for one in counters},
        )

    def _advance(
        self, product_id: str, position: Position, seen: int, told: Sequence[Movement]
    ) -> Position:
        """Return how far a product has come, and remember what is left of it."""
        wait = self._waits.get(product_id)
        derived = told[-1].version if told else position.derived
        seen = max(position.seen, derived, seen, 0 if wait is None else wait.seen)
        if seen > derived and not told and self._out_of_patience(product_id):
            seen = derived
        if seen == derived:
            self._waits.pop(product_id, None)
            return Position(derived, seen)
        now = time.monotonic()
        if wait is None or told:
            wait = _Wait(seen, since=now, again_at=now)
        if not told:
            wait.again_at = now + limits.FEED_RETRY_SECONDS
        wait.seen = seen
        self._waits[product_id] = wait
        return Position(derived, seen)

    def _out_of_patience(self, product_id: str) -> bool:
        """Tell whether a product has waited so long that what it waits for will hardly come.

        Then its events go on without that; the check of the books says what is missing there.
        """
        wait = self._waits.get(product_id)
        if wait is None or time.monotonic() - wait.since < limits.FEED_PATIENCE_SECONDS:
            return False
        _log.error("events_incomplete", product_id=product_id, version=wait.seen)
        return True


def _time(row: Movement) -> datetime:
    return row.entry.at


def _gapless(rows: Sequence[Movement], version: int) -> list[Movement]:
    """Return the first of `rows` that follow `version` and each other."""
    expected = enumerate(rows, version + 1)
    return [row for number, row in takewhile(lambda one: one[0] == one[1].version, expected)]
