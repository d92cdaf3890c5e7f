"""Reservations: units set aside during a checkout."""

from collections.abc import Iterator, Sequence

from inventory_client.answers import Purchase, Reservation
from inventory_client.inputs import CartLine, Line, ReservationState, given
from inventory_client.operations.base import Room, segment

_PATH = "/api/reservations"


class Reservations(Room):
    """Operations on reservations."""

    def hold_units(
        self,
        lines: Sequence[CartLine],
        ttl_seconds: int,
        *,
        customer_id: str | None = None,
        reference: str | None = None,
        idempotency_key: str | None = None,
    ) -> Reservation:
        """Set all lines aside for a while, or none; a refusal names all that are short."""
        body = given(
            lines=list(lines),
            ttl_seconds=ttl_seconds,
            customer_id=customer_id,
            reference=reference,
        )
        return self._keyed(Reservation, _PATH, body, idempotency_key)

    def list_reservations(
        self,
        *,
        state: ReservationState | None = None,
        product_id: str | None = None,
        customer_id: str | None = None,
        page_size: int = 100,
    ) -> Iterator[Reservation]:
        """Yield reservations, the newest first; of a state, product or customer, if told so."""
        return self._pages(
            Reservation,
            _PATH,
            page_size,
            state=state,
            product_id=product_id,
            customer_id=customer_id,
        )

    def get_reservation(self, reservation_id: str) -> Reservation:
        """Read one reservation; its state is that of this very moment."""
        return self._read(Reservation, f"{_PATH}/{segment(reservation_id)}")

    def extend_reservation(self, reservation_id: str, ttl_seconds: int) -> Reservation:
        """Let a hold last `ttl_seconds` from now, but not beyond `extendable_until`."""
        path = f"{_PATH}/{segment(reservation_id)}"
        return self._changed(Reservation, "PATCH", path, {"ttl_seconds": ttl_seconds})

    def commit_reservation(
        self,
        reservation_id: str,
        lines: Sequence[Line] | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Purchase:
        """Buy what is held, or some of it and release the rest.

        Of a hold that has expired the units are taken once more, if they can still be had; else
        `ReservationExpired` is raised.
        """
        body = given(lines=None if lines is None else list(lines))
        path = f"{_PATH}/{segment(reservation_id)}/commit"
        return self._keyed(Purchase, path, body, idempotency_key)

    def release_reservation(
        self, reservation_id: str, *, idempotency_key: str | None = None
    ) -> Reservation:
        """Put the units on sale again; one that was released or has expired stays as it is."""
        path = f"{_PATH}/{segment(reservation_id)}/release"
        return self._keyed(Reservation, path, {}, idempotency_key)
