"""One batch of an import: decided row by row, and carried out in one transaction.

What needs no change is found out before, so that the transaction touches nothing in vain. Stock
moves in the books alone, under the lock of its counters: sales that go on meanwhile come before it
or after it, and none is lost.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from inventory import limits
from inventory.domain.books import Books
from inventory.domain.claims import Claim
from inventory.domain.imports import Outcome, Row, RowResult, is_same
from inventory.domain.keys import Scope
from inventory.domain.products import Product, Terms
from inventory.domain.stock import Snapshot
from inventory.errors import (
    IdempotencyInProgress,
    InsufficientScope,
    InvalidRow,
    InventoryError,
    ProductNotFound,
)
from inventory.repository.imports import ImportRepository, Opening, Overtaken
from inventory.repository.mongo import Session, new_id
from inventory.repository.operations import OperationRepository


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that are done together; `number` counts the batches of an import."""

    import_id: str
    number: int
    rows: Sequence[Row]

    @property
    def skus(self) -> list[str]:
        """The skus that name products here."""
        return [row.sku for row in self.rows if row.sku is not None]

    @property
    def ids(self) -> list[str]:
        """The ids that name products here, where there is no sku."""
        return [row.product_id for row in self.rows if row.sku is None and row.product_id]


def in_batches(rows: Iterable[Row], import_id: str) -> Iterator[Batch]:
    """Yield rows in batches that are small enough for a transaction each."""
    number, size = 0, 0
    gathered: list[Row] = []
    for row in rows:
        full = len(gathered) == limits.IMPORT_BATCH_ROWS
        if gathered and (full or size + row.size > limits.IMPORT_BATCH_BYTES):
            yield Batch(import_id, number, gathered)
            number, size, gathered = number + 1, 0, []
        gathered.append(row)
        size += row.size
    if gathered:
        yield Batch(import_id, number, gathered)


class Rejected(Exception):
    """Nothing of a batch was done, because of some of its rows."""

    def __init__(self, results: Sequence[RowResult]) -> None:
        super().__init__()
        self.results = results


@dataclass(slots=True)
class Decided:
    """What a batch comes to: results in the order of its rows, and what is to be written."""

    at: datetime
    known: frozenset[str]
    results: list[RowResult] = field(default_factory=list)
    openings: list[Opening] = field(default_factory=list)
    edited: list[tuple[Product, Terms]] = field(default_factory=list)
    # Whose stock is to change, before it is known whether it may.
    moving: list[str] = field(default_factory=list)
    # Of which it did.
    moved: list[str] = field(default_factory=list)

    @property
    def changes(self) -> bool:
        """Whether anything is to be written."""
        return bool(self.openings or self.edited or self.moving)

    @property
    def products(self) -> list[Product]:
        """The products that are new or have new terms."""
        return [one.product for one in self.openings] + [new for new, _ in self.edited]

    @property
    def changed_ids(self) -> list[str]:
        """The products of which anything changed."""
        return list(dict.fromkeys([product.id for product in self.products] + self.moved))


class Known:
    """The products that rows name, as they were found."""

    def __init__(self, products: Iterable[Product]) -> None:
        found = list(products)
        self._by_sku = {product.terms.sku: product for product in found}
        self._by_id = {product.id: product for product in found}

    def named_by(self, row: Row) -> Product | None:
        """Return the product that a row names; raise `ProductNotFound` for an id that none has."""
        if row.sku is not None:
            return self._by_sku.get(row.sku)
        product = self._by_id.get(row.product_id or "")
        if product is None:
            raise row.not_found()
        return product

    @property
    def ids(self) -> list[str]:
        """The ids of all of them."""
        return list(self._by_id)


# What is left of a wish when the stock of a product is asked: by how much it changes, or nothing.
Move = Callable[[Row, Product, Decided], bool]


def decide(batch: Batch, known: Known, move: Move, now: datetime, *, may_move: bool) -> Decided:
    """Decide row by row; `move` says whether a row changes the stock, or raises why it may not."""
    decided = Decided(now, frozenset(known.ids))
    seen: dict[str, int] = {}
    for row in batch.rows:
        try:
            decided.results.append(_decide(row, known, move, now, decided, seen, may_move))
        except InventoryError as problem:
            decided.results.append(RowResult.failed(row, problem))
    return decided


