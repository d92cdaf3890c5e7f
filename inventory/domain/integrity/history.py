"""The movements of one product as ledger and tail tell them together, one after another.

The ledger comes as a stream in the order of versions, and may be longer than memory: only as many
rows are held as the tail has entries. What is in the tail and not yet in the ledger is as true as
what is in both.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from inventory.domain.integrity.entries import contradiction
from inventory.domain.integrity.problems import Code, Findings
from inventory.domain.movements import Entry, Kind, Movement
from inventory.domain.stock import Snapshot

_SALES = frozenset({Kind.PURCHASE, Kind.COMMIT})


@dataclass(frozen=True, slots=True)
class Placed:
    """A movement, and whether the ledger has it already."""

    movement: Movement
    archived: bool = True


@dataclass(frozen=True, slots=True)
class Summary:
    """What a product's whole ledger comes to; `is_sound` if every row follows from its last."""

    product_id: str
    version: int
    balance: int
    held_balance: int
    balance_min: int
    # The units that came back and are on sale again.
    restocked: int
    is_sound: bool


class History:
    """Follows the movements of a product and judges each by the one before it."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self.version = 0
        self.balance = 0
        self.held_balance = 0
        # What the last row should have said by its own deltas.
        self.balance_due = 0
        self.held_balance_due = 0
        self.balance_min = 0
        # The units that came back and are on sale again.
        self.restocked = 0
        # The units that left with a purchase, and those that came, less those that were lost.
        self.sold = 0
        self.stocked = 0
        # Whether the last movement is the last entry of the tail, where there is a tail.
        self.ends_with_tail = True
        # Without a gap, and each balance follows from the one before.
        self.is_sound = True
        self._at: datetime | None = None

    def recall(self, summary: Summary) -> None:
        """Stand where following all the rows would have led; only of a ledger that is sound."""
        self.version = summary.version
        self.balance = self.balance_due = summary.balance
        self.held_balance = self.held_balance_due = summary.held_balance
        self.balance_min = min(0, summary.balance_min)
        self.restocked = summary.restocked

    def merged(self, rows: Iterable[Movement], counters: Snapshot | None) -> Iterator[Placed]:
        """Yield all movements in their order, each judged, those in the counters' tail as well."""
        tail = counters.movements() if counters else []
        recent: deque[Movement] = deque()
        for row in rows:
            recent.append(row)
            if len(recent) > len(tail):
                oldest = recent.popleft()
                self._follow(oldest)
                yield Placed(oldest)
        first = _first_version(recent, tail)
        waiting = deque(enumerate(tail, first))
        for row in recent:
            while waiting and waiting[0][0] < row.version:
                yield self._unarchived(*waiting.popleft())
            if waiting and waiting[0][0] == row.version:
                self._compare(row, waiting.popleft()[1].entry)
            self._follow(row)
            yield Placed(row)
        for version, movement in waiting:
            yield self._unarchived(version, movement)
        self.ends_with_tail = not tail or self.version == first + len(tail) - 1

    def _unarchived(self, version: int, movement: Movement) -> Placed:
        """Let an entry that the ledger does not have yet follow; its balances follow from it.

        After a gap nothing follows, and what the counters say of it has to do.
        """
        entry = movement.entry
        if version == self.version + 1 and self.version:
            balance, held = self.balance + entry.delta, self.held_balance + entry.held_delta
            movement = Movement(movement.product_id, version, balance, held, entry)
        if self._at is not None and entry.at < self._at:
            movement = replace(movement, entry=replace(entry, at=self._at))
        self._follow(movement)
        return Placed(movement, archived=False)

    def _follow(self, row: Movement) -> None:
        entry = row.entry
        if row.version == self.version + 1:
            self._chain(row)
        else:
            self._miss(row)
        if (entry.kind is Kind.OPENING) != (row.version == 1):
            self._tell(Code.OPENING_MISSING, row, f"is of kind {entry.kind}")
        elif (why := contradiction(entry)) is not None:
            self._tell(Code.ENTRY_CONTRADICTS_KIND, row, f"is impossible: {why}")
        if self._at is not None and entry.at < self._at:
            self._tell(Code.TIME_GOES_BACK, row, "is older than the one before it")
        if row.held_balance < 0 and row.held_balance == self.held_balance_due:
            self._tell(Code.HELD_NEGATIVE, row, f"leaves {row.held_balance} units held")
        self.version, self._at = row.version, entry.at
        self.balance, self.held_balance = row.balance, row.held_balance
        self.balance_min = min(self.balance_min, row.balance)
        self.restocked += entry.delta if entry.kind is Kind.RETURN else 0
        if entry.kind in _SALES:
            self.sold -= entry.delta + entry.held_delta
        else:
            self.stocked += entry.delta + entry.held_delta

    def _miss(self, row: Movement) -> None:
        self.is_sound = False
        if self.version:
            self._tell(Code.VERSION_GAP, row, f"comes right after that of version {self.version}")
        else:
            self._tell(Code.OPENING_MISSING, row, "is the first that there is")
        self.balance_due, self.held_balance_due = row.balance, row.held_balance

    def _chain(self, row: Movement) -> None:
        self.balance_due = self.balance + row.entry.delta
        self.held_balance_due = self.held_balance + row.entry.held_delta
        if row.balance != self.balance_due:
            self.is_sound = False
            said = f"leaves a stock of {row.balance} where {self.balance_due} follows"
            self._tell(Code.BALANCE_CHAIN_BROKEN, row, said)
        if row.held_balance != self.held_balance_due:
            self.is_sound = False
            said = f"leaves {row.held_balance} held where {self.held_balance_due} follow"
            self._tell(Code.HELD_CHAIN_BROKEN, row, said)

    def _compare(self, row: Movement, entry: Entry) -> None:
        if _essence(row.entry) != _essence(entry):
            self._tell(Code.TAIL_DIFFERS_FROM_LEDGER, row, "is not what the tail says")

    def _tell(self, code: Code, row: Movement, said: str) -> None:
        detail = f"The movement of version {row.version} {said}."
        self._findings.add(code, detail, version=row.version, operation_id=row.entry.operation_id)


def _essence(entry: Entry) -> tuple[object, ...]:
    """What tail and ledger must agree on; time and price settle on the way into the ledger."""
    documents = (entry.purchase_id, entry.reservation_id)
    return (entry.operation_id, entry.kind, entry.delta, entry.held_delta, entry.reason, *documents)


def _first_version(recent: Iterable[Movement], tail: Sequence[Movement]) -> int:
    """Return the version of the tail's first entry.

    It follows from the counters' version as well as from each entry that the ledger knows. Where
    they differ the most voices count, so that one wrong number does not move all the others.
    """
    places = {movement.entry.operation_id: place for place, movement in enumerate(tail)}
    voices = Counter(
        row.version - places[row.entry.operation_id]
        for row in recent
        if row.entry.operation_id in places
    )
    voices.update(movement.version for movement in tail[:1])
    return voices.most_common(1)[0][0] if voices else 0
