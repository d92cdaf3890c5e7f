"""Who hears of what the engine does: caches, and those who count. Decides nothing."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from inventory.domain.movements import Kind, Movement
from inventory.domain.stock import Snapshot


class Publisher(Protocol):
    """Whoever wants to know the newest counters, such as a cache. None of it may raise."""

    def glimpse(self) -> Any:
        """Return what `publish` needs to know of the moment before the change."""

    def publish(self, snapshots: Sequence[Snapshot], seen: Any) -> None:
        """Take counters that were true after `seen`."""

    def doubt(self, product_ids: Iterable[str]) -> None:
        """Take products whose counters may have changed, or may still, without anybody's word."""


class Observer(Protocol):
    """Whoever counts what the engine does. May not raise."""

    def group_decided(self, waits_seconds: Sequence[float], granted: int, seconds: float) -> None:
        """Take how long each change of a group waited, how many were granted, how long it took."""

    def sold(self, purchases: int, units: int) -> None:
        """Take how many purchases have become certain, and how many units they took."""

    def recovered(self, action: str, times: int) -> None:
        """Take what was tidied up after others, and how often."""

    def transaction_ended(self, tries: int) -> None:
        """Take how often a transaction was tried until it was committed or given up."""


class Nobody:
    """An observer that does not care."""

    def group_decided(self, waits_seconds: Sequence[float], granted: int, seconds: float) -> None:
        """Forget it."""

    def sold(self, purchases: int, units: int) -> None:
        """Forget it."""

    def recovered(self, action: str, times: int) -> None:
        """Forget it."""

    def transaction_ended(self, tries: int) -> None:
        """Forget it."""


def tell(observer: Observer, movements: Iterable[Movement]) -> None:
    """Tell of the sales, and of the holds that ran out, among movements that are certain now."""
    entries = [movement.entry for movement in movements]
    sales = [entry for entry in entries if entry.units_sold]
    if sales:
        purchases = {entry.purchase_id or entry.operation_id for entry in sales}
        observer.sold(len(purchases), sum(entry.units_sold for entry in sales))
    expired = {entry.reservation_id for entry in entries if entry.kind is Kind.EXPIRY}
    if expired:
        observer.recovered("hold_expired", len(expired))
