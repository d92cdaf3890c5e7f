"""Products to buy, and how many units of them may be gone: what the stock is checked against."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from loadtests.books import Api

STOCK = 10**8
CLERKS = 16


def goods() -> dict[str, Any]:
    """Return a product as a shop describes one."""
    return {
        "name": "Air Runner 90",
        "description": "A light shoe for long runs on the road, with a knitted upper part.",
        "price": "99.90",
        "stock": STOCK,
        "tags": ["sneaker", "running"],
    }


@dataclass(slots=True)
class Shelf:
    """Products of one design, and what is known of their sales so far.

    `sold` counts acknowledged units, `unheard` those whose purchase was sent and whose answer
    nobody heard: each may be gone or not.
    """

    product_ids: Sequence[str]
    sold: int = 0
    unheard: int = 0

    def problem(self, left: int) -> str | None:
        """Say what is wrong if `left` units remain on the whole shelf; None if they may."""
        gone = len(self.product_ids) * STOCK - left
        if self.sold <= gone <= self.sold + self.unheard:
            return None
        return (
            f"{gone} units are gone, {self.sold} were acknowledged "
            f"and {self.unheard} more may have been taken."
        )


def fill(url: str, products: int = 1) -> Shelf:
    """Create products."""
    with Api(url) as api, ThreadPoolExecutor(min(CLERKS, products)) as clerks:
        created = clerks.map(lambda _: api.create("/api/products", goods()), range(products))
        return Shelf([product["id"] for product in created])


def left(url: str, shelf: Shelf) -> int:
    """Return how many units remain of all products of a shelf, as the design itself tells."""
    with Api(url) as api, ThreadPoolExecutor(min(CLERKS, len(shelf.product_ids))) as clerks:
        stocks = clerks.map(lambda id: api.get(f"/api/products/{id}/stock"), shelf.product_ids)
        return sum(int(stock["available"]) for stock in stocks)
