"""Whether the books are exact: what the clients did and saw, held against what is on record.

Each rule looks at one product and yields what contradicts it. Pure: knows journals and books, and
neither files nor HTTP.

Times. A movement cannot have happened before its order was first sent, and must have happened when
the order was first answered. That bounds when each state of a product was the current one, and so
decides whether a refusal or a read tells of a state that was current while it was under way.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

from loadtests.books import OPENING, PURCHASE, Movement, ProductBooks, Sale
from loadtests.journal import (
    UNKNOWN_STATUSES,
    Answer,
    History,
    Order,
    OrderHistory,
    Outcome,
    Sighting,
)

IN_THE_CONTRACT = "answers are in the contract"
# 0 stands for no answer; to whom the service is too busy for, it may say so.
READ_STATUSES = {0, 200, 304, 429, *UNKNOWN_STATUSES}
EVER_BEFORE = float("-inf")
EVER_AFTER = float("inf")


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must not be; the rule's name, and what was found instead."""

    rule: str
    product_id: str
    found: str


@dataclass(frozen=True)
class Case:
    """All that is known about one product."""

    books: ProductBooks
    opening: int
    orders: Sequence[OrderHistory]
    sightings: Sequence[Sighting]

    @cached_property
    def sales(self) -> list[Movement]:
        """Return the movements that took something off for a customer."""
        return [movement for movement in self.books.movements if movement.kind == PURCHASE]

    @cached_property
    def rows(self) -> Mapping[str | None, list[Movement]]:
        """Return the sales by the key under which they were ordered."""
        rows: dict[str | None, list[Movement]] = defaultdict(list)
        for movement in self.sales:
            rows[movement.reference].append(movement)
        return rows

    @cached_property
    def by_key(self) -> Mapping[str | None, OrderHistory]:
        """Return the orders by their keys."""
        return {history.order.key: history for history in self.orders}

    @cached_property
    def began(self) -> list[float]:
        """Return, movement by movement, the time before which its state cannot have been."""
        return list(accumulate(map(self._sent_at, self.books.movements), max))

    @cached_property
    def ended(self) -> list[float]:
        """Return, movement by movement, the time from which on its state was certainly over."""
        later = [self._answered_at(movement) for movement in self.books.movements[1:]]
        soonest = list(accumulate([EVER_AFTER, *reversed(later)], min))[::-1]
        return soonest[: len(self.books.movements)]

    def current_between(self, start: float, end: float) -> Sequence[Movement]:
        """Return the movements whose state can have been the current one between two times."""
        first, last = bisect_left(self.ended, start), bisect_right(self.began, end)
        return self.books.movements[first:last]

    def _sent_at(self, movement: Movement) -> float:
        history = self.by_key.get(movement.reference)
        return EVER_BEFORE if history is None else history.sent_at

    def _answered_at(self, movement: Movement) -> float:
        history = self.by_key.get(movement.reference)
        if history is None or history.outcome is not Outcome.SOLD:
            return EVER_AFTER
        return history.answers[0].at


Rule = Callable[[Case], Iterator[str]]


def judge(history: History, books: Mapping[str, ProductBooks]) -> list[Violation]:
    """Return everything that the books contradict, product by product; empty if they are exact."""
    orders: dict[str, list[OrderHistory]] = defaultdict(list)
    sightings: dict[str, list[Sighting]] = defaultdict(list)
    for order in history.orders:
        orders[order.order.product_id].append(order)
    for sighting in history.sightings:
        sightings[sighting.product_id].append(sighting)
    violations = [
        Violation(name, product_id, found)
        for product_id, opening in history.openings.items()
        for name, rule in RULES.items()
        for found in rule(
            Case(books[product_id], opening, orders[product_id], sightings[product_id])
        )
    ]
    odd = Counter(read.status for read in history.reads if read.status not in READ_STATUSES)
    return violations + [
        Violation(IN_THE_CONTRACT, "any", f"{count} reads answered {status}")
        for status, count in odd.items()
    ]


def _versions_have_no_gap(case: Case) -> Iterator[str]:
    versions = [movement.version for movement in case.books.movements]
    if not versions or versions[0] != 1:
        yield f"the ledger begins with version {versions[0] if versions else None}"
    for before, after in pairwise(versions):
        if after != before + 1:
            yield f"version {before} is followed by {after}"
    if versions and versions[-1] != case.books.version:
        yield f"the ledger ends with version {versions[-1]}, the counters say {case.books.version}"


def _balances_add_up(case: Case) -> Iterator[str]:
    balance = 0
    for movement in case.books.movements:
        balance += movement.delta
        if movement.balance != balance:
            yield (
                f"version {movement.version} says {movement.balance}, "
                f"its movements add up to {balance}"
            )
            balance = movement.balance
    if case.books.available != balance:
        yield f"{case.books.available} are available, the ledger says {balance}"


def _stock_never_falls_below_zero(case: Case) -> Iterator[str]:
    for movement in case.books.movements:
        if movement.balance < 0:
            yield f"{movement.balance} after version {movement.version}"
    if case.books.available < 0:
        yield f"{case.books.available} are available"


