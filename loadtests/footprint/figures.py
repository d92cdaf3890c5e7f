"""What was found, divided by how many there are. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loadtests.bench.report import table

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large a collection is: documents, bytes of them as they are, on disk, and in indexes.

    `dumped` are bytes of a compressed backup, None where none was made.
    """

    documents: int
    plain: int
    stored: int
    indexes: int
    dumped: int | None = None

    def less(self, before: "Sizes") -> "Sizes":
        """Return what was added since."""
        return Sizes(
            self.documents - before.documents,
            self.plain - before.plain,
            self.stored - before.stored,
            self.indexes - before.indexes,
            self.dumped,
        )


NOTHING = Sizes(0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Sold:
    """What one way of selling added: to each collection, to the oplog, in how many purchases."""

    way: str
    purchases: int
    added: Mapping[str, Sizes]
    oplog: int
    oplog_stored: int


@dataclass(frozen=True, slots=True)
class Held:
    """What is in memory: megabytes of processes, and the cache of so many products."""

    memory: Mapping[str, Sequence[float]]
    cached_products: int
    cache_bytes: int
    cache_keys: int


def markdown(
    catalogue: tuple[int, Mapping[str, Sizes]],
    sales: Sequence[Sold],
    held: Held,
    circumstances: Mapping[str, str],
) -> str:
    """Return all of it, as tables."""
    products, sizes = catalogue
    parts = [
        ", ".join(f"{name} {value}" for name, value in circumstances.items()) + ".",
        f"A catalogue of {products:,} products, bytes a product:",
        _per_document(sizes, products),
    ]
    for one in sales:
        parts += [
            f"{one.way}: {one.purchases:,} purchases, bytes a purchase:",
            _per_document(one.added, one.purchases),
            f"Oplog: {one.oplog / one.purchases:,.0f} bytes a purchase, "
            f"{one.oplog_stored / one.purchases:,.0f} of them on disk.",
        ]
    cached = max(1, held.cached_products)
    parts += [
        f"Cache: {held.cache_bytes / cached:,.0f} bytes in {held.cache_keys / cached:.1f} keys "
        f"for each of {held.cached_products:,} products.",
        table(["memory", "MB of each process"], _memory(held)),
    ]
    return "\n\n".join(parts)


def _memory(held: Held) -> Sequence[Sequence[str]]:
    return [
        [what, ", ".join(f"{one:.0f}" for one in megabytes)]
        for what, megabytes in held.memory.items()
    ]


def _per_document(sizes: Mapping[str, Sizes], units: int) -> str:
    header = ["", "documents", "plain", "on disk", "indexes", "disk in all", "backup"]
    total = NOTHING
    rows = []
    for name, one in sorted(sizes.items()):
        if one.documents <= 0 and one.plain <= 0:
            continue
        rows.append(_row(name, one, units))
        total = Sizes(
            total.documents + one.documents,
            total.plain + one.plain,
            total.stored + one.stored,
            total.indexes + one.indexes,
            None if one.dumped is None else (total.dumped or 0) + one.dumped,
        )
    return table(header, [*rows, _row("all", total, units)])


def _row(name: str, one: Sizes, units: int) -> Sequence[str]:
    figures = (one.plain, one.stored, one.indexes, one.stored + one.indexes)
    return [
        *(name, f"{one.documents / units:.2f}"),
        *(f"{figure / units:,.0f}" for figure in figures),
        "" if one.dumped is None else f"{one.dumped / units:,.0f}",
    ]
