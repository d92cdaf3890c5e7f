"""Follows the ledger as it grows, and writes what it tells as events, in one order for everybody.

The change stream says of which products there is news; what it is, and in which order, is in the
ledger. So nothing is lost if the stream is, and nothing is told twice if it repeats itself.
"""

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import structlog

from inventory import limits
from inventory.domain.events import Event
from inventory.domain.purchases import Return
from inventory.errors import InventoryError
from inventory.events.deriving import Derived, event_of_return, events_of
from inventory.events.reading import LedgerReader, News
from inventory.repository.feed import (
    FeedRepository,
    OvertakenReader,
    Progress,
)
from inventory.repository.mongo import new_id
from inventory.repository.watching import HistoryLost, LedgerWatch

_log = structlog.get_logger(__name__)


class Feed:
    """Derives events while it is the one process that does; any number of others wait for that."""

    def __init__(self, feed: FeedRepository, reader: LedgerReader) -> None:
        self._feed = feed
        self._reader = reader
        self._owner = new_id()
        self._written_at = 0.0

    def run(self, stopped: threading.Event) -> None:
        """Derive until `stopped`, whatever becomes of the database meanwhile."""
        while not stopped.is_set():
            try:
                if (progress := self._feed.lead(self._owner)) is not None:
                    self._follow(progress, stopped)
            except OvertakenReader:
                _log.warning("events_derived_elsewhere")
            except HistoryLost:
                _log.warning("events_history_lost")
            except InventoryError as problem:
                _log.warning("events_failed", problem=problem.code, detail=problem.message)
            except Exception:  # noqa: BLE001 - see below
                # While it says that it derives events nobody else does: it may not die of anything.
                _log.exception("events_failed")
            stopped.wait(limits.FEED_PAUSE_SECONDS)
        with suppress(InventoryError):
            self._feed.resign(self._owner)

    def _follow(self, progress: Progress, stopped: threading.Event) -> None:
        _log.info("events_derived_here", sequence=progress.sequence)
        self._reader.begin(progress)
        try:
            with self._feed.watch(progress.token) as watch:
                self._listen(progress, watch, stopped)
        except HistoryLost:
            self._begin_anew(stopped)

    def _begin_anew(self, stopped: threading.Event) -> None:
        """Hear of what comes from now on, and look for what came before."""
        with self._feed.watch(None) as watch:
            if (progress := self._feed.lead(self._owner)) is not None:
                self._reader.begin(progress)
                self._listen(self._scan(progress, watch), watch, stopped)

    def _listen(self, progress: Progress, watch: LedgerWatch, stopped: threading.Event) -> None:
        while not stopped.is_set():
            rows, returns = watch.next(limits.FEED_ROWS)
            news = self._reader.read(rows)
            progress = self._write(progress, news, returns, watch)

    def _scan(self, progress: Progress, watch: LedgerWatch) -> Progress:
        """Look at all products for what was missed; `watch` hears of what comes meanwhile."""
        _log.warning("events_scan", sequence=progress.sequence)
        since = progress.read_at - timedelta(seconds=limits.FEED_SKEW_SECONDS)
        for returns in self._feed.returns_since(since):
            progress = self._write(progress, News(), returns)
        for missed in self._feed.missed(progress.began_at):
            self._reader.expect(missed)
            while news := self._reader.read([]):
                progress = self._write(progress, news, [])
            # However long it takes, nobody else shall begin meanwhile.
            progress = self._write(progress, News(), [])
        return self._write(progress, News(), [], watch)

    def _write(
        self,
        progress: Progress,
        news: News,
        returns: Sequence[Return],
        watch: LedgerWatch | None = None,
    ) -> Progress:
        """Write what is new; where nothing is, only now and then that this process is there."""
        derived = [
            *self._returned(returns),
            *(event for row in news.rows for event in events_of(row, news.documents)),
        ]
        idle = not derived and not news.positions
        if idle and time.monotonic() - self._written_at < limits.FEED_RENEW_SECONDS:
            return progress
        events = [
            Event(
                sequence=sequence,
                id=one.id,
                type=one.type,
                product_id=one.product_id,
                occurred_at=one.occurred_at,
                data=one.data,
            )
            for sequence, one in enumerate(derived, progress.sequence + 1)
        ]
        token = progress.token if watch is None else watch.token
        self._written_at = time.monotonic()
        return self._feed.write(self._owner, progress, events, news.positions, token)

    def _returned(self, returns: Sequence[Return]) -> list[Derived]:
        """Return what came back and was not told yet; returns have no place in the ledger."""
        told = [event_of_return(one) for one in returns]
        if not told:
            return []
        known = self._feed.known_events([one.id for one in told])
        return [one for one in told if one.id not in known]
