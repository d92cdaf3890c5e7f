"""Carries out changes of stock exactly once, however often they are asked for."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from inventory import limits
from inventory.domain.claims import Claim, RequestKey
from inventory.domain.movements import Entry, Movement
from inventory.domain.postings.base import Posting, Result, products_in
from inventory.domain.stock import Operation
from inventory.errors import (
    IdempotencyInProgress,
    IdempotencyKeyReused,
    InventoryError,
    OutcomeUnknown,
    StorageUnavailable,
    restore,
)
from inventory.repository.mongo import DatabaseClock, new_id, time_left
from inventory.repository.operations import OperationRepository
from inventory.repository.results import result_from
from inventory.stock.changes import Change, ClaimTaken
from inventory.stock.engine import StockEngine
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
    """A change carried out, now or (`replayed`) by an earlier request with the same key.

    That one may have been understood as more than a change of one product.
    """

    result: Result
    replayed: bool

    @property
    def movement(self) -> Movement:
        """What it did, where there is no other way to understand it."""
        assert isinstance(self.result, Movement)
        return self.result


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
        deadline = time.monotonic() + _seconds_left()
        operation_id = new_id()
        claim = begin_claim(key, operation_id, self._clock, product_id) if key else None

        def submit(id: str, claim: Claim | None, *, claimed: bool) -> Movement:
            fence = claim.fence if claim else None
            operation = Operation(product_id, entry(id), fence, expected_available)
            result = self._engine.submit(Change(id, operation, claim, claimed), deadline)
            assert isinstance(result, Movement)
            return result

        try:
            return Done(submit(operation_id, claim, claimed=False), replayed=False)
        except ClaimTaken:
            assert claim is not None
        held = find_claim(self._operations, claim)
        done = self._find_or_give_up(held)
        if done is not None:
            return Done(self._published(done), replayed=True)
        successor = take_over_claim(
            self._operations, held, self._clock, claim.request_id, product_id
        )
        return Done(submit(successor.operation_id, successor, claimed=True), replayed=False)

    def _find_or_give_up(self, held: Claim) -> Result | None:
        """Return what the last attempt did; make sure that it does nothing if it has not yet.

        In a transaction or not, and at whichever product: the same request may be understood in
        another way by now. The transaction of an attempt that is given up would find itself
        replaced. Raises `IdempotencyInProgress` while the attempt may still be at work.
        """
        if held.result is not None:
            return result_from(held.result)
        product_id, id = held.product_id, held.operation_id
        movement = self._recovery.find(product_id, id) if product_id else None
        if movement is None and self._clock.now() < held.fence:
            raise IdempotencyInProgress
        return movement or (self._recovery.give_up(product_id, id) if product_id else None)

    def post(
        self, posting: Posting, key: RequestKey | None, actor: str | None = None
    ) -> tuple[Result, bool]:
        """Carry out a posting on behalf of `actor`, or answer as the first request with `key`.

        Returns what it made, and whether an earlier request with the key made it. Raises as
        `carry_out` does.
        """
        deadline = time.monotonic() + _seconds_left()
        id = new_id()
        claim = begin_claim(key, id, self._clock) if key else None
        try:
            return self._engine.submit(Change(id, posting, claim, actor=actor), deadline), False
        except ClaimTaken:
            assert claim is not None
        held = find_claim(self._operations, claim)
        done = self._find_or_give_up(held)
        if done is not None:
            return self._published(done), True
        successor = take_over_claim(self._operations, held, self._clock, claim.request_id)
        change = Change(successor.operation_id, posting, successor, claimed=True, actor=actor)
        return self._engine.submit(change, deadline), False

    def find_answer(self, key: RequestKey | None) -> Result | None:
        """Return what an earlier request with `key` was answered, None if there was none.

        For requests that cannot be understood without a look into the catalogue, which may have
        changed since the first one was. Raises as `carry_out` does.
        """
        if key is None:
            return None
        asked = begin_claim(key, new_id(), self._clock)
        if self._operations.get(asked.id) is None:
            return None
        done = self._find_or_give_up(find_claim(self._operations, asked))
        return None if done is None else self._published(done)

    def _published(self, result: Result) -> Result:
        """Return what another request did, once reads show it."""
        self._engine.publish_current(products_in(result))
        return result


def _seconds_left() -> float:
    """Return how long a change may take: what was read before it may have taken its part."""
    left = time_left()
    if left is None:
        return limits.REQUEST_SECONDS_MAX
    spent = limits.MONGO_TIMEOUT_SECONDS - left
    return limits.REQUEST_SECONDS_MAX - max(0.0, spent - limits.PREPARING_SECONDS_FREE)


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
        # No majority has it yet, or it was removed for its age this very moment.
        raise IdempotencyInProgress
    if held.fingerprint != claim.fingerprint:
        raise IdempotencyKeyReused
    if held.refusal is not None:
        raise Replayed(restore(held.refusal), held.request_id)
    return held


def take_over_claim(
    operations: OperationRepository,
    held: Claim,
    clock: DatabaseClock,
    request_id: str,
    product_id: str | None = None,
) -> Claim:
    """Begin the next attempt of an abandoned claim, unless somebody else was faster."""
    fence = clock.now() + timedelta(seconds=limits.REQUEST_SECONDS_MAX)
    successor = held.next_attempt(new_id(), fence, request_id, product_id)
    if not operations.take_over(successor):
        raise IdempotencyInProgress
    return successor
