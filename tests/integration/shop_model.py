"""A shop in plain numbers, to compare the service with. Knows nothing of how the service does it.

A hold that has run out is over at that moment here, and whether somebody has noticed is no matter.
Each question is answered with all reasons against it: the service may name any one of them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Lines = Mapping[str, int]


def merged_lines(lines: Iterable[tuple[str, int]]) -> Lines:
    """Return how many units each product is asked for in all its lines."""
    found: dict[str, int] = {}
    for id, quantity in lines:
        found[id] = found.get(id, 0) + quantity
    return found


@dataclass
class Product:
    """Counters and rules of one product."""

    available: int
    held: int = 0
    oversell_limit: int = 0
    max_per_order: int | None = None
    # So many units within so many seconds.
    max_per_customer: tuple[int, int] | None = None
    deleted: bool = False


@dataclass
class Hold:
    """Units set aside until a time; `purchase` is what it became."""

    lines: Lines
    customer: str | None
    until: int
    state: str = "held"
    purchase: str | None = None


@dataclass
class Purchase:
    """Units sold, and how many of each came back."""

    lines: Lines
    customer: str | None
    at: int
    returned: dict[str, int] = field(default_factory=dict)


class Shop:
    """All products, holds and purchases by id, and the time in seconds."""

    def __init__(self) -> None:
        self.now = 0
        self.products: dict[str, Product] = {}
        self.holds: dict[str, Hold] = {}
        self.purchases: dict[str, Purchase] = {}

    def pass_time(self, seconds: int) -> None:
        """Let time pass, and holds run out."""
        self.now += seconds
        for hold in self.holds.values():
            if hold.state == "held" and hold.until <= self.now:
                hold.state = "expired"
                self._move(hold.lines, available=1, held=-1)

    def _move(self, lines: Lines, *, available: int = 0, held: int = 0) -> None:
        for id, quantity in lines.items():
            self.products[id].available += available * quantity
            self.products[id].held += held * quantity

    def against_sale(self, lines: Lines, customer: str | None) -> set[str]:
        """Return every reason why a customer cannot have these units now."""
        reasons = set()
        for id, quantity in lines.items():
            product = self.products[id]
            if product.deleted:
                reasons.add("ProductNotFound")
            if product.max_per_order is not None and quantity > product.max_per_order:
                reasons.add("PurchaseLimitExceeded")
            if product.available + product.oversell_limit < quantity:
                reasons.add("InsufficientStock")
            if product.max_per_customer is not None:
                reasons |= self._against_customer(id, quantity, customer, *product.max_per_customer)
        return reasons

    def _against_customer(
        self, id: str, quantity: int, customer: str | None, most: int, seconds: int
    ) -> set[str]:
        if customer is None:
            return {"CustomerRequired"}
        bought = sum(
            purchase.lines.get(id, 0)
            for purchase in self.purchases.values()
            if purchase.customer == customer and purchase.at > self.now - seconds
        )
        held = sum(
            hold.lines.get(id, 0)
            for hold in self.holds.values()
            if hold.customer == customer and hold.state == "held"
        )
        return {"PurchaseLimitExceeded"} if bought + held + quantity > most else set()

    def sell(self, id: str, lines: Lines, customer: str | None) -> None:
        """Sell units."""
        self._move(lines, available=-1)
        self.purchases[id] = Purchase(lines, customer, self.now)

    def hold(self, id: str, lines: Lines, customer: str | None, seconds: int) -> None:
        """Set units aside."""
        self._move(lines, available=-1, held=1)
        self.holds[id] = Hold(lines, customer, self.now + seconds)

    def against_commit(self, hold: Hold, lines: Lines) -> set[str]:
        """Return every reason why units of a hold cannot be bought now."""
        if hold.state == "released":
            return {"ReservationReleased"}
        if hold.state == "committed":
            sold = self.purchases[hold.purchase or ""].lines
            return set() if dict(sold) == dict(lines) else {"ReservationCommitted"}
        if any(quantity > hold.lines.get(id, 0) for id, quantity in lines.items()):
            return {"CommitExceedsHeld"}
        if hold.state == "held":
            return set()
        late = {"InsufficientStock": "ReservationExpired", "ProductNotFound": "ReservationExpired"}
        return {late.get(one, one) for one in self.against_sale(lines, hold.customer)}

    def commit(self, hold: Hold, id: str, lines: Lines) -> None:
        """Buy units of a hold; what is left of it is on sale again."""
        if hold.state == "committed":
            return
        if hold.state == "held":
            self._move(hold.lines, available=1, held=-1)
        self.sell(id, lines, hold.customer)
        hold.state, hold.purchase = "committed", id

    def release(self, hold: Hold) -> None:
        """Put units of a hold on sale again."""
        if hold.state == "held":
            self._move(hold.lines, available=1, held=-1)
            hold.state = "released"

    def against_count(self, id: str, counted: int) -> set[str]:
        """Return every reason why a count cannot be right."""
        product = self.products[id]
        if product.deleted:
            return {"ProductNotFound"}
        free = product.available + product.oversell_limit
        after = free + self.found(id, counted)
        return {"CountBelowHeld"} if after < 0 and after < free else set()

    def found(self, id: str, counted: int) -> int:
        """Return how many more were counted than should have lain there."""
        product = self.products[id]
        return counted - max(0, product.available + product.held)
