"""The scenarios: two or three actors each, which want the same thing at the same moment."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from inventory import limits
from inventory.services.changing import begin_claim
from inventory.services.lines import AskedLine
from tests.faults.acts import (
    bring_back,
    buy,
    buy_cart,
    buy_unheard,
    commit,
    edit_price,
    forget_voids,
    go_on,
    release,
    sweep,
)
from tests.faults.stage import new_id
from tests.faults.world import LATER, Part, World

Cast = dict[str, Part]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A stage set for some actors, who bear the names A, B and so on.

    With `trimming` every sale settles its product's tail at once, with `forgetting` no void is
    kept any longer than until the next one.
    """

    name: str
    says: str
    cast: Callable[[World], Cast]
    actors: str = "ABC"
    trimming: bool = False
    forgetting: bool = False


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
    return {"A": Part(go_on(product, claim), "a", {product: 1}), "B": heir, "C": heir}


def _thawed(world: World) -> Cast:
    product = world.create(3)
    key = world.key("a")
    assert key is not None
    claim = begin_claim(key, new_id(), world.process.clock, product)
    # By the database's clock as well: it was frozen for longer than voids are kept.
    frozen = replace(claim, fence=world.process.clock.now() - timedelta(seconds=1))
    assert not world.process.operations.add_many([frozen])
    return {
        "A": Part(go_on(product, frozen), "a", {product: 1}),
        "B": Part(buy(product), "a", {product: 1}),
        "C": Part(forget_voids(product)),
    }


def _lost_answer(world: World) -> Cast:
    product = world.create(3)
    return {
        "A": Part(buy_unheard(product), "a", {product: 1}),
        "B": Part(buy(product), "b", {product: 1}),
        "C": Part(buy(product), "a", {product: 1}, LATER),
    }


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


def _named_twice(world: World) -> Cast:
    first, second = world.create(3), world.create(3)
    takes = {first: 2, second: 1}
    cart = buy_cart(first, second, first)
    return {
        "A": Part(cart, "a", takes),
        "B": Part(buy(first, 2), "b", {first: 2}),
        "C": Part(cart, "a", takes, LATER),
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
        Scenario(
            "thawed",
            "a request that slept beyond its fence and all voids, and its heir",
            _thawed,
            forgetting=True,
        ),
        Scenario(
            "lost-answer", "a sale whose answer is lost, another one, and a retry", _lost_answer
        ),
        Scenario("hold-ends", "commit, release and expiry of one hold", _hold_ends),
        Scenario("hold-late", "an expired hold: late commit, purchase, expiry", _hold_late),
        Scenario("carts", "a cart of two products, and a purchase of each", _carts),
        Scenario(
            "named-twice", "a cart that names a product twice, and who wants the same", _named_twice
        ),
        Scenario("cart-heirs", "a slow cart and two heirs of its claim", _cart_heirs),
        Scenario("price-edit", "a sale, an edit of its price, the sweeper", _price_edit),
        Scenario("returns", "two returns of one purchase, and a retry of one", _returns),
    )
}
