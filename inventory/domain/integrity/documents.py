"""Purchases, returns and reservations beside the movements that they speak of."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from inventory import limits
from inventory.domain.integrity.history import Placed
from inventory.domain.integrity.problems import Code, Findings
from inventory.domain.movements import Entry, Kind
from inventory.domain.reservations import State

_SALES = (Kind.PURCHASE, Kind.COMMIT)


@dataclass(frozen=True, slots=True)
class SoldLine:
    """What a purchase says about one of its products."""

    purchase_id: str
    product_id: str
    quantity: int
    remaining_stock: int
    stock_version: int
    returned: int


@dataclass(frozen=True, slots=True)
class Held:
    """What became of a reservation."""

    state: State
    purchase_id: str | None


@dataclass(frozen=True, slots=True)
class Documents:
    """The documents that some movements speak of, as they are at the same moment.

    `lines` and `returned` are by purchase and product, `reservations` by id; `purchases` are the
    ids of those that exist.
    """

    purchases: frozenset[str] = frozenset()
    lines: Mapping[tuple[str, str], SoldLine] = field(default_factory=dict)
    returned: Mapping[tuple[str, str], int] = field(default_factory=dict)
    reservations: Mapping[str, Held] = field(default_factory=dict)


def sale_of(entry: Entry) -> str | None:
    """Return the id of the purchase that an entry is a part of, None if it is no sale."""
    if entry.kind not in _SALES:
        return None
    return entry.purchase_id or entry.operation_id


def judge(placed: Placed, documents: Documents, findings: Findings) -> SoldLine | None:
    """Hold a movement against its documents; return the line of the purchase that it was."""
    entry = placed.movement.entry
    if entry.reservation_id is not None:
        _judge_reservation(entry, documents, findings)
    if entry.kind is Kind.RETURN:
        _judge_return(entry, documents, findings)
    purchase_id = sale_of(entry)
    if purchase_id is None:
        return None
    if purchase_id not in documents.purchases:
        # Its document is written before the row; where there is no row yet, neither need be.
        if placed.archived and entry.reservation_id is None:
            _lose(entry, purchase_id, findings)
        return None
    line = documents.lines.get((purchase_id, findings.product_id))
    if line is None or not _fits(line, placed):
        detail = f"The purchase {purchase_id} does not say what its movement says."
        findings.add(Code.PURCHASE_DIFFERS, detail, purchase_id=purchase_id)
    if line is not None:
        _judge_returned(line, documents.returned, findings)
    return line


def _judge_return(entry: Entry, documents: Documents, findings: Findings) -> None:
    # Its sale came before it; of a purchase that is missing there it need not be told again.
    if entry.purchase_id not in documents.purchases | findings.lost_sales:
        _miss("of a return", entry.purchase_id, entry, findings)


def _lose(entry: Entry, purchase_id: str, findings: Findings) -> None:
    _miss("of a sale", purchase_id, entry, findings)
    if entry.purchase_id is None and len(findings.lost_sales) < limits.PROBLEMS_KEPT_MAX:
        findings.lost_sales.add(purchase_id)


def _judge_reservation(entry: Entry, documents: Documents, findings: Findings) -> None:
    reservation_id = entry.reservation_id
    held = documents.reservations.get(reservation_id or "")
    bought = {sale_of(entry)}
    if held is None:
        detail = f"There is no reservation {reservation_id}, of which a movement speaks."
        findings.add(Code.RESERVATION_MISSING, detail, reservation_id=reservation_id)
    elif held.state is State.COMMITTED:
        bought.add(held.purchase_id)
    for purchase_id in bought - {None} - documents.purchases:
        detail = f"There is no purchase {purchase_id}, which reservation {reservation_id} became."
        facts = {"reservation_id": reservation_id, "purchase_id": purchase_id}
        findings.add(Code.RESERVATION_WITHOUT_PURCHASE, detail, **facts)


def _miss(of: str, purchase_id: str | None, entry: Entry, findings: Findings) -> None:
    findings.add(
        Code.PURCHASE_MISSING,
        f"There is no purchase {purchase_id} {of}.",
        purchase_id=purchase_id,
        operation_id=entry.operation_id,
    )


def _fits(line: SoldLine, placed: Placed) -> bool:
    movement = placed.movement
    entry = movement.entry
    taken = -entry.held_delta if entry.kind is Kind.COMMIT else -entry.delta
    return (line.quantity, line.remaining_stock, line.stock_version) == (
        taken,
        movement.balance,
        movement.version,
    )


def _judge_returned(
    line: SoldLine, returned: Mapping[tuple[str, str], int], findings: Findings
) -> None:
    came_back = returned.get((line.purchase_id, line.product_id), 0)
    if line.returned != came_back:
        detail = (
            f"The purchase {line.purchase_id} counts {line.returned} units as returned, "
            f"and {came_back} came back."
        )
        findings.add(Code.RETURNED_DIFFERS, detail, purchase_id=line.purchase_id)
    elif line.returned > line.quantity:
        detail = f"More units of the purchase {line.purchase_id} came back than it had."
        findings.add(Code.RETURNED_EXCEEDS_PURCHASED, detail, purchase_id=line.purchase_id)
