"""All operations in any order, compared with a model in plain numbers after every one.

In `make test` the same examples are run every time. For longer, with others every time:
MODEL_EXAMPLES=2000 make test ARGS="tests/integration/test_model.py --no-cov --timeout=0"
"""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from inventory.domain.claims import RequestKey
from inventory.domain.lines import Line
from inventory.domain.movements import Reason
from inventory.domain.products import CustomerLimit, Terms
from inventory.errors import InventoryError
from inventory.repository.mongo import new_id, object_id
from inventory.services.changing import Replayed
from inventory.services.lines import AskedLine
from tests.integration.conftest import Process
from tests.integration.shop_model import Lines, Product, Shop, merged_lines

LONGER = os.environ.get("MODEL_EXAMPLES")
EXAMPLES = int(LONGER or 30)
STEPS = 30
# Time passes in tens of seconds and nothing lasts for full tens, so no second more or less matters.
PAUSES, LASTING = st.sampled_from([70, 150]), st.sampled_from([105, 335])
WINDOW = 205
QUANTITIES = st.integers(1, 4)
CUSTOMERS = st.sampled_from([None, "ada", "bob"])
LIMITS = st.fixed_dictionaries(
    {
        "oversell_limit": st.sampled_from([0, 0, 3]),
        "max_per_order": st.sampled_from([None, None, 3]),
        "max_per_customer": st.sampled_from([None, None, CustomerLimit(3, WINDOW)]),
    }
)
Asked = tuple[Callable[[], tuple[Any, bool]], Any, str | None]