def _decide(
    row: Row,
    known: Known,
    move: Move,
    now: datetime,
    decided: Decided,
    seen: dict[str, int],
    may_move: bool,
) -> RowResult:
    if row.faults is not None:
        raise InvalidRow(row.faults)
    product = known.named_by(row)
    if product is None:
        return _open(row, now, decided)
    if (other := seen.setdefault(product.id, row.number)) != row.number:
        raise InvalidRow({"id": [f"The same product as in row {other}."]})
    terms = row.terms(product.terms)
    changed = not is_same(terms, product.terms)
    if changed:
        row.require_version(product)
    if row.moves_stock and not may_move:
        raise InsufficientScope(Scope.STOCK_WRITE)
    moved = row.moves_stock and move(row, product, decided)
    if changed:
        new = replace(product, terms=terms, version=product.version + 1, updated_at=now)
        decided.edited.append((new, product.terms))
    outcome = Outcome.UPDATED if changed or moved else Outcome.UNCHANGED
    return RowResult(row.number, row.sku, product.id, outcome)


def _open(row: Row, now: datetime, decided: Decided) -> RowResult:
    terms, available = row.terms(None), row.opening
    product = Product(new_id(), terms, 1, created_at=now, updated_at=now)
    decided.openings.append(Opening(product, available))
    return RowResult(row.number, row.sku, product.id, Outcome.CREATED)


def foreseen(counters: Iterable[Snapshot], now: datetime) -> Move:
    """Return the move of a row as these counters let it expect."""
    known = {one.product_id: one for one in counters}

    def move(row: Row, product: Product, decided: Decided) -> bool:
        found = known.get(product.id)
        if found is None:
            # It has just been deleted, as whoever looks again will see.
            raise ProductNotFound(product.id)
        try:
            delta = row.delta(found.available)
        except InventoryError:
            # The transaction is to look at it as well, and to come to the same.
            decided.moving.append(product.id)
            raise
        if not delta:
            return False
        decided.moving.append(product.id)
        operation = row.operation(new_id(), product.id, delta, now, "")
        if (problem := found.problem_with(operation, found.available, now)) is not None:
            raise problem
        return True

    return move


@dataclass(frozen=True, slots=True)
class Entering:
    """A batch as a transaction carries it out for `actor`, and for `claim` if there is one.

    If it is `strict`, one row that cannot be done is enough for nothing to be done.
    """

    batch: Batch
    strict: bool
    may_move: bool
    actor: str | None
    claim: Claim | None
    # The products that were there, and those of them whose stock has to change.
    known: frozenset[str]
    locked: frozenset[str]
    imports: ImportRepository
    operations: OperationRepository

    def decide(self, books: Books, session: Session) -> Decided:
        """Decide by what the transaction sees; raise `Rejected` if one row refuses for all."""
        known = Known(self.imports.find(self.batch.skus, self.batch.ids, session))
        decided = decide(self.batch, known, self._moving(books), books.now, may_move=self.may_move)
        failed = any(one.outcome is Outcome.FAILED for one in decided.results)
        if failed and self.strict:
            raise Rejected(decided.results)
        return decided

    def _moving(self, books: Books) -> Move:
        reference = f"import {self.batch.import_id}"

        def move(row: Row, product: Product, decided: Decided) -> bool:
            if product.id not in self.known:
                # Created meanwhile: its counters have to be locked first.
                raise Overtaken
            if product.id not in self.locked:
                # A moment ago it was as it is to be.
                return False
            fork = books.fork(new_id(), self.actor)
            delta = row.delta(fork.counters[product.id].available)
            if not delta:
                return False
            operation = row.operation(fork.id, product.id, delta, books.now, reference)
            fork.carry_out(operation)
            books.merge(fork)
            decided.moved.append(product.id)
            return True

        return move

    def write(self, decided: Decided, session: Session) -> None:
        """Write products, and what became of each row."""
        if self.claim is not None and not self.operations.extend(self.claim, session):
            raise IdempotencyInProgress
        self.imports.open(decided.openings, self.actor, session)
        self.imports.replace(decided.edited, session)
        self.imports.keep(
            self.batch.import_id, self.batch.number, decided.results, decided.at, session
        )
