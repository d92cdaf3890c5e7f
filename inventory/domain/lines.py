"""Lines of carts, holds, returns and counts: a product, and a number of units."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """Some units of one product."""

    product_id: str
    quantity: int


def merged(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Return one line for each product, in the order in which they were named first."""
    quantities: dict[str, int] = {}
    for line in lines:
        quantities[line.product_id] = quantities.get(line.product_id, 0) + line.quantity
    return tuple(Line(*item) for item in quantities.items())
