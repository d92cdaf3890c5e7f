"""Holding units for a checkout, and what becomes of them."""

from collections.abc import Sequence

from inventory.domain.claims import RequestKey
from inventory.domain.lines import Line, merged
from inventory.domain.postings.base import Posting
from inventory.domain.postings.holding import Commit, Extend, Hold, Release
from inventory.domain.purchases import Purchase
from inventory.domain.reservations import Reservation, ReservationFilter
from inventory.errors import ProductNotFound, ReservationNotFound
from inventory.repository.mongo import DatabaseClock
from inventory.repository.products import ProductRepository
from inventory.repository.reservations import ReservationRepository
from inventory.services.changing import Changes
from inventory.services.lines import AskedLine, resolve_cart


class Reserving:
    """Reservations: each of their transitions happens once, however often it is asked for."""

    def __init__(
        self,
        changes: Changes,
        products: ProductRepository,
        reservations: ReservationRepository,
        clock: DatabaseClock,
    ) -> None:
        self._changes = changes
        self._products = products
        self._reservations = reservations
        self._clock = clock

    def hold(
        self,
        asked: Sequence[AskedLine],
        ttl_seconds: int,
        *,
        customer_id: str | None = None,
        reference: str | None = None,
        key: RequestKey | None = None,
        actor: str | None = None,
    ) -> tuple[Reservation, bool]:
        """Set all lines aside for `ttl_seconds`, or none.

        Returns the reservation, and whether an earlier request with the same key made it. Raises as
        `Purchasing.buy_cart` does.
        """
        try:
            lines = resolve_cart(self._products, asked)
        except ProductNotFound:
            answer = self._changes.find_answer(key)
            if not isinstance(answer, Reservation):
                raise
            return answer, True
        return self._change(Hold(lines, ttl_seconds, customer_id, reference), key, actor)

    def get(self, reservation_id: str) -> Reservation:
        """Return a reservation with the state that it has now; raise `ReservationNotFound`."""
        reservation = self._reservations.get(reservation_id)
        if reservation is None:
            raise ReservationNotFound(reservation_id)
        return reservation.as_of(self._clock.now())

    def list_reservations(
        self, wanted: ReservationFilter, before: str | None, count: int
    ) -> list[Reservation]:
        """Return reservations with the states that they have now, the newest first."""
        return self._reservations.page(wanted, self._clock.now(), before, count)

    def extend(self, reservation_id: str, ttl_seconds: int) -> Reservation:
        """Let a hold last `ttl_seconds` from now, within its greatest life.

        Raises `ReservationNotFound`, `ReservationExpired`, `ReservationReleased` and
        `ReservationCommitted`.
        """
        products = _products(self.get(reservation_id))
        return self._change(Extend(reservation_id, products, ttl_seconds), None)[0]

    def release(
        self, reservation_id: str, key: RequestKey | None, actor: str | None = None
    ) -> tuple[Reservation, bool]:
        """Put held units on sale again; of a hold that has ended that way, nothing.

        Raises `ReservationNotFound` and `ReservationCommitted`.
        """
        products = _products(self.get(reservation_id))
        return self._change(Release(reservation_id, products), key, actor)

    def commit(
        self,
        reservation_id: str,
        lines: Sequence[Line] | None,
        key: RequestKey | None,
        actor: str | None = None,
    ) -> tuple[Purchase, bool]:
        """Buy what is held, or only `lines` of it, and put the rest on sale again.

        One that has expired is tried once more; one that was committed is answered as it was then.
        Raises `ReservationNotFound`, `ReservationExpired`, `ReservationReleased`,
        `ReservationCommitted` if it was committed with other lines, and `CommitExceedsHeld`.
        """
        reservation = self.get(reservation_id)
        posting = Commit(
            reservation_id,
            _products(reservation),
            reservation.customer_id,
            None if lines is None else merged(lines),
        )
        made, replayed = self._changes.post(posting, key, actor)
        assert isinstance(made, Purchase)
        return made, replayed

    def _change(
        self, posting: Posting, key: RequestKey | None, actor: str | None = None
    ) -> tuple[Reservation, bool]:
        made, replayed = self._changes.post(posting, key, actor)
        assert isinstance(made, Reservation)
        return made, replayed


def _products(reservation: Reservation) -> tuple[str, ...]:
    return tuple(line.product_id for line in reservation.lines)
