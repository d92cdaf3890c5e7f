"""What can be wrong with the books, and how it is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class Code(StrEnum):
    """What is wrong, for programs; these never change."""

    # The ledger and the tail by themselves.
    VERSION_GAP = "version_gap"
    BALANCE_CHAIN_BROKEN = "balance_chain_broken"
    HELD_CHAIN_BROKEN = "held_chain_broken"
    OPENING_MISSING = "opening_missing"
    ENTRY_CONTRADICTS_KIND = "entry_contradicts_kind"
    TIME_GOES_BACK = "time_goes_back"
    TAIL_DIFFERS_FROM_LEDGER = "tail_differs_from_ledger"
    HELD_NEGATIVE = "held_negative"
    OVERSOLD = "oversold"
    # The counters beside the ledger, the holds and the catalogue.
    AVAILABLE_DIFFERS = "available_differs"
    HELD_DIFFERS = "held_differs"
    VERSION_DIFFERS = "version_differs"
    HEADROOM_DIFFERS = "headroom_differs"
    HOLDS_DIFFER = "holds_differ"
    TERMS_DIFFER = "terms_differ"
    CLOSED_DIFFERS = "closed_differs"
    STOCK_MISSING = "stock_missing"
    STOCK_WITHOUT_PRODUCT = "stock_without_product"
    MOVEMENTS_WITHOUT_PRODUCT = "movements_without_product"
    # Business documents beside their movements.
    PURCHASE_MISSING = "purchase_missing"
    PURCHASE_DIFFERS = "purchase_differs"
    PURCHASE_WITHOUT_MOVEMENT = "purchase_without_movement"
    RETURNED_DIFFERS = "returned_differs"
    RETURNED_EXCEEDS_PURCHASED = "returned_exceeds_purchased"
    RESTOCKED_DIFFERS = "restocked_differs"
    RESERVATION_MISSING = "reservation_missing"
    RESERVATION_WITHOUT_PURCHASE = "reservation_without_purchase"
    # A document that is not of the shape that the service writes.
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; `facts` are what a program may need to look into it."""

    code: Code
    product_id: str | None
    detail: str
    facts: Mapping[str, Any] = field(default_factory=dict)


class Findings:
    """What was found about one product: of each code the first, and how often there are more.

    However much is wrong, this stays small: a ledger of a million bad rows is one problem.
    """

    def __init__(self, product_id: str) -> None:
        self.product_id = product_id
        self._first: dict[Code, Problem] = {}
        self._count: dict[Code, int] = {}
        # Sales by themselves whose purchase is missing: their movements know all about them.
        self.lost_sales: set[str] = set()

    def add(self, code: Code, detail: str, **facts: Any) -> None:
        """Note a problem."""
        self._first.setdefault(code, Problem(code, self.product_id, detail, facts))
        self._count[code] = self._count.get(code, 0) + 1

    def has(self, code: Code) -> bool:
        """Tell whether there is a problem of this code."""
        return code in self._first

    def problems(self) -> list[Problem]:
        """Return one problem of each code; where there are more of it, they are counted."""
        return [self._told(problem) for problem in self._first.values()]

    def _told(self, problem: Problem) -> Problem:
        more = self._count[problem.code] - 1
        if not more:
            return problem
        detail = f"{problem.detail} And {more} more like it."
        return replace(problem, detail=detail, facts={**problem.facts, "count": more + 1})
