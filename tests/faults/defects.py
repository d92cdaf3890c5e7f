"""Defects to be found: each is patched into the product for a while, and breaks one promise.

They are the mistakes that this protocol invites. Each names the scenario in which it shows.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from inventory.domain.books import Books
from inventory.domain.claims import Claim
from inventory.domain.movements import Kind, Movement
from inventory.domain.postings.holding import Expire
from inventory.domain.purchases import PurchaseLine
from inventory.domain.reservations import Reservation, State
from inventory.domain.stock import Operation, Snapshot
from inventory.repository import stock as stock_repository
from inventory.repository import updates
from inventory.repository.operations import OperationRepository
from inventory.repository.reservations import ReservationRepository
from inventory.repository.stock import StockRepository
from inventory.stock.archive import Archive
from inventory.stock.engine import StockEngine
from inventory.stock.group import Group
from inventory.stock.recovery import Recovery

Patch = Callable[[], AbstractContextManager[object]]


@dataclass(frozen=True, slots=True)
class Defect:
    """One mistake, and the scenario that has to show it."""

    name: str
    scenario: str
    patch: Patch


def _replace(owner: Any, name: str, new: object) -> Patch:
    return lambda: patch.object(owner, name, new)


def _without_guard() -> AbstractContextManager[object]:
    real = updates.guarded_update

    def unguarded(product_id: str, operations: Sequence[Operation]) -> Any:
        update = real(product_id, operations)
        if update is not None:
            update[0].pop("headroom", None)
        return update

    return patch.object(stock_repository, "guarded_update", unguarded)


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


def _expire_whatever_state(self: Expire, books: Books) -> Reservation:
    return books.give_back(books.reservations[self.reservation_id], Kind.EXPIRY, State.EXPIRED)


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


DEFECTS = (
    Defect("no guard", "last-unit", _without_guard),
    Defect("taken claims are not noticed", "same-key", _claims_all_taken_for_new),
    Defect("claim after the effect", "same-key", _claim_after_effect),
    Defect("no void", "heirs", _replace(StockRepository, "void", lambda *_: True)),
    Defect("no second look", "heirs", _replace(Recovery, "give_up", _no_second_look)),
    Defect("blind trim", "sweeping", _replace(Archive, "settle", _blind_trim)),
    Defect("a retry does not look", "same-key", _replace(Recovery, "find_many", lambda *_: {})),
    Defect(
        "a retry looks into the tail only",
        "swept-retry",
        _replace(Recovery, "find_many", _archive_from_the_tail_only),
    ),
    Defect("every heir takes over", "heirs", _take_over_always),
    Defect(
        "a cart that was overtaken goes on",
        "cart-heirs",
        _replace(OperationRepository, "finish", lambda *_: set()),
    ),
    Defect(
        "refusals are not kept",
        "last-unit",
        _replace(OperationRepository, "keep_refusals", lambda *_: set()),
    ),
    Defect(
        "expiry ignores the state", "hold-ends", _replace(Expire, "decide", _expire_whatever_state)
    ),
    Defect(
        "expired holds are not taken back",
        "hold-late",
        _replace(ReservationRepository, "list_due_of", lambda *_: []),
    ),
    Defect(
        "a refusal is not looked at again",
        "hold-late",
        _replace(Group, "refused_without_need", lambda *_: False),
    ),
    Defect(
        "what came back is not counted",
        "returns",
        _replace(PurchaseLine, "returnable", property(lambda self: self.quantity)),
    ),
    Defect("a cart asks for nothing", "carts", _replace(Books, "require", lambda *_: None)),
    Defect(
        "places counted from the head",
        "sweeping",
        _replace(Snapshot, "movements", _count_from_the_head),
    ),
    Defect("an edit reprices what was sold", "price-edit", _edit_without_stamping),
)
