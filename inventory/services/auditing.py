"""Checks of the books: of one product, or of all that there are, while the shop goes on."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

from inventory import limits
from inventory.domain.integrity.problems import Code, Problem
from inventory.domain.integrity.product import ProductCheck, Units
from inventory.errors import Overloaded, ProductNotFound
from inventory.repository.auditing import AuditRepository
from inventory.repository.evidence import UnreadableDocument
from inventory.repository.mongo import object_id
from inventory.repository.spans import Span
from inventory.services.examining import Examination, Looked, OutOfTime, examine, look_over

Progress = Callable[[int], None]


def _unseen(_: int) -> None:
    """Nobody watches."""


@dataclass(slots=True)
class Report:
    """What a check came to.

    `problems` are the first of `problems_total`. A check that was not `complete` goes on below the
    product `next_id`; where there is none, the next product alone is too much for its time.
    `units` are those of the one product that was asked for.
    """

    checked: int = 0
    problems: list[Problem] = field(default_factory=list)
    problems_total: int = 0
    complete: bool = False
    next_id: str | None = None
    units: Units | None = None

    @property
    def ok(self) -> bool:
        """Whether something was checked, or there was nothing to check, and nothing is wrong."""
        return not self.problems_total and (self.complete or self.checked > 0)

    def count(self, looked: Looked) -> None:
        """Take over what a look at some products came to."""
        self.checked += looked.checked
        self.add(looked.problems)

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
        self._busy = threading.Lock()

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
            report.units = check.units()
        report.checked, report.complete = 1, True
        return report

    def examine(self, product_id: str, deadline: float | None = None) -> ProductCheck:
        """Return the check of one product, all of it done but its conclusion.

        Raises `ProductNotFound`, `OutOfTime`, `UnreadableDocument` and `StorageUnavailable`.
        """
        if object_id(product_id) is None:
            raise ProductNotFound(product_id)
        span = Span.only(product_id)
        with self._books.moment() as moment:
            checks = Examination(moment, span, moment.records(span), deadline).run()
        if not checks:
            raise ProductNotFound(product_id)
        return checks[0]

    def check_some(self, seconds: float, below: str | None = None) -> Report:
        """Check products for so long, the newest first, those `below` an id if one is given.

        Raises `Overloaded` while another check like it goes on, and `StorageUnavailable`.
        """
        if not self._busy.acquire(blocking=False):
            raise Overloaded
        try:
            return self._check_until(time.monotonic() + seconds, below)
        finally:
            self._busy.release()

    def _check_until(self, deadline: float, high: str | None) -> Report:
        report = Report()
        while True:
            try:
                span, looked = self._examine_next(high, deadline)
            except OutOfTime:
                report.next_id = high if report.checked else None
                return report
            report.count(looked)
            if span.low is None:
                report.complete = True
                return report
            high = span.low

    def _examine_next(self, high: str | None, deadline: float) -> tuple[Span, Looked]:
        if time.monotonic() > deadline:
            raise OutOfTime
        with self._books.moment() as moment:
            span = moment.next_span(high, limits.CHECK_REQUEST_PRODUCTS)
            try:
                return span, examine(moment, span, moment.records(span), deadline)
            except UnreadableDocument:
                pass
        return span, self._one_by_one(span, deadline)

    def check_all(
        self, progress: Progress = _unseen, at_once: int = limits.CHECK_PRODUCTS
    ) -> Report:
        """Check all products, however many there are.

        Each `at_once` of them are read at one moment of their own, so however long it takes no
        moment grows too old to be read. `progress` hears how many more were checked. Raises
        `StorageUnavailable`.
        """
        report = Report(complete=True)
        pending: deque[Future[Looked]] = deque()

        def settle() -> None:
            looked = pending.popleft().result()
            report.count(looked)
            progress(looked.checked)

        with ThreadPoolExecutor(limits.CHECK_THREADS) as pool:
            for span in self._spans(at_once):
                pending.append(pool.submit(self._look_over, span))
                if len(pending) > limits.CHECK_THREADS:
                    settle()
            while pending:
                settle()
        self._check_returns(report)
        return report

    def _spans(self, count: int, high: str | None = None, low: str | None = None) -> Iterator[Span]:
        """Yield spans of `count` products each, from `high` down to `low`."""
        while True:
            with self._books.moment() as moment:
                span = moment.next_span(high, count)
            if span.low is None or (low is not None and span.low <= low):
                yield Span(low, high)
                return
            yield span
            high = span.low

    def _look_over(self, span: Span) -> Looked:
        try:
            with self._books.moment() as moment:
                return look_over(moment, span)
        except UnreadableDocument:
            return self._one_by_one(span)

    def _one_by_one(self, span: Span, deadline: float | None = None) -> Looked:
        """Examine each product of a span by itself, because one of them cannot be read."""
        checked, problems = 0, []
        for single in self._spans(1, span.high, span.low):
            try:
                with self._books.moment() as moment:
                    looked = examine(moment, single, moment.records(single), deadline)
            except UnreadableDocument as problem:
                looked = Looked(1, [_unreadable(problem, single.low)])
            checked += looked.checked
            problems += looked.problems
        return Looked(checked, problems)

    def _check_returns(self, report: Report) -> None:
        """Look for units that came back and are counted nowhere; nothing else leads to them."""
        told = {problem.product_id for problem in report.problems}
        high: str | None = None
        while True:
            with self._books.moment() as moment:
                span = moment.next_returned(high, limits.CHECK_PRODUCTS)
                suspects = moment.uncounted_returns(span)
            if suspects is None and Code.UNREADABLE not in {p.code for p in report.problems}:
                report.add([Problem(Code.UNREADABLE, None, "There is a return of no known shape.")])
            for product_id in sorted((suspects or set()) - told):
                told.add(product_id)
                with suppress(ProductNotFound):
                    report.add(self.check_product(product_id).problems)
            if span.low is None:
                return
            high = span.low


def _deadline(seconds: float | None) -> float | None:
    return None if seconds is None else time.monotonic() + seconds


def _unreadable(problem: UnreadableDocument, product_id: str | None) -> Problem:
    detail = f"The document {problem.id} of {problem.collection} is not of the shape it should be."
    facts = {"collection": problem.collection, "id": problem.id}
    return Problem(Code.UNREADABLE, product_id, detail, facts)
