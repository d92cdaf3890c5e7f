"""Browse and buy: a catalogue whose products are as popular as Zipf says, many looks a purchase.

Imports locust, so it belongs into a process of locust's alone; `scenario` starts it.
"""

import functools
from itertools import accumulate

from locust import between, task

from loadtests.scenario import COLOURS, THINGS
from loadtests.shoppers import Shopper, chance, openings

ZIPF_EXPONENT = 1.0
QUANTITIES = (1, 1, 1, 2, 3)
PAGE_SIZES = (20, 20, 50)


@functools.cache
def _popularity() -> tuple[list[str], list[float]]:
    """Return the products, and how often each and all before it are chosen."""
    products = list(openings())
    weights = (1 / rank**ZIPF_EXPONENT for rank in range(1, len(products) + 1))
    return products, list(accumulate(weights))


def _popular_product() -> str:
    products, weights = _popularity()
    return chance.choices(products, cum_weights=weights)[0]


class BrowsingShopper(Shopper):
    """Somebody who looks around; of a hundred requests five are purchases."""

    wait_time = between(0.05, 0.15)

    @task(45)
    def look_at_a_product(self) -> None:
        """Open a product's page."""
        self.look(_popular_product())

    @task(15)
    def look_again(self) -> None:
        """Open a page once more, with what the browser has kept of it."""
        self.look(chance.choice(list(self.seen) or [_popular_product()]), again=True)

    @task(15)
    def list_newest(self) -> None:
        """Open the shop's front page."""
        self.look_at_list(f"limit={chance.choice(PAGE_SIZES)}", "GET /api/products")

    @task(10)
    def list_by_tag(self) -> None:
        """Open a category."""
        self.look_at_list(f"tag={chance.choice(COLOURS)}", "GET /api/products?tag=")

    @task(10)
    def search(self) -> None:
        """Search by words."""
        words = f"{chance.choice(COLOURS)}+{chance.choice(THINGS)}"
        self.look_at_list(f"q={words}", "GET /api/products?q=")

    @task(5)
    def buy_something(self) -> None:
        """Buy a popular product."""
        self.buy(self.order(_popular_product(), chance.choice(QUANTITIES)))
