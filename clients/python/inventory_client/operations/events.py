"""Events: what happened, for those who would rather ask than be told."""

from collections.abc import Sequence
from typing import Literal

from inventory_client.events import EventPage
from inventory_client.inputs import parameters
from inventory_client.operations.base import Room


class Events(Room):
    """Operations on events."""

    def list_events(
        self,
        *,
        after: int | Literal["newest"] = 0,
        types: Sequence[str] | None = None,
        product_id: str | None = None,
        limit: int = 100,
    ) -> EventPage:
        """Read what happened to stock after an event, the oldest first; none is told twice.

        Keep the page's `next_after`, in one transaction with what you do, and ask with it the next
        time. "newest" answers where the next event will be.
        """
        query = parameters(after=after, types=types, product_id=product_id, limit=limit)
        return self._read(EventPage, "/api/events", query)
