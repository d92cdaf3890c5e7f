"""Imports: what a row asks for, what follows from it, and what became of it. No I/O.

A row names a product by its sku, or by its id if it has no sku. What it does not say stays as it
is; so the same row twice changes nothing the second time, unless it adds to the stock.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from inventory import limits
from inventory.domain.movements import Entry, Kind, Reason
from inventory.domain.products import OPTIONAL_TERMS, Product, Terms
from inventory.domain.stock import Operation
from inventory.errors import InvalidRow, InvalidValue, InventoryError, ProductNotFound, StaleVersion

_MISSING = ["Missing data for required field."]
_OPENING = [
    f"Must be greater than or equal to 0 and less than or equal to {limits.STOCK_INITIAL_MAX}."
]
_TERMS = frozenset(Terms.__slots__)


class Policy(StrEnum):
    """What becomes of the other rows where one cannot be done."""

    REJECT_ALL = "reject_all"
    REJECT_FAILED = "reject_failed"


class Outcome(StrEnum):
    """What became of a row; `rejected`: nothing was wrong with it, but with another one."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Row:
    """What one row says, in `values` by field; or in `faults` what is wrong with it.

    `size` is its length in bytes.
    """

    number: int
    size: int
    values: Mapping[str, Any] = field(default_factory=dict)
    faults: Mapping[str, list[str]] | None = None

    @property
    def sku(self) -> str | None:
        """The sku that names the product."""
        return self._text("sku")

    @property
    def product_id(self) -> str | None:
        """The id that names the product, where no sku does."""
        return self._text("id")

    def _text(self, name: str) -> str | None:
        value = self.values.get(name)
        return value if isinstance(value, str) else None

    @property
    def name(self) -> str | None:
        """What two rows have in common that name one product in the same way."""
        return self.sku if self.sku is not None else self.product_id and f"\n{self.product_id}"

    def terms(self, old: Terms | None) -> Terms:
        """Return the terms that the product is to have.

        Raises `InvalidRow` for what a new one lacks, `InvalidValue` for what does not go together.
        """
        said = {name: value for name, value in self.values.items() if name in _TERMS}
        if old is None and (lacking := {"name", "price"} - said.keys()):
            raise InvalidRow(dict.fromkeys(sorted(lacking), _MISSING))
        given = {
            name: OPTIONAL_TERMS[name] if value is None else value for name, value in said.items()
        }
        if "tags" in given:
            given["tags"] = tuple(given["tags"])
        kept = {} if old is None else {name: getattr(old, name) for name in _TERMS}
        if old is not None:
            # It was found by its name, which is no wish to change it.
            given["sku"] = old.sku
        return Terms.of(**kept | given)

    @property
    def opening(self) -> int:
        """The stock that a new product opens with; raises `InvalidRow` if that is none."""
        if "stock" not in self.values:
            raise InvalidRow({"stock": _MISSING})
        stock: int = self.values["stock"]
        if not 0 <= stock <= limits.STOCK_INITIAL_MAX:
            raise InvalidRow({"stock": _OPENING})
        return stock

    def require_version(self, product: Product) -> None:
        """Raise `StaleVersion` if the row was made from another version of the product."""
        if self.values.get("version") not in (None, product.version):
            raise StaleVersion(product.version)

    @property
    def moves_stock(self) -> bool:
        """Whether it may change the stock of a product that there is.

        A stock that is what was expected is no wish: that is how an export comes back, however much
        was sold meanwhile.
        """
        if "stock" in self.values:
            return bool(self.values["stock"] != self.values.get("expected_stock"))
        return bool(self.values.get("stock_delta"))

    def delta(self, available: int) -> int:
        """Return by how much a stock of `available` has to change."""
        if not self.moves_stock:
            return 0
        if "stock" not in self.values:
            return int(self.values["stock_delta"])
        delta: int = self.values["stock"] - available
        if abs(delta) > limits.DELTA_MAX:
            raise InvalidValue("stock", f"A change is by {limits.DELTA_MAX} units at most.")
        return delta

    def operation(
        self, id: str, product_id: str, delta: int, now: datetime, reference: str
    ) -> Operation:
        """Return the adjustment that the row asks for."""
        received = delta > 0 and "stock" not in self.values
        reason = Reason.RECEIVED if received else Reason.CORRECTION
        entry = Entry(id, Kind.ADJUSTMENT, delta, now, reason=reason, reference=reference)
        return Operation(product_id, entry, None, self.values.get("expected_stock"))

    def not_found(self) -> ProductNotFound:
        """Return the problem of a row that names a product by an id that none has."""
        return ProductNotFound(self.product_id or "")


def is_same(one: Terms, other: Terms) -> bool:
    """Tell whether nothing was changed; a truth is not the number that Python takes it for."""
    return one == other and all(
        isinstance(value, bool) == isinstance(other.attributes[name], bool)
        for name, value in one.attributes.items()
    )


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of a row; `errors` are by field, in the words of a call about one product."""

    number: int
    sku: str | None
    product_id: str | None
    outcome: Outcome
    code: str | None = None
    detail: str | None = None
    errors: Mapping[str, list[str]] = field(default_factory=dict)

    @classmethod
    def failed(
        cls, row: Row, problem: InventoryError, product_id: str | None = None
    ) -> "RowResult":
        """Return what is told of a row that cannot be done."""
        errors = problem.details.get("errors", {})
        return cls(
            row.number,
            row.sku,
            product_id,
            Outcome.FAILED,
            problem.code,
            problem.message,
            errors,
        )

    def rejected(self) -> "RowResult":
        """Return the same for an import of which nothing was done."""
        if self.outcome is Outcome.FAILED:
            return self
        product_id = None if self.outcome is Outcome.CREATED else self.product_id
        return replace(self, outcome=Outcome.REJECTED, product_id=product_id)


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of an import. Its id stands as the reference in the ledger: `import <id>`."""

    id: str
    policy: Policy
    dry_run: bool
    counts: Counter[Outcome]

    @property
    def rows(self) -> int:
        """How many rows it had."""
        return self.counts.total()

    @property
    def done(self) -> bool:
        """Whether all of it was done, or could have been."""
        return not self.counts[Outcome.FAILED] and not self.counts[Outcome.REJECTED]
