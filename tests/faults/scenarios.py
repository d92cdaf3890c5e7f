"""The scenarios: two or three actors each, which want the same thing at the same moment."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from inventory import limits
from inventory.domain.claims import Claim, RequestKey
from inventory.domain.lines import Line
from inventory.domain.movements import Entry, Kind, Movement
from inventory.domain.products import Terms
from inventory.domain.purchases import Purchase
from inventory.domain.stock import Operation
from inventory.services.changing import begin_claim
from inventory.services.lines import AskedLine
from inventory.stock.changes import Change
from tests.faults.stage import new_id
from tests.faults.world import LATER, Act, Part, World
from tests.integration.conftest import Process

Cast = dict[str, Part]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A stage set for some actors, who bear the names A, B and so on.

    With `trimming` every sale settles its product's tail at once.
    """

    name: str
    says: str
    cast: Callable[[World], Cast]
    actors: str = "ABC"
    trimming: bool = False


def _name_of(key: RequestKey | None) -> str | None:
    return None if key is None else key.fingerprint


def buy(product_id: str, quantity: int = 1) -> Act:
    """Buy some units of one product."""

    def act(process: Process, key: RequestKey | None) -> tuple[object, bool]:
        return process.purchasing.purchase_product(
            product_id, quantity, reference=_name_of(key), key=key
        )

    return act


def buy_cart(*product_ids: str) -> Act:
    """Buy one unit of each."""

    def act(process: Process, key: RequestKey | None) -> tuple[object, bool]:
        asked = [AskedLine(1, product_id) for product_id in product_ids]
        return process.purchasing.buy_cart(asked, reference=_name_of(key), key=key)

    return act


def bring_back(purchase_id: str, product_id: str, quantity: int) -> Act:
    """Return units of a purchase."""

    def act(process: Process, key: RequestKey | None) -> tuple[object, bool]:
        lines = [Line(product_id, quantity)]
        return process.purchasing.return_units(purchase_id, lines, "unwanted", key=key)

    return act


def commit(reservation_id: str) -> Act:
    """Buy what is held."""
    return lambda process, key: process.reserving.commit(reservation_id, None, key)


def release(reservation_id: str) -> Act:
    """Give back what is held."""
    return lambda process, key: process.reserving.release(reservation_id, key)


def sweep(process: Process, key: RequestKey | None) -> tuple[object, bool]:
    """Do what the sweeper does."""
    process.archive.settle_stale()
    while process.engine.expire_due():
        pass
    return None, False


def edit_price(product_id: str) -> Act:
    """Double the price."""

    def act(process: Process, key: RequestKey | None) -> tuple[object, bool]:
        def dearer(terms: Terms) -> Terms:
            return Terms.of(name=terms.name, price=Decimal(5))

        return process.catalogue.edit_product(product_id, None, dearer), False

    return act


def _last_unit(world: World) -> Cast:
    product = world.create(1)
    return {
        "A": Part(buy(product), "a", {product: 1}),
        "B": Part(buy(product), "b", {product: 1}),
    }


def _three_buyers(world: World) -> Cast:
    product = world.create(3)
    return {
        "A": Part(buy(product, 2), "a", {product: 2}),
        "B": Part(buy(product, 2), "b", {product: 2}),
        "C": Part(buy(product), None, {product: 1}),
    }


def _same_key(world: World) -> Cast:
    product = world.create(2)
    part = Part(buy(product), "a", {product: 1})
    return {"A": part, "B": part, "C": Part(buy(product), "a", {product: 1}, LATER)}


def _sweeping(world: World) -> Cast:
    product = world.create(5)
    buy(product)(world.process, None)
    return {
        "A": Part(buy(product, 2), "a", {product: 2}),
        "B": Part(sweep, ahead=LATER),
    }


def _sweeping_and_retry(world: World) -> Cast:
    product = world.create(5)
    return {
        "A": Part(buy(product, 2), "a", {product: 2}),
        "B": Part(sweep, ahead=LATER),
        "C": Part(buy(product, 2), "a", {product: 2}, LATER),
    }


