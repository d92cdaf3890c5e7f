"""Carries out changes of stock exactly once, however often they are asked for."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from inventory import limits
from inventory.domain.claims import Claim, RequestKey
from inventory.domain.stock import Entry, Movement, Operation
from inventory.errors import (
    IdempotencyInProgress,
    IdempotencyKeyReused,
    InventoryError,
    OutcomeUnknown,
    StorageUnavailable,
    restore,
)
from inventory.repository.mongo import DatabaseClock, new_id
from inventory.repository.operations import OperationRepository
from inventory.stock.engine import Change, ClaimTaken, StockEngine
from inventory.stock.recovery import Recovery


class Replayed(InventoryError):
    """The refusal that the first request with this key was answered with.

    `answered_id` is that request's id, so that the repeated answer can be the same to the letter.
    """

    def __init__(self, refusal: InventoryError, answered_id: str) -> None:
        super().__init__(refusal.message, **refusal.details)
        self.refusal = refusal
        self.answered_id = answered_id


@dataclass(frozen=True, slots=True)
class Done:
    """A change carried out, now or (`replayed`) by an earlier request with the same key."""

    movement: Movement
    replayed: bool


class Changes:
    """The way from a wish to change stock to its one effect."""

    def __init__(
        self,
        engine: StockEngine,
        operations: OperationRepository,
        recovery: Recovery,
        clock: DatabaseClock,
    ) -> None:
        self._engine = engine
        self._operations = operations
        self._recovery = recovery
        self._clock = clock

    def carry_out(
        self,
        product_id: str,
        entry: Callable[[str], Entry],
        key: RequestKey | None,
        expected_available: int | None = None,
    ) -> Done:
        """Apply what `entry` makes of an operation id, or answer as the first request with `key`.

        Raises what `StockEngine.submit` raises, `Replayed` with the refusal of the first request,
        `IdempotencyKeyReused` and `IdempotencyInProgress`.
        """
        deadline = time.monotonic() + limits.REQUEST_SECONDS_MAX
        operation_id = new_id()
        claim = begin_claim(key, operation_id, self._clock, product_id) if key else None

        def change(claim: Claim | None, *, claimed: bool) -> Change:
            operation = Operation(
                product_id=product_id,
                entry=entry(claim.operation_id if claim else operation_id),
                fence=claim.fence if claim else None,
                expected_available=expected_available,
            )
            return Change(operation, claim, claimed)

        try:
            return Done(self._engine.submit(change(claim, claimed=False), deadline), replayed=False)
        except ClaimTaken:
            assert claim is not None
        held = find_claim(self._operations, claim)
        movement = self._recovery.find(product_id, held.operation_id)
        if movement is not None:
            return Done(movement, replayed=True)
        successor = self._take_over(product_id, held, claim.request_id)
        if isinstance(successor, Movement):
            return Done(successor, replayed=True)
        return Done(self._engine.submit(change(successor, claimed=True), deadline), replayed=False)

    def _take_over(self, product_id: str, held: Claim, request_id: str) -> Claim | Movement:
        """Continue an attempt that nobody can finish any more, or return what it did after all."""
        if self._clock.now() < held.fence:
            raise IdempotencyInProgress
        movement = self._recovery.give_up(product_id, held.operation_id)
        if movement is not None:
            return movement
        return take_over_claim(self._operations, held, self._clock, request_id)


@contextmanager
def only_reading() -> Iterator[None]:
    """Say of a read that the ledger was to catch up for: if that fails, nothing was changed."""
    try:
        yield
    except OutcomeUnknown as error:
        raise StorageUnavailable from error


def begin_claim(
    key: RequestKey, operation_id: str, clock: DatabaseClock, product_id: str | None = None
) -> Claim:
    """Return the first claim of a request; it holds as long as a request may take."""
    now = clock.now()
    fence = now + timedelta(seconds=limits.REQUEST_SECONDS_MAX)
    return Claim.of(key, operation_id, now, fence, product_id)


def find_claim(operations: OperationRepository, claim: Claim) -> Claim:
    """Return the claim that was there before `claim`, if it is not refused.

    Raises `IdempotencyKeyReused` if it is for another request, `Replayed` if it was refused.
    """
    held = operations.get(claim.id)
    if held is None:
        # It was removed for its age this very moment; the next try begins afresh.
        raise IdempotencyInProgress
    if held.fingerprint != claim.fingerprint:
        raise IdempotencyKeyReused
    if held.refusal is not None:
        raise Replayed(restore(held.refusal), held.request_id)
    return held


def take_over_claim(
    operations: OperationRepository, held: Claim, clock: DatabaseClock, request_id: str
) -> Claim:
    """Begin the next attempt of an abandoned claim, unless somebody else was faster."""
    fence = clock.now() + timedelta(seconds=limits.REQUEST_SECONDS_MAX)
    successor = held.next_attempt(new_id(), fence, request_id)
    if not operations.take_over(successor):
        raise IdempotencyInProgress
    return successor
