"""Rehearsals of a flash sale: a crowd of made-up buyers, and a verdict from the books."""

from collections.abc import Iterator

from inventory_client.inputs import given
from inventory_client.operations.base import Room, segment
from inventory_client.rehearsals import Rehearsal

_PATH = "/api/rehearsals"


class Rehearsals(Room):
    """Operations on rehearsals."""

    def begin_rehearsal(
        self,
        *,
        buyers: int | None = None,
        stock: int | None = None,
        quantity_max: int | None = None,
        impatience: float | None = None,
    ) -> Rehearsal:
        """Let a crowd buy a product of its own at once; read the rehearsal to see how it goes.

        Without an answer (`may_have_happened`) one may be under way: list them.
        """
        body = given(buyers=buyers, stock=stock, quantity_max=quantity_max, impatience=impatience)
        return self._changed(Rehearsal, "POST", _PATH, body)

    def list_rehearsals(self, *, page_size: int = 100) -> Iterator[Rehearsal]:
        """Yield the rehearsals of the last 30 days, the newest first."""
        return self._pages(Rehearsal, _PATH, page_size)

    def get_rehearsal(self, rehearsal_id: str) -> Rehearsal:
        """Read a rehearsal: how it goes, or the verdict."""
        return self._read(Rehearsal, f"{_PATH}/{segment(rehearsal_id)}")
