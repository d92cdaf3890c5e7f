"""A first look over all rows of an import: how many there are, and which name the same product.

In bounded memory: of each row eight bytes stay.
"""

import hashlib
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from inventory import limits
from inventory.domain.imports import Row

_DIGEST_BYTES = 8


@dataclass(frozen=True, slots=True)
class Survey:
    """What the rows are like as a whole. `repeated` has the digests of names that come again."""

    rows: int
    size: int
    repeated: frozenset[int]

    @classmethod
    def of(cls, rows: Iterable[Row]) -> "Survey":
        """Look over the rows."""
        digests = array("Q")
        count = size = 0
        for row in rows:
            count += 1
            size += row.size
            if row.name is not None:
                digests.append(_digest(row.name))
        return cls(count, size, frozenset(_repeated(digests)))

    @property
    def fits_one_batch(self) -> bool:
        """Whether all rows are done in one transaction."""
        return self.rows <= limits.IMPORT_BATCH_ROWS and self.size <= limits.IMPORT_BATCH_BYTES

    def marked(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield the rows again, those with a fault that name what an earlier one has named."""
        if not self.repeated:
            yield from rows
            return
        first: dict[str, int] = {}
        for row in rows:
            if row.name is None or _digest(row.name) not in self.repeated:
                yield row
                continue
            number = first.setdefault(row.name, row.number)
            yield row if number == row.number else _mark(row, number)


def _mark(row: Row, first: int) -> Row:
    if row.faults is not None:
        return row
    field = "id" if row.sku is None else "sku"
    return replace(row, faults={field: [f"The same as in row {first}."]})


def _digest(name: str) -> int:
    digest = hashlib.blake2b(name.encode(), digest_size=_DIGEST_BYTES)
    return int.from_bytes(digest.digest())


def _repeated(digests: "array[int]") -> Iterator[int]:
    """Yield the numbers that stand there more than once."""
    previous = None
    for digest in sorted(digests):
        if digest == previous:
            yield digest
        previous = digest