def _heirs(world: World) -> Cast:
    product = world.create(2)
    key = world.key("a")
    assert key is not None
    claim = begin_claim(key, new_id(), world.process.clock, product)
    assert not world.process.operations.add_many([claim])
    heir = Part(buy(product), "a", {product: 1}, LATER)
    return {"A": Part(_go_on(product, claim), "a", {product: 1}), "B": heir, "C": heir}


def _go_on(product_id: str, claim: Claim) -> Act:
    """Go on as a process that froze right after it had claimed its request."""

    def act(process: Process, key: RequestKey | None) -> tuple[object, bool]:
        entry = Entry(
            claim.operation_id, Kind.PURCHASE, -1, process.clock.now(), reference=claim.fingerprint
        )
        operation = Operation(product_id, entry, fence=claim.fence)
        change = Change(operation.id, operation, claim, claimed=True)
        movement = process.engine.submit(change, time.monotonic() + limits.REQUEST_SECONDS_MAX)
        assert isinstance(movement, Movement)
        return Purchase.of(movement), False

    return act


def _held(world: World, product: str, quantity: int) -> str:
    asked = [AskedLine(quantity, product)]
    reservation, _ = world.process.reserving.hold(asked, limits.RESERVATION_TTL_SECONDS_MAX // 48)
    return reservation.id


def _hold_ends(world: World) -> Cast:
    product = world.create(2)
    reservation = _held(world, product, 2)
    return {
        "A": Part(commit(reservation), "a", {product: 2}),
        "B": Part(release(reservation), "b"),
        "C": Part(sweep, ahead=LATER),
    }


def _hold_late(world: World) -> Cast:
    product = world.create(2)
    reservation = _held(world, product, 2)
    return {
        "A": Part(commit(reservation), "a", {product: 2}, LATER),
        "B": Part(buy(product), "b", {product: 1}, LATER),
        "C": Part(sweep, ahead=LATER),
    }


def _carts(world: World) -> Cast:
    first, second = world.create(1), world.create(1)
    return {
        "A": Part(buy_cart(first, second), "a", {first: 1, second: 1}),
        "B": Part(buy(first), "b", {first: 1}),
        "C": Part(buy(second), "c", {second: 1}),
    }


def _cart_heirs(world: World) -> Cast:
    first, second = world.create(2), world.create(2)
    takes = {first: 1, second: 1}
    heir = Part(buy_cart(first, second), "a", takes, LATER)
    return {"A": Part(buy_cart(first, second), "a", takes), "B": heir, "C": heir}


def _price_edit(world: World) -> Cast:
    product = world.create(5)
    return {
        "A": Part(buy(product), "a", {product: 1}),
        "B": Part(edit_price(product)),
        "C": Part(sweep, ahead=LATER),
    }


def _returns(world: World) -> Cast:
    product = world.create(5)
    purchase, _ = world.process.purchasing.purchase_product(product, 2, reference="p")
    return {
        "A": Part(bring_back(purchase.id, product, 2), "a"),
        "B": Part(bring_back(purchase.id, product, 1), "b"),
        "C": Part(bring_back(purchase.id, product, 2), "a", ahead=LATER),
    }


SCENARIOS = {
    one.name: one
    for one in (
        Scenario("last-unit", "two keyed purchases of the last unit", _last_unit, "AB"),
        Scenario("three-buyers", "three purchases of more than there is", _three_buyers),
        Scenario("same-key", "one key in two processes at once, and a late retry", _same_key),
        Scenario("sweeping", "a sale, the sweeper and trimming", _sweeping, "AB", trimming=True),
        Scenario(
            "swept-retry",
            "a sale, the sweeper, and a retry with the same key",
            _sweeping_and_retry,
            trimming=True,
        ),
        Scenario("heirs", "a slow request and two heirs of its claim", _heirs),
        Scenario("hold-ends", "commit, release and expiry of one hold", _hold_ends),
        Scenario("hold-late", "an expired hold: late commit, purchase, expiry", _hold_late),
        Scenario("carts", "a cart of two products, and a purchase of each", _carts),
        Scenario("cart-heirs", "a slow cart and two heirs of its claim", _cart_heirs),
        Scenario("price-edit", "a sale, an edit of its price, the sweeper", _price_edit),
        Scenario("returns", "two returns of one purchase, and a retry of one", _returns),
    )
}
