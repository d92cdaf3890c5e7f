"""Files of rows as a shop might have them: names, prices, tags, attributes, a sentence each."""

import csv
from collections.abc import Iterator
from pathlib import Path

COLUMNS = ("sku", "name", "description", "price", "currency", "tags", "attributes", "stock")
_COLOURS = ("blue", "red", "white", "black", "green")


def write_table(file: Path, count: int, first: int = 0, stock: int = 100) -> None:
    """Write rows of so many products as CSV, the first of them with this number."""
    with file.open("w", newline="", encoding="utf-8") as output:
        writer = csv.writer(output)
        writer.writerow(COLUMNS)
        writer.writerows(_rows(count, first, stock))


def _rows(count: int, first: int, stock: int) -> Iterator[tuple[str, ...]]:
    for number in range(first, first + count):
        colour = _COLOURS[number % len(_COLOURS)]
        yield (
            f"SKU-{number:07}",
            f"Air Runner {number} {colour}",
            f"A light shoe for long distances, in {colour}, number {number} of its kind.",
            f"{19 + number % 80}.90",
            "EUR",
            f"shoes;{colour}",
            f'{{"size":{36 + number % 12},"colour":"{colour}"}}',
            str(stock + number % 50),
        )