class Service(RuleBasedStateMachine):
    """The services of one process beside the model."""

    products: Bundle[str] = Bundle("products")
    holds: Bundle[str] = Bundle("holds")
    purchases: Bundle[str] = Bundle("purchases")
    asked: Bundle[Asked] = Bundle("asked")

    def __init__(self, process: Process) -> None:
        super().__init__()
        self.process = process
        self.shop = Shop()
        self.real_now = type(process.clock).now
        setattr(process.clock, "now", self._now)  # noqa: B010 - mypy minds an assignment

    def _now(self) -> Any:
        return self.real_now(self.process.clock) + timedelta(seconds=self.shop.now)

    def _expect(self, reasons: set[str], act: Callable[[], Any]) -> Any:
        """Return what `act` returns, None where it is refused; there must be a reason for that."""
        try:
            done = act()
        except InventoryError as problem:
            found = problem.refusal if isinstance(problem, Replayed) else problem
            assert type(found).__name__ in reasons, (found, reasons)
            return None
        assert not reasons, (done, reasons)
        return done

    @initialize(target=products, stock=st.integers(0, 8), more=st.integers(0, 8))
    def open(self, stock: int, more: int) -> Any:
        """There are always two products without limits, and one that is limited per customer."""
        limited = {"max_per_customer": CustomerLimit(3, WINDOW)}
        return multiple(self._create(stock, {}), self._create(more, {}), self._create(9, limited))

    @rule(target=products, stock=st.integers(0, 8), limits=LIMITS)
    def create(self, stock: int, limits: dict[str, Any]) -> str:
        """Add a product."""
        return self._create(stock, limits)

    def _create(self, stock: int, limits: dict[str, Any]) -> str:
        id = self.process.create(stock, **limits)
        self.shop.products[id] = Product(stock)
        self._limit(id, limits)
        return id

    def _limit(self, id: str, limits: dict[str, Any]) -> None:
        product = self.shop.products[id]
        product.oversell_limit = limits.get("oversell_limit", 0)
        product.max_per_order = limits.get("max_per_order")
        limit = limits.get("max_per_customer")
        product.max_per_customer = limit and (limit.quantity, limit.window_seconds)

    def _buy(self, lines: Lines, customer: str | None, act: Callable[[], tuple[Any, bool]]) -> Any:
        """Buy; return what was bought, with what must come of the same request later on."""
        reasons = self.shop.against_sale(lines, customer)
        done = self._expect(reasons, act)
        if done is None:
            return None
        purchase, replayed = done
        assert not replayed
        assert {line.product_id: line.quantity for line in purchase.lines} == dict(lines)
        self.shop.sell(purchase.id, lines, customer)
        for line in purchase.lines:
            # Holds that have run out need not have been given back yet.
            assert line.remaining_stock <= self.shop.products[line.product_id].available
        return purchase

    @rule(target=purchases, product=products, quantity=QUANTITIES, customer=CUSTOMERS)
    def purchase(self, product: str, quantity: int, customer: str | None) -> Any:
        """Buy units of one product."""
        made = self._buy(
            {product: quantity},
            customer,
            lambda: self.process.purchasing.purchase_product(
                product, quantity, customer_id=customer
            ),
        )
        return made.id if made else multiple()

    @rule(target=asked, product=products, quantity=QUANTITIES, customer=CUSTOMERS)
    def purchase_with_key(self, product: str, quantity: int, customer: str | None) -> Asked:
        """Buy units of one product under a key."""
        key = _key()

        def act() -> tuple[Any, bool]:
            return self.process.purchasing.purchase_product(
                product, quantity, customer_id=customer, key=key
            )

        return self._ask(act, {product: quantity}, customer)

    @rule(
        target=asked,
        lines=st.lists(st.tuples(products, QUANTITIES), min_size=1, max_size=3),
        customer=CUSTOMERS,
    )
    def buy_cart(self, lines: list[tuple[str, int]], customer: str | None) -> Asked:
        """Buy a cart under a key; the same product may be in it twice."""
        key, asked = _key(), [AskedLine(quantity, id) for id, quantity in lines]

        def act() -> tuple[Any, bool]:
            return self.process.purchasing.buy_cart(asked, customer_id=customer, key=key)

        return self._ask(act, merged_lines(lines), customer)

    def _ask(self, act: Callable[[], tuple[Any, bool]], lines: Lines, who: str | None) -> Asked:
        refused: list[str] = []

        def noting() -> tuple[Any, bool]:
            try:
                return act()
            except InventoryError as problem:
                refused.append(problem.message)
                raise

        made = self._buy(lines, who, noting)
        return act, made, next(iter(refused), None)

    @rule(asked=asked)
    def retry(self, asked: Asked) -> None:
        """Whatever has happened since, a request with the same key gets the same answer."""
        act, made, refused = asked
        told: tuple[Any, bool]
        try:
            told = act()
        except Replayed as problem:
            told = problem.refusal.message, True
        assert told == (made or refused, True)

    @rule(
        target=holds,
        lines=st.lists(st.tuples(products, QUANTITIES), min_size=1, max_size=2),
        seconds=LASTING,
        customer=CUSTOMERS,
    )
    def hold(self, lines: list[tuple[str, int]], seconds: int, customer: str | None) -> Any:
        """Set units aside."""
        asked = [AskedLine(quantity, id) for id, quantity in lines]
        together = merged_lines(lines)
        done = self._expect(
            self.shop.against_sale(together, customer),
            lambda: self.process.reserving.hold(asked, seconds, customer_id=customer),
        )
        if done is None:
            return multiple()
        self.shop.hold(done[0].id, together, customer, seconds)
        return done[0].id

    @rule(hold=holds, seconds=LASTING)
    def extend(self, hold: str, seconds: int) -> None:
        """Let a hold last longer."""
        state = self.shop.holds[hold].state
        reasons = set() if state == "held" else {f"Reservation{state.capitalize()}"}
        if self._expect(reasons, lambda: self.process.reserving.extend(hold, seconds)):
            self.shop.holds[hold].until = self.shop.now + seconds

    @rule(target=purchases, hold=holds)
    def commit(self, hold: str) -> Any:
        """Buy all that is held, in time or late."""
        return self._commit(hold, self.shop.holds[hold].lines, None)

    @rule(target=purchases, hold=holds, quantity=QUANTITIES)
    def commit_part(self, hold: str, quantity: int) -> Any:
        """Buy some of the first line of a hold."""
        product = next(iter(self.shop.holds[hold].lines))
        return self._commit(hold, {product: quantity}, [Line(product, quantity)])

    def _commit(self, id: str, wanted: Lines, lines: list[Line] | None) -> Any:
        hold = self.shop.holds[id]
        if hold.purchase is not None and lines is None:
            wanted = self.shop.purchases[hold.purchase].lines
        done = self._expect(
            self.shop.against_commit(hold, wanted),
            lambda: self.process.reserving.commit(id, lines, None),
        )
        if done is None:
            return multiple()
        purchase = done[0]
        assert {line.product_id: line.quantity for line in purchase.lines} == dict(wanted)
        assert hold.purchase in (None, purchase.id)
        self.shop.commit(hold, purchase.id, wanted)
        return purchase.id

    @rule(hold=holds)
    def release(self, hold: str) -> None:
        """Give units of a hold back."""
        model = self.shop.holds[hold]
        reasons = {"ReservationCommitted"} if model.state == "committed" else set()
        if self._expect(reasons, lambda: self.process.reserving.release(hold, None)):
            self.shop.release(model)

    @rule(seconds=PAUSES)
    def pass_time(self, seconds: int) -> None:
        """Let time pass."""
        self.shop.pass_time(seconds)

    @rule()
    def sweep(self) -> None:
        """Tidy up; then the counters are those of the model to the unit."""
        self.process.archive.settle_stale()
        while self.process.engine.expire_due():
            pass
        for id, product in self.shop.products.items():
            counters = self.process.stock.get(id)
            assert counters is not None
            assert (counters.available, counters.held) == (product.available, product.held)

    @rule(product=products, delta=st.integers(-5, 5).filter(bool), off_by=st.sampled_from([0, 1]))
    def adjust_what_was_seen(self, product: str, delta: int, off_by: int) -> None:
        """Adjust the stock if it is what the caller has seen."""
        self.sweep()
        seen = self.shop.products[product].available
        self._adjust(product, delta, seen + off_by, {"StaleStock"} if off_by else set())

    @rule(product=products, delta=st.integers(-5, 5).filter(bool))
    def adjust(self, product: str, delta: int) -> None:
        """Adjust the stock, whatever it is."""
        self._adjust(product, delta, None, set())

    def _adjust(self, id: str, delta: int, expected: int | None, reasons: set[str]) -> None:
        product = self.shop.products[id]
        if product.deleted:
            reasons = reasons | {"ProductNotFound"}
        if delta < 0 and product.available + product.oversell_limit + delta < 0:
            reasons = reasons | {"InsufficientStock"}
        done = self._expect(
            reasons,
            lambda: self.process.adjusting.adjust_stock(
                id, delta, Reason.CORRECTION, expected_stock=expected
            ),
        )
        if done is not None:
            product.available += delta

    @rule(product=products, counted=st.integers(0, 10))
    def take_stock(self, product: str, counted: int) -> None:
        """Count the shelf."""
        self.sweep()
        found = self.shop.found(product, counted)
        done = self._expect(
            self.shop.against_count(product, counted),
            lambda: self.process.counting.take_stock([AskedLine(counted, product)]),
        )
        if done is not None:
            assert done[0].lines[0].difference == found
            self.shop.products[product].available += found

    @rule(purchase=purchases, quantity=QUANTITIES, restock=st.booleans())
    def bring_back(self, purchase: str, quantity: int, restock: bool) -> None:
        """Return units of the first line of a purchase, fit for sale or not."""
        self._bring_back(purchase, quantity, restock=restock)

    @rule(purchase=purchases)
    def bring_back_too_many(self, purchase: str) -> None:
        """Return all that is left of the first line of a purchase, and then one unit more."""
        model = self.shop.purchases[purchase]
        product, sold = next(iter(model.lines.items()))
        if left := sold - model.returned.get(product, 0):
            self._bring_back(purchase, left, restock=True)
        self._bring_back(purchase, 1, restock=True)

    def _bring_back(self, purchase: str, quantity: int, *, restock: bool) -> None:
        model = self.shop.purchases[purchase]
        product, sold = next(iter(model.lines.items()))
        came = model.returned.get(product, 0) + quantity
        done = self._expect(
            {"ReturnExceedsPurchased"} if came > sold else set(),
            lambda: self.process.purchasing.return_units(
                purchase, [Line(product, quantity)], "unwanted", restock=restock
            ),
        )
        if done is not None:
            model.returned[product] = came
            self.shop.products[product].available += quantity if restock else 0

    @rule(product=products, limits=LIMITS)
    def edit(self, product: str, limits: dict[str, Any]) -> None:
        """Change the limits of a product."""

        def edited(terms: Terms) -> Terms:
            return replace(terms, **limits)

        reasons = {"ProductNotFound"} if self.shop.products[product].deleted else set()
        if self._expect(
            reasons, lambda: self.process.catalogue.edit_product(product, None, edited)
        ):
            self._limit(product, limits)

    @rule(product=products, seldom=st.sampled_from([False, False, True]))
    def delete(self, product: str, seldom: bool) -> None:
        """Take a product out of the catalogue, seldom: there is little to do with it then."""
        if not seldom:
            return
        reasons = {"ProductNotFound"} if self.shop.products[product].deleted else set()
        if self._expect(reasons, lambda: self.process.catalogue.delete_product(product, None)):
            self.shop.products[product].deleted = True

    @invariant()
    def counters_are_those_of_the_model(self) -> None:
        """What is on sale and held together agrees, and holds have the state that they must."""
        for id, product in self.shop.products.items():
            counters = self.process.stock.get(id)
            assert counters is not None
            assert counters.available + counters.held == product.available + product.held
            assert counters.held >= product.held
        for id, hold in self.shop.holds.items():
            assert self.process.reserving.get(id).state == hold.state

    def teardown(self) -> None:
        """At the end the ledger explains everything."""
        self.sweep()
        for id in self.shop.products:
            self.process.assert_exact(id)
        rows = self.process.database["movements"]
        for id, purchase in self.shop.purchases.items():
            kept = self.process.purchasing.get_purchase(id)
            assert {line.product_id: line.quantity for line in kept.lines} == dict(purchase.lines)
            of_it = {"$or": [{"_id": object_id(id)}, {"purchase_id": object_id(id)}]}
            sold = {"kind": {"$in": ["purchase", "commit"]}, **of_it}
            assert rows.count_documents(sold) == len(purchase.lines)


def _key() -> RequestKey:
    return RequestKey(id=new_id(), fingerprint="f", request_id="r")


def test_the_service_does_what_the_model_does(process: Process) -> None:
    """Whatever is done in whatever order, counters, refusals and ledger are those of the model."""

    class ServiceOfProcess(Service):
        """The service, over the servers of this test."""

        def __init__(self) -> None:
            super().__init__(process)

    run_state_machine_as_test(
        ServiceOfProcess,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=LONGER is None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
