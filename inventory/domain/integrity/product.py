"""A product's whole record: what catalogue, counters, history and holds say about each other."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from decimal import Decimal

from inventory import limits
from inventory.domain.integrity.history import History, Placed, Summary
from inventory.domain.integrity.problems import Code, Findings, Problem
from inventory.domain.movements import Entry, Movement
from inventory.domain.products import CustomerLimit
from inventory.domain.stock import Snapshot

_NO_TAIL: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class SaleTerms:
    """What counters know of a product's terms, so that a sale needs no second read."""

    price: Decimal
    currency: str
    oversell_limit: int
    low_stock_threshold: int
    order_max: int
    customer_limit: CustomerLimit | None

    @classmethod
    def of(cls, counters: Snapshot) -> "SaleTerms":
        """Return the terms that counters go by."""
        return cls(*(getattr(counters, term.name) for term in fields(cls)))

    def differing(self, other: "SaleTerms") -> list[str]:
        """Return the names of the terms that differ."""
        names = [term.name for term in fields(self)]
        return [name for name in names if getattr(self, name) != getattr(other, name)]


@dataclass(frozen=True, slots=True)
class ProductRecord:
    """What is on record about one product at one moment, besides its ledger.

    `terms` are those of the catalogue, or of when it was `deleted`; None if it never was there.
    `headroom` is the stored one; `held` counts the units of all open reservations, of those that
    have run out and were not tidied up as well, because their units are still held.
    """

    product_id: str
    terms: SaleTerms | None = None
    deleted: bool = False
    counters: Snapshot | None = None
    headroom: int = 0
    held: int = 0

    @property
    def tail(self) -> tuple[Entry, ...]:
        """The entries that may not be in the ledger yet."""
        return self.counters.tail if self.counters else _NO_TAIL


@dataclass(frozen=True, slots=True)
class Units:
    """What became of all units: by right, `stocked` is what the others come to together.

    What was returned and is on sale again was stocked once more.
    """

    stocked: int
    sold: int
    available: int
    held: int


