"""Examines the products of one span at one moment: their ledgers go by once, as a stream.

What movements speak of is fetched for some hundreds of them together; of a product with millions of
movements no more is ever held than that.
"""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from operator import attrgetter

from inventory import limits
from inventory.domain.integrity.documents import SoldLine, judge, sale_of
from inventory.domain.integrity.history import Placed
from inventory.domain.integrity.problems import Code, Findings, Problem
from inventory.domain.integrity.product import ProductCheck, ProductRecord, is_suspect
from inventory.domain.movements import Entry, Movement
from inventory.repository.auditing import Moment
from inventory.repository.spans import Span


class OutOfTime(Exception):
    """The deadline came before the end."""


class Examination:
    """What is found about the products of a span."""

    def __init__(
        self,
        moment: Moment,
        span: Span,
        records: Iterable[ProductRecord],
        deadline: float | None = None,
    ) -> None:
        self._moment = moment
        self._records = records
        self._span = span
        self._deadline = deadline
        self._checks: dict[str, ProductCheck] = {}
        self._waiting: list[tuple[Placed, Findings]] = []
        self._matched = 0
        # Movements that the ledger does not have yet, and lines that are told of already.
        self._unarchived: dict[tuple[str, int], Entry] = {}
        self._misplaced: set[tuple[str, str]] = set()

    def run(self) -> list[ProductCheck]:
        """Return the check of each product, all of it done but its conclusion.

        Raises `OutOfTime` and `UnreadableDocument`.
        """
        rows = self._moment.rows(self._span)
        for record, own in _together(self._records, rows):
            check = self._checks[record.product_id] = ProductCheck(record)
            for placed in check.follow(own):
                self._wait(placed, check.findings)
        self._judge()
        self._match_returns()
        if self._moment.count_lines(self._span) != self._matched:
            self._find_strays()
        return list(self._checks.values())

    def _match_returns(self) -> None:
        restocked = self._moment.restocked(self._span)
        if restocked is not None:
            for product_id, check in self._checks.items():
                check.match_returns(restocked.get(product_id, 0))

    def _wait(self, placed: Placed, findings: Findings) -> None:
        self._waiting.append((placed, findings))
        if not placed.archived:
            movement = placed.movement
            self._unarchived[movement.product_id, movement.version] = movement.entry
        if len(self._waiting) >= limits.CHECK_ROWS:
            self._judge()

    def _judge(self) -> None:
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise OutOfTime
        documents = self._moment.documents(placed.movement.entry for placed, _ in self._waiting)
        for placed, findings in self._waiting:
            line = judge(placed, documents, findings)
            if line is not None:
                self._matched += 1
                if line.stock_version != placed.movement.version:
                    self._misplaced.add((line.purchase_id, line.product_id))
        self._waiting.clear()

    def _find_strays(self) -> None:
        """Tell which lines of purchases no movement knows of; they are more than the movements."""
        stream = self._moment.lines(self._span)
        while lines := list(islice(stream, limits.CHECK_ROWS)):
            sales = self._moment.sales_at(lines)
            for line in lines:
                place = (line.product_id, line.stock_version)
                entry = sales[place].entry if place in sales else self._unarchived.get(place)
                known = entry is not None and sale_of(entry) == line.purchase_id
                if not known and (line.purchase_id, line.product_id) not in self._misplaced:
                    self._tell_stray(line)

    def _tell_stray(self, line: SoldLine) -> None:
        product_id = line.product_id
        if product_id not in self._checks:
            self._checks[product_id] = ProductCheck(ProductRecord(product_id))
        self._checks[product_id].findings.add(
            Code.PURCHASE_WITHOUT_MOVEMENT,
            f"No movement tells of the purchase {line.purchase_id}.",
            purchase_id=line.purchase_id,
            version=line.stock_version,
        )


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at a span came to: how many products are in it, and what is wrong."""

    checked: int
    problems: list[Problem]


def look_over(moment: Moment, span: Span) -> Looked:
    """Check a span: the database looks it over, and whoever is suspect is examined closely.

    Raises `UnreadableDocument`.
    """
    records = moment.records(span)
    summaries = moment.summaries(span)
    lost = moment.suspects(span)
    restocked = moment.restocked(span)
    if summaries is None or lost is None or restocked is None:
        return examine(moment, span, records)
    known = {record.product_id: record for record in records}
    suspects = lost | (summaries.keys() - known.keys())
    suspects |= {id for id, record in known.items() if is_suspect(record, summaries.get(id))}
    suspects |= {id for id, one in summaries.items() if one.restocked != restocked.get(id, 0)}
    if len(suspects) > limits.CHECK_SINGLY_MAX:
        return examine(moment, span, records)
    checked = len(known.keys() | suspects)
    found = [
        examine(moment, Span.only(id), [known[id]] if id in known else [])
        for id in sorted(suspects, reverse=True)
    ]
    return Looked(checked, [problem for looked in found for problem in looked.problems])


def examine(
    moment: Moment, span: Span, records: Iterable[ProductRecord], deadline: float | None = None
) -> Looked:
    """Examine every product of a span closely; raise `OutOfTime` and `UnreadableDocument`."""
    checks = Examination(moment, span, records, deadline).run()
    return Looked(len(checks), [problem for check in checks for problem in check.conclude()])


def _together(
    records: Iterable[ProductRecord], rows: Iterable[Movement]
) -> Iterator[tuple[ProductRecord, Iterable[Movement]]]:
    """Yield each product with its rows, the greatest id first; either may be without the other."""
    waiting = deque(records)
    for product_id, own in groupby(rows, key=attrgetter("product_id")):
        while waiting and waiting[0].product_id > product_id:
            yield waiting.popleft(), ()
        found = waiting and waiting[0].product_id == product_id
        yield waiting.popleft() if found else ProductRecord(product_id), own
    while waiting:
        yield waiting.popleft(), ()
