"""Checks of the books: of one product, or of all that there are, while the shop goes on."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from inventory import limits
from inventory.domain.integrity.problems import Code, Problem
from inventory.domain.integrity.product import ProductCheck
from inventory.errors import ProductNotFound
from inventory.repository.auditing import AuditRepository, Span
from inventory.repository.evidence import UnreadableDocument
from inventory.repository.mongo import object_id
from inventory.services.examining import Examination, OutOfTime

Progress = Callable[[int], None]


def _unseen(_: int) -> None:
    """Nobody watches."""


@dataclass(slots=True)
class Report:
    """What a check came to.

    `problems` are the first of `problems_total`. A check that was not `complete` goes on below the
    product `next_id`; where there is none, the next product alone is too much for its time.
    """

    checked: int = 0
    problems: list[Problem] = field(default_factory=list)
    problems_total: int = 0
    complete: bool = False
    next_id: str | None = None

    @property
    def ok(self) -> bool:
        """Whether something was checked, or there was nothing to check, and nothing is wrong."""
        return not self.problems_total and (self.complete or self.checked > 0)

    def add(self, problems: Iterable[Problem]) -> None:
        """Count problems, and keep them while there are not too many."""
        for problem in problems:
            self.problems_total += 1
            if len(self.problems) < limits.PROBLEMS_KEPT_MAX:
                self.problems.append(problem)


class Auditing:
    """Whether the books hold together."""

    def __init__(self, books: AuditRepository) -> None:
        self._books = books

    def count_products(self) -> int:
        """Return about how many products a check of all will be of."""
        return self._books.count_products()

    def check_product(self, product_id: str, seconds: float | None = None) -> Report:
        """Check one product and the documents that speak of it, deleted products included.

        If it takes longer than `seconds` the report is not complete and says nothing. Raises
        `ProductNotFound` where nothing at all is known of it, and `StorageUnavailable`.
        """
        report = Report()
        try:
            check = self.examine(product_id, _deadline(seconds))
        except OutOfTime:
            return report
        except UnreadableDocument as problem:
            report.add([_unreadable(problem, product_id)])
        else:
            report.add(check.conclude())
        report.checked, report.complete = 1, True
        return report

    def examine(self, product_id: str, deadline: float | None = None) -> ProductCheck:
        """Return the check of one product, all of it done but its conclusion.

        Raises `ProductNotFound`, `OutOfTime`, `UnreadableDocument` and `StorageUnavailable`.
        """
        if object_id(product_id) is None:
            raise ProductNotFound(product_id)
        with self._books.moment() as moment:
            checks = Examination(moment, Span.only(product_id), deadline).run()
        if not checks:
            raise ProductNotFound(product_id)
        return checks[0]

    def check_all(
        self,
        progress: Progress = _unseen,
        *,
        seconds: float | None = None,
        below: str | None = None,
        at_once: int = limits.CHECK_PRODUCTS,
    ) -> Report:
        """Check all products, the newest first, those `below` an id if one is given.

        Each `at_once` of them are read at one moment of their own, so however long it takes no
        moment grows too old to be read. After `seconds` nothing new is begun. `progress` hears how
        many more were checked. Raises `StorageUnavailable`.
        """
        report, deadline = Report(), _deadline(seconds)
        high, singly = below, 0
        while True:
            try:
                span, problems, checked = self._next(high, 1 if singly else at_once, deadline)
            except OutOfTime:
                report.next_id = high if report.checked else None
                return report
            except UnreadableDocument as problem:
                if not singly:
                    # One of them cannot be read: it is found by reading them one by one.
                    singly = at_once
                    continue
                span, problems, checked = self._beyond(high, problem)
            singly = max(0, singly - 1)
            report.add(problems)
            report.checked += checked
            progress(checked)
            if span.low is None:
                report.complete = True
                return report
            high = span.low

    def _next(
        self, high: str | None, count: int, deadline: float | None
    ) -> tuple[Span, list[Problem], int]:
        if deadline is not None and time.monotonic() > deadline:
            raise OutOfTime
        with self._books.moment() as moment:
            span = moment.next_span(high, count)
            checks = Examination(moment, span, deadline).run()
        problems = [problem for check in checks for problem in check.conclude()]
        return span, problems, len(checks)

    def _beyond(
        self, high: str | None, problem: UnreadableDocument
    ) -> tuple[Span, list[Problem], int]:
        """Return what to say of the product that cannot be read, to go on after it."""
        with self._books.moment() as moment:
            span = moment.next_span(high, 1)
        return span, [_unreadable(problem, span.low)], 1


def _deadline(seconds: float | None) -> float | None:
    return None if seconds is None else time.monotonic() + seconds


def _unreadable(problem: UnreadableDocument, product_id: str | None) -> Problem:
    detail = f"The document {problem.id} of {problem.collection} is not of the shape it should be."
    facts = {"collection": problem.collection, "id": problem.id}
    return Problem(Code.UNREADABLE, product_id, detail, facts)
