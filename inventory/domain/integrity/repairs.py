"""What can be put right again, because something else still knows what was lost or is wrong.

Nothing is invented and the ledger is never touched: counters follow from a ledger and tail that
are whole, terms and closing from the catalogue, the purchase of one product from its movement.
Whatever else is wrong needs a person, who can find out what really happened.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from inventory.domain.integrity.problems import Code, Problem
from inventory.domain.integrity.product import ProductCheck, ProductRecord, SaleTerms

_NUMBERS = {
    Code.AVAILABLE_DIFFERS: "available",
    Code.HELD_DIFFERS: "held",
    Code.VERSION_DIFFERS: "version",
}
_FIELDS = {**_NUMBERS, Code.HEADROOM_DIFFERS: "headroom"}
# While one of these is told, the ledger does not say for certain what the counters must be.
_UNCERTAIN = frozenset(
    {
        Code.OPENING_MISSING,
        Code.ENTRY_CONTRADICTS_KIND,
        Code.TAIL_DIFFERS_FROM_LEDGER,
        Code.HELD_NEGATIVE,
        Code.PURCHASE_WITHOUT_MOVEMENT,
    }
)


@dataclass(frozen=True, slots=True)
class CountersRepair:
    """Fields of a product's counters, and what they have to be; `record` is what was checked."""

    record: ProductRecord
    numbers: Mapping[str, int] = field(default_factory=dict)
    terms: SaleTerms | None = None
    closed: bool | None = None

    def __str__(self) -> str:
        told = [f"{name} to {number}" for name, number in self.numbers.items()]
        told += ["terms to those of the catalogue"] if self.terms else []
        told += [f"closed to {self.closed}"] if self.closed is not None else []
        return f"set {', '.join(told)}"


@dataclass(frozen=True, slots=True)
class PurchaseRepair:
    """Purchases that have to be read off their movements once more."""

    product_id: str
    operation_ids: tuple[str, ...]

    def __str__(self) -> str:
        return f"write purchases that their movements tell of: {len(self.operation_ids)}"


@dataclass(frozen=True, slots=True)
class TailRepair:
    """A tail that nobody has carried into the ledger for a while."""

    product_id: str
    entries: int

    def __str__(self) -> str:
        return f"carry into the ledger what it lacks of the entries in the tail: {self.entries}"


Repair = CountersRepair | PurchaseRepair | TailRepair


@dataclass(frozen=True, slots=True)
class Plan:
    """What can be put right about one product, and what needs a person."""

    repairs: tuple[Repair, ...] = ()
    unsolved: tuple[Problem, ...] = ()


def plan(check: ProductCheck, problems: Sequence[Problem]) -> Plan:
    """Return what to do about the problems that a check has found."""
    by_code = {problem.code: problem for problem in problems}
    counters, solved = _counters(check, by_code)
    repairs: list[Repair] = [] if counters is None else [counters]
    if lost := tuple(sorted(check.findings.lost_sales)):
        repairs.append(PurchaseRepair(check.record.product_id, lost))
        if by_code[Code.PURCHASE_MISSING].facts.get("count", 1) == len(lost):
            solved.add(Code.PURCHASE_MISSING)
    unsolved = tuple(problem for problem in problems if problem.code not in solved)
    return Plan(tuple(repairs), unsolved)


def _counters(
    check: ProductCheck, problems: Mapping[Code, Problem]
) -> tuple[CountersRepair | None, set[Code]]:
    """Return how to put counters right, and which problems that solves."""
    record = check.record
    if record.counters is None or record.terms is None:
        return None, set()
    solved = {Code.TERMS_DIFFER, Code.CLOSED_DIFFERS} & problems.keys()
    if _is_certain(check, problems):
        solved |= _NUMBERS.keys() & problems.keys()
    if _NUMBERS.keys() & problems.keys() <= solved:
        # Without the ledger, headroom follows from a stock that nothing speaks against.
        solved |= {Code.HEADROOM_DIFFERS} & problems.keys()
    numbers = {
        name: int(problems[code].facts["due"]) for code, name in _FIELDS.items() if code in solved
    }
    terms = record.terms if Code.TERMS_DIFFER in solved else None
    closed = record.deleted if Code.CLOSED_DIFFERS in solved else None
    return (CountersRepair(record, numbers, terms, closed) if solved else None), solved


def _is_certain(check: ProductCheck, problems: Mapping[Code, Problem]) -> bool:
    """Tell whether ledger and tail say for certain what the counters must be."""
    history, counters = check.history, check.record.counters
    assert counters is not None
    whole = history.is_sound and history.ends_with_tail and not check.lacks_rows(counters)
    return whole and not _UNCERTAIN & problems.keys()