class ProductCheck:
    """One product's check: first its movements go by, then the rest is held against them."""

    def __init__(self, record: ProductRecord) -> None:
        self.record = record
        self.findings = Findings(record.product_id)
        self.history = History(self.findings)

    def follow(self, rows: Iterable[Movement]) -> Iterator[Placed]:
        """Yield all movements of ledger and tail in their order; `rows` are the ledger's."""
        return self.history.merged(rows, self.record.counters)

    def units(self) -> Units | None:
        """Return what became of all units; all movements have gone by."""
        counters, history = self.record.counters, self.history
        if counters is None:
            return None
        return Units(history.stocked, history.sold, counters.available, counters.held)

    def match_returns(self, restocked: int) -> None:
        """Hold the units that returns put on sale again against the movements, all gone by."""
        counters = self.record.counters
        whole = counters is not None and counters.version == self.history.version
        # What is lost is told by itself, be it a movement or a return.
        if not whole or not self.history.is_sound or self.findings.has(Code.RETURNED_DIFFERS):
            return
        if self.history.restocked != restocked:
            what = "units that are on sale again"
            self._differs(Code.RESTOCKED_DIFFERS, what, self.history.restocked, restocked)

    def conclude(self) -> list[Problem]:
        """Return what is wrong; all movements have gone by."""
        record = self.record
        if record.counters is None:
            self._without_counters()
            return self.findings.problems()
        self._match_ledger(record.counters)
        self._match_holds(record.counters)
        self._match_catalogue(record.counters)
        self._match_headroom()
        self._match_limit(record.counters)
        return self.findings.problems()

    def _without_counters(self) -> None:
        if self.record.terms is not None:
            self.findings.add(Code.STOCK_MISSING, "The product has no counters.")
        elif self.history.version:
            self.findings.add(
                Code.MOVEMENTS_WITHOUT_PRODUCT,
                "There are movements of a product that never was in the catalogue.",
                version=self.history.version,
            )
        elif self.record.held:
            self._differs(Code.HOLDS_DIFFER, "open reservations", self.record.held, 0)

    def _match_ledger(self, counters: Snapshot) -> None:
        last = self.history
        if not last.version:
            self.findings.add(Code.OPENING_MISSING, "The product has no movements.")
            return
        if counters.version != last.version:
            self._differs(Code.VERSION_DIFFERS, "version", counters.version, last.version)
        if self.lacks_rows(counters):
            # What they did is not known, so nothing follows.
            return
        if counters.available not in (last.balance, last.balance_due):
            self._differs(Code.AVAILABLE_DIFFERS, "available", counters.available, last.balance)
        if counters.held not in (last.held_balance, last.held_balance_due):
            self._differs(Code.HELD_DIFFERS, "held", counters.held, last.held_balance)

    def lacks_rows(self, counters: Snapshot) -> bool:
        """Tell whether counters know of movements that the ledger has lost at its end."""
        last = self.history
        agrees = (counters.available, counters.held) == (last.balance, last.held_balance)
        return counters.version > last.version and not agrees

    def _match_holds(self, counters: Snapshot) -> None:
        # Wrong counters are told by themselves; the ledger is what the holds must come to.
        held = self.history.held_balance if self.history.is_sound else counters.held
        if self.record.held not in (held, counters.held):
            self._differs(Code.HOLDS_DIFFER, "open reservations", self.record.held, held)

    def _match_catalogue(self, counters: Snapshot) -> None:
        terms = self.record.terms
        if terms is None:
            self.findings.add(
                Code.STOCK_WITHOUT_PRODUCT,
                "There are counters of a product that never was in the catalogue.",
            )
            return
        if names := terms.differing(SaleTerms.of(counters)):
            told = ", ".join(names)
            self.findings.add(
                Code.TERMS_DIFFER, f"Counters and catalogue differ in {told}.", terms=names
            )
        if counters.closed != self.record.deleted:
            state = "deleted" if self.record.deleted else "on sale"
            self.findings.add(
                Code.CLOSED_DIFFERS,
                f"The product is {state}, but its counters say closed: {counters.closed}.",
                closed=counters.closed,
            )

    def _match_headroom(self) -> None:
        due = self.headroom_due()
        if self.record.headroom != due:
            self._differs(Code.HEADROOM_DIFFERS, "headroom", self.record.headroom, due)

    def headroom_due(self) -> int:
        """Return what may still be sold, by what is most certain: ledger and catalogue."""
        record, counters = self.record, self.record.counters
        assert counters is not None
        limit = record.terms.oversell_limit if record.terms else counters.oversell_limit
        known = self.history.is_sound and self.history.version and not self.lacks_rows(counters)
        return (self.history.balance if known else counters.available) + limit

    def _match_limit(self, counters: Snapshot) -> None:
        """Tell of stock below what the limit allows, where no edit explains it.

        The limit may be lowered while stock is below zero, and then it stays there rightly. So only
        a product whose terms never changed is judged by its limit, and every movement of it is; of
        all others it is known that no limit was ever greater than the greatest there is.
        """
        untouched = counters.terms_version == 1
        limit = counters.oversell_limit if untouched else limits.OVERSELL_LIMIT_MAX
        if self.history.balance_min < -limit:
            lowest = self.history.balance_min
            self.findings.add(
                Code.OVERSOLD,
                f"The stock fell to {lowest}, and {-limit} is the least that was ever allowed.",
                balance=lowest,
            )

    def _differs(self, code: Code, what: str, found: int, due: int) -> None:
        detail = f"{what.capitalize()}: {found}, where the books come to {due}."
        self.findings.add(code, detail, found=found, due=due)


def is_suspect(record: ProductRecord, summary: Summary | None) -> bool:
    """Tell whether a product needs a close look, by what its ledger comes to.

    What waits in a tail is in no summary, so whoever has a tail is looked at.
    """
    if summary is None or not summary.is_sound or record.tail:
        return True
    checked = ProductCheck(record)
    checked.history.recall(summary)
    return bool(checked.conclude())


def check(record: ProductRecord, rows: Iterable[Movement]) -> list[Problem]:
    """Return what is wrong with a product, by its record and its ledger alone."""
    checked = ProductCheck(record)
    for _ in checked.follow(rows):
        pass
    return checked.conclude()