def _units_sold_are_units_gone(case: Case) -> Iterator[str]:
    gone = case.opening - case.books.available
    sold = sum(o.order.quantity for o in case.orders if o.outcome is Outcome.SOLD)
    if gone != sold:
        yield f"{gone} units are gone, {sold} were sold"


def _what_was_sold_is_booked_once(case: Case) -> Iterator[str]:
    for history in case.orders:
        rows = case.rows.get(history.order.key, [])
        if len(rows) > 1:
            yield f"{history.order.key} is in the ledger {len(rows)} times"
        elif history.outcome is Outcome.SOLD and not rows:
            yield f"{history.order.key} was sold and is not in the ledger"
        elif history.outcome is Outcome.SOLD:
            yield from _differences(case, history.order, history.answers[0], rows[0])


def _differences(case: Case, order: Order, answer: Answer, row: Movement) -> Iterator[str]:
    """Hold the answer and the purchase on record against the row of the ledger."""
    booked = Sale(row.id, -row.delta, row.balance, row.version, row.reference)
    if booked.quantity != order.quantity:
        yield f"{order.key} ordered {order.quantity}, {booked.quantity} were booked"
    for name, sale in (
        ("was answered", Sale.of(answer.document)),
        ("is on record as", case.books.sales.get(row.id)),
    ):
        if sale != booked:
            yield f"{order.key} {name} {sale}, the ledger says {booked}"


def _what_is_booked_was_ordered(case: Case) -> Iterator[str]:
    for movement in case.books.movements[1:]:
        history = case.by_key.get(movement.reference)
        if movement.kind != PURCHASE or history is None:
            yield f"nobody ordered version {movement.version}: {movement}"
        elif history.outcome is Outcome.REFUSED:
            yield f"{movement.reference} was refused and is version {movement.version}"
    for movement in case.books.movements[:1]:
        if (movement.kind, movement.delta) != (OPENING, case.opening):
            yield f"opened with {case.opening}, the ledger begins with {movement}"


def _replays_repeat_the_answer(case: Case) -> Iterator[str]:
    for history in case.orders:
        answers = history.answers
        if len({(answer.status, answer.body) for answer in answers}) > 1:
            told = "; ".join(f"{answer.status} {answer.body}" for answer in answers)
            yield f"{history.order.key} was answered differently: {told}"
        if sum(not answer.replayed for answer in answers) > 1:
            yield f"{history.order.key} was carried out twice, as far as its answers say"


def _every_order_is_answered(case: Case) -> Iterator[str]:
    for history in case.orders:
        if history.outcome is Outcome.UNKNOWN:
            yield f"nobody knows what became of {history.order.key}"


def _answers_are_in_the_contract(case: Case) -> Iterator[str]:
    for history in case.orders:
        for attempt in history.attempts:
            if attempt.answer is not None and attempt.outcome is Outcome.UNEXPECTED:
                yield f"{history.order.key}: {attempt.answer.status} {attempt.answer.body[:200]}"


def _refusals_were_necessary(case: Case) -> Iterator[str]:
    for history in case.orders:
        if history.outcome is not Outcome.REFUSED:
            continue
        order, answer = history.order, history.answers[0]
        told = answer.document.get("available")
        balances = {m.balance for m in case.current_between(history.sent_at, answer.at)}
        if answer.document.get("requested") != order.quantity:
            yield f"{order.key} asked for {order.quantity}: {answer.body}"
        elif not isinstance(told, int) or told >= order.quantity:
            yield f"{order.key} was refused {order.quantity} of {told}"
        elif told not in balances:
            yield (
                f"{order.key} was refused {order.quantity} of {told}, while the stock was "
                f"{_range(balances)}"
            )


def _sales_keep_the_order_of_time(case: Case) -> Iterator[str]:
    for movement, over in zip(case.books.movements, case.ended, strict=True):
        history = case.by_key.get(movement.reference)
        if history is not None and history.sent_at > over:
            yield f"version {movement.version} was sent after a later version had been answered"


def _reads_are_current(case: Case) -> Iterator[str]:
    for sighting in case.sightings:
        states = case.current_between(sighting.sent_at, sighting.answered_at)
        if (sighting.version, sighting.stock) not in {(m.version, m.balance) for m in states}:
            yield (
                f"a read showed {sighting.stock} at version {sighting.version}, while the version "
                f"was {_range({m.version for m in states})}"
            )


def _range(numbers: set[int]) -> str:
    if not numbers:
        return "none that can have been"
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"


RULES: dict[str, Rule] = {
    "versions have no gap": _versions_have_no_gap,
    "balances add up": _balances_add_up,
    "stock never falls below zero": _stock_never_falls_below_zero,
    "units sold are units gone": _units_sold_are_units_gone,
    "what was sold is booked once": _what_was_sold_is_booked_once,
    "what is booked was ordered": _what_is_booked_was_ordered,
    "replays repeat the answer": _replays_repeat_the_answer,
    "every order is answered": _every_order_is_answered,
    IN_THE_CONTRACT: _answers_are_in_the_contract,
    "refusals were necessary": _refusals_were_necessary,
    "sales keep the order of time": _sales_keep_the_order_of_time,
    "reads are current": _reads_are_current,
}
