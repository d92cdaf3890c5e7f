"""The verdict on a rehearsal: what buyers were told, held against the ledger. No I/O.

The stock of a rehearsal only ever falls, so what is left at the end could be had all the time.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from inventory.domain.movements import Kind, Movement
from inventory.domain.purchases import Purchase
from inventory.domain.rehearsals import Check, Heard, Plan, Verdict
from inventory.errors import InsufficientStock

# Of what is wrong, so much is told; one is enough to begin to look.
_TOLD_MAX = 3


def judge(
    plan: Plan, heard: Sequence[Heard], ledger: Sequence[Movement], flaws: Sequence[str]
) -> Verdict:
    """Judge a rehearsal by what was heard and by the books of its product.

    The ledger begins with its first row; `flaws` are what a check of the books found wrong.
    """
    rows = [row for row in ledger if row.entry.is_purchase]
    sold = sum(row.entry.units_sold for row in rows)
    stocked = ledger[0].entry.delta if ledger else 0
    left = ledger[-1].balance if ledger else 0
    checks = (
        _every_order_was_answered(heard),
        _units_add_up(plan, sold, left, stocked),
        _nothing_was_oversold(heard, ledger, stocked),
        _sales_are_recorded_once(heard, rows),
        _nothing_else_is_recorded(heard, ledger),
        _repeats_were_answered_alike(heard),
        _refusals_were_necessary(heard, left),
        _books_are_whole(flaws),
    )
    return Verdict(sold, left, stocked, checks)


def _check(name: str, wrong: Sequence[str], right: str) -> Check:
    if not wrong:
        return Check(name, True, right)
    more = len(wrong) - _TOLD_MAX
    told = [*wrong[:_TOLD_MAX], *([f"And {more} more like it."] if more > 0 else [])]
    return Check(name, False, " ".join(told))


def _acknowledged(heard: Sequence[Heard]) -> dict[str, Purchase]:
    """Return the purchases that buyers were told of, by their ids."""
    told = [answer.purchase for one in heard for answer in one.answers]
    return {purchase.id: purchase for purchase in told if purchase is not None}


def _every_order_was_answered(heard: Sequence[Heard]) -> Check:
    sent = sum(one.sent for one in heard)
    wrong = [
        f"The order of {one.customer_id} was sent {one.sent} times and answered "
        f"{len(one.answers)} times within the time."
        for one in heard
        if len(one.answers) != one.sent
    ]
    right = (
        f"{len(heard)} orders, and {sent - len(heard)} that were sent again: all have an answer."
    )
    return _check("every_order_was_answered", wrong, right)


def _units_add_up(plan: Plan, sold: int, left: int, stocked: int) -> Check:
    told = f"{sold} sold and {left} left, of {stocked}."
    wrong = [] if sold + left == stocked == plan.stock else [told]
    return _check("units_add_up", wrong, told)


def _nothing_was_oversold(
    heard: Sequence[Heard], ledger: Sequence[Movement], stocked: int
) -> Check:
    wrong = [f"The stock was {row.balance} at one time." for row in ledger if row.balance < 0]
    told = _units(_acknowledged(heard).values())
    if told > stocked:
        wrong.append(f"Buyers were told of {told} units, and there were {stocked}.")
    least = min((row.balance for row in ledger), default=0)
    return _check("nothing_was_oversold", wrong, f"The stock never fell below {least}.")


def _sales_are_recorded_once(heard: Sequence[Heard], rows: Sequence[Movement]) -> Check:
    wrong = []
    acknowledged = _acknowledged(heard)
    for purchase in acknowledged.values():
        found = [row for row in rows if row.entry.operation_id == purchase.id]
        if len(found) != 1:
            wrong.append(f"The purchase {purchase.id} has {len(found)} rows.")
        elif found[0].entry.units_sold != _units([purchase]):
            wrong.append(f"The purchase {purchase.id} has a row of another quantity.")
    for one in heard:
        told = {answer.purchase.id for answer in one.answers if answer.purchase is not None}
        if len(told) > 1:
            wrong.append(f"{one.customer_id} bought {len(told)} times with one order.")
    right = f"Each of {len(acknowledged)} purchases has one row, of its quantity."
    return _check("sales_are_recorded_once", wrong, right)


def _nothing_else_is_recorded(heard: Sequence[Heard], ledger: Sequence[Movement]) -> Check:
    """Nobody knows of a purchase without an answer whether it happened, so it may have, once."""
    acknowledged = _acknowledged(heard)
    unknown = {one.customer_id for one in heard if not one.answers}
    wrong = []
    for number, row in enumerate(ledger):
        entry = row.entry
        if entry.operation_id in acknowledged or (number == 0 and entry.kind is Kind.OPENING):
            continue
        if entry.is_purchase and entry.customer_id in unknown:
            unknown.discard(entry.customer_id)
            continue
        wrong.append(f"Nobody here was told of the {entry.kind} {entry.operation_id}.")
    right = f"{len(ledger)} rows: the opening stock, and what buyers were told."
    return _check("nothing_else_is_recorded", wrong, right)


def _repeats_were_answered_alike(heard: Sequence[Heard]) -> Check:
    wrong = [
        f"{one.customer_id} sent one order twice and was told two different things."
        for one in heard
        if any(first.facts != second.facts for first, second in pairwise(one.answers))
    ]
    repeated = sum(max(0, len(one.answers) - 1) for one in heard)
    right = f"{repeated} repeats were answered as the first time."
    return _check("repeats_were_answered_alike", wrong, right)


def _refusals_were_necessary(heard: Sequence[Heard], left: int) -> Check:
    refused = [
        (one, answer.refusal)
        for one in heard
        for answer in one.answers[:1]
        if answer.refusal is not None
    ]
    wrong = []
    for one, refusal in refused:
        wanted = one.order.quantity
        if refusal.code != InsufficientStock.code:
            wrong.append(f"{one.customer_id} was refused for another reason: {refusal.code}.")
        elif wanted <= max(left, refusal.details["available"]):
            wrong.append(f"{one.customer_id} was refused {wanted}, and as many were there.")
    right = f"{len(refused)} were refused what was not there."
    return _check("refusals_were_necessary", wrong, right)


def _books_are_whole(flaws: Sequence[str]) -> Check:
    return _check("books_are_whole", flaws, "Counters, ledger and purchases agree.")


def _units(purchases: Iterable[Purchase]) -> int:
    return sum(line.quantity for purchase in purchases for line in purchase.lines)
