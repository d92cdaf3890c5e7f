"""The catalogue: products come, change and go; their counters follow in the same transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from inventory.domain.claims import Claim, RequestKey
from inventory.domain.movements import Entry, Kind, Movement
from inventory.domain.products import Position, Product, ProductFilter, SortKey, Terms
from inventory.domain.stock import Snapshot
from inventory.errors import (
    DuplicateSku,
    IdempotencyInProgress,
    OutcomeUnknown,
    ProductNotFound,
    StaleVersion,
)
from inventory.repository.mongo import DatabaseClock, Session, Transactions, new_id
from inventory.repository.movements import MovementRepository
from inventory.repository.operations import OperationRepository
from inventory.repository.products import (
    ProductRepository,
    product_document,
    product_from,
)
from inventory.repository.stock import StockRepository
from inventory.services.changing import begin_claim, find_claim, take_over_claim


@dataclass(frozen=True, slots=True)
class Listed:
    """A product with its counters at about the same moment."""

    product: Product
    stock: Snapshot


class Catalogue:
    """Products, by id and in lists."""

    def __init__(
        self,
        transactions: Transactions,
        products: ProductRepository,
        stock: StockRepository,
        movements: MovementRepository,
        operations: OperationRepository,
        clock: DatabaseClock,
    ) -> None:
        self._transactions = transactions
        self._products = products
        self._stock = stock
        self._movements = movements
        self._operations = operations
        self._clock = clock

    def create_product(
        self,
        terms: Terms,
        available: int,
        key: RequestKey | None = None,
        actor: str | None = None,
        id: str | None = None,
    ) -> tuple[Listed, bool]:
        """Add a product with its opening stock, on behalf of `actor`.

        Whoever has to know its id before gives it a new one. Returns it, and whether an earlier
        request with the same key created it. Raises `DuplicateSku`, `Replayed`,
        `IdempotencyKeyReused` and `IdempotencyInProgress`.
        """
        claim = begin_claim(key, new_id(), self._clock) if key else None
        if claim is not None and self._operations.add_many([claim]):
            held = find_claim(self._operations, claim)
            if held.result is not None:
                return self._created(held.result), True
            if self._clock.now() < held.fence:
                raise IdempotencyInProgress
            # The abandoned attempt can do no harm: its transaction would find itself replaced.
            claim = take_over_claim(self._operations, held, self._clock, claim.request_id)
        product_id = claim.operation_id if claim else id or new_id()
        now = self._clock.now()
        product = Product(product_id, terms, 1, created_at=now, updated_at=now)
        opening = Entry(product_id, Kind.OPENING, available, now, actor=actor)
        result = {"product": product_document(product), "available": available}
        try:
            self._transactions.run(
                lambda session: self._create(
                    product, opening, claim and replace(claim, result=result), session
                )
            )
        except DuplicateSku as problem:
            if claim is not None and self._operations.keep_refusals([claim.refuse(problem)]):
                # Somebody has taken over meanwhile, and may have found the SKU free.
                raise OutcomeUnknown from problem
            raise
        return self._created(result), False

    def _create(
        self, product: Product, opening: Entry, claim: Claim | None, session: Session
    ) -> None:
        if claim is not None and self._operations.finish([claim], session):
            raise IdempotencyInProgress
        available = opening.delta
        self._products.add(product, session)
        self._stock.add(product.id, product.terms, available, product.created_at, session)
        self._movements.add([Movement(product.id, 1, available, 0, opening)], session)

    def _created(self, result: Mapping[str, Any]) -> Listed:
        product = product_from(result["product"])
        stock = Snapshot.opening(product.id, product.terms, result["available"], product.created_at)
        return Listed(product, stock)

    def edit_product(
        self, product_id: str, version: int | None, edit: Callable[[Terms], Terms]
    ) -> Listed:
        """Give a product the terms that `edit` makes of its present ones.

        `version` is the one that the caller has seen, None to edit whatever there is. Raises
        `ProductNotFound`, `StaleVersion`, `DuplicateSku` and what `edit` raises.
        """

        def work(session: Session) -> Listed:
            old = self._current(product_id, version, session)
            now = self._clock.now()
            new = replace(old, terms=edit(old.terms), version=old.version + 1, updated_at=now)
            self._products.replace(new, session)
            # Written last: the counters of a product on sale are in demand.
            stock = self._stock.change_terms(product_id, old.terms, new.terms, new.version, session)
            return Listed(new, stock)

        return self._transactions.run(work)

    def delete_product(self, product_id: str, version: int | None) -> Listed:
        """Take a product out of the catalogue and stop its sale; its history stays.

        Returns it as it was last. Raises `ProductNotFound` and `StaleVersion`.
        """

        def work(session: Session) -> Listed:
            product = self._current(product_id, version, session)
            self._products.remove(product, self._clock.now(), session)
            return Listed(product, self._stock.close(product_id, session))

        return self._transactions.run(work)

    def _current(self, product_id: str, version: int | None, session: Session) -> Product:
        product = self._products.get_in(product_id, session)
        if product is None:
            raise ProductNotFound(product_id)
        if version is not None and version != product.version:
            raise StaleVersion(product.version)
        return product

    def get_products(self, product_ids: Sequence[str]) -> dict[str, Product]:
        """Return the catalogue entries of those of the products that exist."""
        return {product.id: product for product in self._products.list_many(product_ids)}

    def get_counters(self, product_ids: Sequence[str]) -> dict[str, Snapshot]:
        """Return the counters of those of the products that exist, or did until they were deleted.

        The latter are `closed`.
        """
        found = self._stock.list_many(product_ids, tail=False)
        return {snapshot.product_id: snapshot for snapshot in found}

    def list_products(
        self, wanted: ProductFilter, sort: SortKey, after: Position | None, count: int
    ) -> list[Product]:
        """Return up to `count` products after a position."""
        return self._products.page(wanted, sort, after, count)
