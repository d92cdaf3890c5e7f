"""Mistakes inside the protocol of a sale: each is patched into the product for a while."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any
from unittest.mock import patch

from inventory.domain.claims import Claim
from inventory.domain.movements import Movement
from inventory.domain.stock import Operation, Snapshot
from inventory.errors import OutcomeUnknown
from inventory.repository import stock as stock_repository
from inventory.repository import updates
from inventory.repository.operations import OperationRepository
from inventory.repository.stock import StockRepository
from inventory.stock.archive import Archive
from inventory.stock.engine import StockEngine
from inventory.stock.recovery import Recovery
from tests.faults.defects import Defect, InScenario


def _update_without(condition: str) -> AbstractContextManager[object]:
    real = updates.guarded_update

    def less_guarded(product_id: str, operations: Sequence[Operation]) -> Any:
        update = real(product_id, operations)
        if update is not None:
            update[0].pop(condition, None)
        return update

    return patch.object(stock_repository, "guarded_update", less_guarded)


def without_guard() -> AbstractContextManager[object]:
    """Change counters whatever they are."""
    return _update_without("headroom")


@contextmanager
def reading_first() -> Iterator[None]:
    """Decide by what was read, and then change the counters whatever they are by now."""
    apply_one = StockEngine._apply_one

    def read_first(self: StockEngine, group: Any, product_id: str, waiting: Any, _: Any) -> None:
        apply_one(self, group, product_id, waiting, self._stock.get(product_id))

    with without_guard(), patch.object(StockEngine, "_apply_one", read_first):
        yield


def _retry_blindly() -> AbstractContextManager[object]:
    real = StockRepository.apply

    def apply(self: StockRepository, product_id: str, operations: Sequence[Operation]) -> Any:
        try:
            return real(self, product_id, operations)
        except OutcomeUnknown:
            return real(self, product_id, operations)

    return patch.object(StockRepository, "apply", apply)


def _claims_all_taken_for_new() -> AbstractContextManager[object]:
    real = OperationRepository.add_many

    def add_many(self: OperationRepository, claims: Sequence[Claim]) -> set[str]:
        real(self, claims)
        return set()

    return patch.object(OperationRepository, "add_many", add_many)


@contextmanager
def _claim_after_effect() -> Iterator[None]:
    claim, decide = StockEngine._make_claims, StockEngine._decide

    def decide_first(self: StockEngine, group: Any) -> None:
        decide(self, group)
        claim(self, group)

    with (
        patch.object(StockEngine, "_make_claims", lambda self, group: None),
        patch.object(StockEngine, "_decide", decide_first),
    ):
        yield


def _blind_trim(self: Archive, snapshots: Sequence[Snapshot]) -> None:
    self._stock.trim({snapshot.product_id: snapshot.version for snapshot in snapshots})


def _no_second_look(self: Recovery, product_id: str, operation_id: str) -> None:
    self._stock.void(product_id, operation_id)


def _count_from_the_head(
    self: Snapshot, operation_ids: Sequence[str] | None = None
) -> list[Movement]:
    rows, balance = [], self.available - sum(entry.delta for entry in self.tail)
    held = self.held - sum(entry.held_delta for entry in self.tail)
    for version, entry in enumerate(self.tail, start=2):
        balance, held = balance + entry.delta, held + entry.held_delta
        settled = replace(entry, price=entry.price or self.price, currency=self.currency)
        if operation_ids is None or entry.operation_id in operation_ids:
            rows.append(Movement(self.product_id, version, balance, held, settled))
    return rows


def _edit_without_stamping() -> AbstractContextManager[object]:
    real = StockRepository._change_in

    def change_in(self: StockRepository, product_id: str, update: Any, session: Any) -> Snapshot:
        if isinstance(update, list):
            del update[0]["$set"]["tail"]
        return real(self, product_id, update, session)

    return patch.object(StockRepository, "_change_in", change_in)


def _take_over_always() -> AbstractContextManager[object]:
    real = OperationRepository.take_over

    def take_over(self: OperationRepository, claim: Claim) -> bool:
        real(self, claim)
        return True

    return patch.object(OperationRepository, "take_over", take_over)


def _archive_from_the_tail_only(
    self: Recovery, product_id: str, operation_ids: Sequence[str]
) -> dict[str, Movement]:
    snapshot = self._stock.get(product_id)
    rows = snapshot.movements(operation_ids) if snapshot else []
    return {row.entry.operation_id: row for row in rows}


PROTOCOL_DEFECTS = (
    Defect(
        "no guard",
        "units are sold that are not there",
        InScenario("last-unit"),
        without_guard,
    ),
    Defect(
        "read, then write",
        "two who read the same last unit both get it",
        InScenario("last-unit"),
        reading_first,
    ),
    Defect(
        "taken claims are not noticed",
        "a request with the same key sells again",
        InScenario("same-key"),
        _claims_all_taken_for_new,
    ),
    Defect(
        "claim after effect",
        "who dies in between is sold to again by the retry",
        InScenario("same-key"),
        _claim_after_effect,
    ),
    Defect(
        "fence left out",
        "a request that slept for long is applied beside its heir",
        InScenario("thawed"),
        lambda: _update_without("$expr"),
    ),
    Defect(
        "no void",
        "a request that slept is applied beside its heir",
        InScenario("heirs"),
        partial(patch.object, StockRepository, "void", lambda *_: True),
    ),
    Defect(
        "no second look",
        "an effect that came right before the void is repeated",
        InScenario("heirs"),
        partial(patch.object, Recovery, "give_up", _no_second_look),
    ),
    Defect(
        "every heir takes over",
        "two heirs of one claim both sell",
        InScenario("heirs"),
        _take_over_always,
    ),
    Defect(
        "blind retry of the update",
        "an update whose answer was lost is applied twice",
        InScenario("lost-answer"),
        _retry_blindly,
    ),
    Defect(
        "tail trimmed before it is archived",
        "a sale leaves no row in the ledger",
        InScenario("sweeping"),
        partial(patch.object, Archive, "settle", _blind_trim),
    ),
    Defect(
        "a retry does not look",
        "a retry is refused or sold to, and not answered as before",
        InScenario("same-key"),
        partial(patch.object, Recovery, "find_many", lambda *_: {}),
    ),
    Defect(
        "a retry looks into the tail only",
        "a retry after trimming sells again",
        InScenario("swept-retry"),
        partial(patch.object, Recovery, "find_many", _archive_from_the_tail_only),
    ),
    Defect(
        "refusals are not kept",
        "a retry of what was refused is sold to",
        InScenario("last-unit"),
        partial(patch.object, OperationRepository, "keep_refusals", lambda *_: set()),
    ),
    Defect(
        "places counted from the head",
        "rows of the ledger have the wrong versions and balances",
        InScenario("sweeping"),
        partial(patch.object, Snapshot, "movements", _count_from_the_head),
    ),
    Defect(
        "an edit reprices what was sold",
        "a sale is recorded at a price that came after it",
        InScenario("price-edit"),
        _edit_without_stamping,
    ),
)
