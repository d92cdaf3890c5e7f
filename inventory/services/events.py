"""Lets others read what happened, in order, at their own pace."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from inventory.domain.events import Event, EventType
from inventory.errors import EventsForgotten, InvalidValue
from inventory.repository.events import EventRepository
from inventory.repository.feed import FeedRepository
from inventory.repository.mongo import DatabaseClock


@dataclass(frozen=True, slots=True)
class EventPage:
    """Some events; `next_after` is where the next ones come after.

    `read_at` is when the ledger was last looked at, None if no process ever did.
    """

    events: Sequence[Event]
    next_after: int
    read_at: datetime | None


class Events:
    """The events that were derived from the ledger, for as long as they are kept."""

    def __init__(self, events: EventRepository, feed: FeedRepository, clock: DatabaseClock) -> None:
        self._events = events
        self._feed = feed
        self._clock = clock

    def progress(self) -> tuple[int, float]:
        """Return how many events there have been, and how long ago the ledger was looked at.

        In seconds; 0 where nobody has ever derived events, as then nobody waits for them.
        """
        newest, read_at = self._feed.read_until()
        if read_at is None:
            return newest, 0.0
        return newest, max(0.0, (self._clock.now() - read_at).total_seconds())

    def page(
        self,
        after: int | None,
        count: int,
        types: Collection[EventType] | None = None,
        product_id: str | None = None,
    ) -> EventPage:
        """Return up to `count` events after the one numbered `after`; if None, none but the end.

        Raises `EventsForgotten` if some that come next are not kept any more, and `InvalidValue`
        for a number that no event has had yet.
        """
        # Read first: what is derived meanwhile belongs to the next page.
        newest, read_at = self._feed.read_until()
        if after is None:
            return EventPage([], newest, read_at)
        if after > newest:
            raise InvalidValue("after", f"No event has this number yet; the newest is {newest}.")
        if 0 < after < newest:
            self._require_kept(after, newest)
        found = self._events.after(after, count, types, product_id, newest=newest)
        next_after = found[-1].sequence if len(found) == count else newest
        return EventPage(found, next_after, read_at)

    def _require_kept(self, after: int, newest: int) -> None:
        oldest = self._events.oldest()
        if oldest is None or oldest > after + 1:
            raise EventsForgotten(after, newest if oldest is None else oldest - 1)
