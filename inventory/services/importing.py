"""Imports: rows become products and movements of stock, in batches, each of them exactly once.

Reads the rows twice: first to know them all, then to carry them out. Knows neither files nor
formats: whoever calls says how the rows are read again from the first one on.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from contextvars import Context
from dataclasses import replace
from datetime import timedelta

from inventory import limits
from inventory.domain.claims import Claim, RequestKey
from inventory.domain.imports import Outcome, Policy, Row, RowResult, Summary
from inventory.errors import (
    IdempotencyInProgress,
    ImportUnfinished,
    OutcomeUnknown,
    StorageUnavailable,
)
from inventory.repository.imports import ImportRepository, Overtaken
from inventory.repository.mongo import DatabaseClock, new_id, time_limit
from inventory.repository.operations import OperationRepository
from inventory.services.batches import (
    Batch,
    Rejected,
    in_batches,
)
from inventory.services.carrying import Carrying, Wish
from inventory.services.changing import find_claim, take_over_claim
from inventory.services.surveying import Survey

Rows = Callable[[], Iterable[Row]]
Take = Callable[[Sequence[RowResult]], None]
_PAUSE_SECONDS = 0.1
# As many digits as an id has, of the digest that a key is known by.
_ID_DIGITS = 24
_DONE = frozenset({Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED})


class Importing:
    """Carries out imports."""

    def __init__(
        self,
        carrying: Carrying,
        imports: ImportRepository,
        operations: OperationRepository,
        clock: DatabaseClock,
    ) -> None:
        self._carrying = carrying
        self._imports = imports
        self._operations = operations
        self._clock = clock

    def run(
        self, rows: Rows, wish: Wish, take: Take, key: RequestKey | None = None
    ) -> tuple[Summary, bool]:
        """Carry an import out, or answer as the first request with `key`; `take` gets each result.

        Returns what became of it, and whether an earlier request has brought it to its end. Raises
        what reading the rows raises, before anything is changed; `IdempotencyKeyReused` and
        `IdempotencyInProgress`; `StorageUnavailable` if nothing was changed, `OutcomeUnknown`, or
        `ImportUnfinished`, after which the same key goes on.
        """
        # A request has a limit of time that is meant for less than this.
        return Context().run(self._run, rows, wish, take, key)

    def _run(
        self, rows: Rows, wish: Wish, take: Take, key: RequestKey | None
    ) -> tuple[Summary, bool]:
        survey = Survey.of(rows())
        wish.counted(survey.rows)
        if wish.dry_run:
            return self._try(survey.marked(rows()), new_id(), wish, take), False
        claim = self._claim(key) if key is not None else None
        import_id = claim.id[:_ID_DIGITS] if claim else new_id()
        if claim is not None and claim.result is not None:
            return self._replay(import_id, wish, take), True
        try:
            summary = _Run(self._carrying, import_id, wish, take, claim).carry_out(survey, rows)
        except ImportUnfinished:
            self._let_go(claim)
            raise
        if claim is not None:
            self._operations.complete(replace(claim, result={"import": import_id}))
        return summary, False

    def _claim(self, key: RequestKey) -> Claim:
        """Return the claim of this request: a new one, one taken over, or one with its result."""
        now = self._clock.now()
        fence = now + timedelta(seconds=limits.IMPORT_CLAIM_SECONDS)
        claim = Claim.of(key, new_id(), now, fence)
        if not self._operations.add_many([claim]):
            return claim
        held = find_claim(self._operations, claim)
        if held.result is not None:
            return held
        if self._clock.now() < held.fence:
            raise IdempotencyInProgress
        return take_over_claim(self._operations, held, self._clock, claim.request_id)

    def _let_go(self, claim: Claim | None) -> None:
        """Let the same key go on at once; a batch that is still on its way will be refused.

        Where that cannot be written, the key goes on when the claim has run out.
        """
        if claim is not None:
            with suppress(StorageUnavailable, OutcomeUnknown):
                self._operations.let_go(replace(claim, fence=self._clock.now()))

    def _replay(self, import_id: str, wish: Wish, take: Take) -> Summary:
        counts: Counter[Outcome] = Counter()
        for results in self._imports.all_kept(import_id):
            counts.update(result.outcome for result in results)
            take(results)
        return Summary(import_id, wish.policy, False, counts)

    def _try(self, rows: Iterable[Row], import_id: str, wish: Wish, take: Take) -> Summary:
        """Decide all rows and change nothing."""
        counts: Counter[Outcome] = Counter()
        for batch in in_batches(rows, import_id):
            wish.require_time(0)
            results = self._carrying.foresee(batch, wish).results
            counts.update(result.outcome for result in results)
            take([_without_new_id(result) for result in results])
        return Summary(import_id, wish.policy, True, counts)


class _Run:
    """One import on its way."""

    def __init__(
        self,
        carrying: Carrying,
        import_id: str,
        wish: Wish,
        take: Take,
        claim: Claim | None,
    ) -> None:
        self._carrying = carrying
        self._import_id = import_id
        self._wish = wish
        self._take = take
        self._claim = claim
        self._counts: Counter[Outcome] = Counter()
        # An earlier attempt may have come some way.
        self._resumed = claim is not None and claim.attempt > 1
        self._strict = False

    def carry_out(self, survey: Survey, rows: Rows) -> Summary:
        """Carry all batches out; what was done by an earlier attempt is not done again."""
        work = self._enter
        if self._wish.policy is Policy.REJECT_ALL:
            self._strict = survey.fits_one_batch
            if not self._strict and not self._all_good(survey, rows):
                work = self._reject
        for batch in in_batches(survey.marked(rows()), self._import_id):
            self._wish.require_time(self._counts.total())
            results = self._insist(batch, work)
            self._counts.update(result.outcome for result in results)
            self._take(results)
        return Summary(self._import_id, self._wish.policy, False, self._counts)

    def _all_good(self, survey: Survey, rows: Rows) -> bool:
        """Tell whether all rows can be done, as far as that can be known before."""
        first = self._carrying.kept(Batch(self._import_id, 0, ())) if self._resumed else None
        if first is not None:
            # An earlier attempt has decided this, and begun.
            return any(result.outcome in _DONE for result in first)
        for batch in in_batches(survey.marked(rows()), self._import_id):
            self._wish.require_time(0)
            results = self._insist(batch, self._foresee)
            if any(result.outcome is Outcome.FAILED for result in results):
                return False
        return True

    def _insist(
        self, batch: Batch, work: Callable[[Batch], Sequence[RowResult]]
    ) -> Sequence[RowResult]:
        """Do a batch, in spite of what passes; it has a limit of time of its own."""
        until = time.monotonic() + self._wish.patience_seconds
        again = self._resumed
        while True:
            try:
                return Context().run(self._once, batch, work, until, again)
            except (StorageUnavailable, OutcomeUnknown, Overtaken) as problem:
                if time.monotonic() + _PAUSE_SECONDS < until:
                    time.sleep(_PAUSE_SECONDS)
                elif done := self._counts.total():
                    raise ImportUnfinished(done) from problem
                elif isinstance(problem, Overtaken):
                    raise StorageUnavailable from problem
                else:
                    raise
            again = True

    def _once(
        self,
        batch: Batch,
        work: Callable[[Batch], Sequence[RowResult]],
        until: float,
        again: bool,
    ) -> Sequence[RowResult]:
        with time_limit(until - time.monotonic()):
            # The attempt before may have got through although nobody heard of it.
            kept = self._carrying.kept(batch) if again else None
            return work(batch) if kept is None else kept

    def _enter(self, batch: Batch) -> Sequence[RowResult]:
        try:
            entered = self._carrying.enter(batch, self._wish, self._claim, strict=self._strict)
        except Rejected as problem:
            return self._carrying.reject(batch, problem.results)
        return entered.results

    def _foresee(self, batch: Batch) -> Sequence[RowResult]:
        return self._carrying.foresee(batch, self._wish).results

    def _reject(self, batch: Batch) -> Sequence[RowResult]:
        expected = self._carrying.foresee(batch, self._wish)
        return self._carrying.reject(batch, expected.results)


def _without_new_id(result: RowResult) -> RowResult:
    """Return what a trial tells: what would be created has no id yet."""
    return replace(result, product_id=None) if result.outcome is Outcome.CREATED else result
