"""What actors do: each act is one request, as its client sends it, or a round of the sweeper."""

import time
from decimal import Decimal
from typing import Any

from pymongo.errors import AutoReconnect

from inventory import limits
from inventory.domain.claims import Claim, RequestKey
from inventory.domain.lines import Line
from inventory.domain.movements import Entry, Kind, Movement
from inventory.domain.products import Terms
from inventory.domain.purchases import Purchase
from inventory.domain.stock import Operation
from inventory.services.lines import AskedLine
from inventory.stock.changes import Change
from tests.faults.stage import new_id
from tests.faults.world import Act
from tests.integration.conftest import Process


def _name_of(key: RequestKey | None) -> str | None:
    return None if key is None else key.fingerprint


def buy(product_id: str, quantity: int = 1) -> Act:
    """Buy some units of one product."""

    def act(process: Process, key: RequestKey | None) -> tuple[object, bool]:
        return process.purchasing.purchase_product(
            product_id, quantity, reference=_name_of(key), key=key
        )

    return act


class _Unheard:
    """A collection over a connection that breaks right after its first update took effect."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self._broken = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def find_one_and_update(self, *arguments: Any, **options: Any) -> Any:
        answer = self._real.find_one_and_update(*arguments, **options)
        if not self._broken:
            self._broken = True
            raise AutoReconnect("the connection broke before the answer came")
        return answer


def buy_unheard(product_id: str) -> Act:
    """Buy one unit, and never hear what MongoDB answers to it."""

    def act(process: Process, key: RequestKey | None) -> tuple[object, bool]:
        vars(process.stock)["_stock"] = _Unheard(process.stock._stock)
        return buy(product_id)(process, key)

    return act


def buy_cart(*product_ids: str) -> Act:
    """Buy one unit of each, and one more of what is named again."""

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


def forget_voids(product_id: str) -> Act:
    """Give up some other request of the product; where `forgetting`, all earlier voids go."""

    def act(process: Process, key: RequestKey | None) -> tuple[object, bool]:
        return process.stock.void(product_id, new_id()), False

    return act


def edit_price(product_id: str) -> Act:
    """Double the price."""

    def act(process: Process, key: RequestKey | None) -> tuple[object, bool]:
        def dearer(terms: Terms) -> Terms:
            return Terms.of(name=terms.name, price=Decimal(5))

        return process.catalogue.edit_product(product_id, None, dearer), False

    return act


def go_on(product_id: str, claim: Claim) -> Act:
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
