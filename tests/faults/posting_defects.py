"""Mistakes in what touches several documents: carts, holds and returns."""

from contextlib import AbstractContextManager
from functools import partial
from unittest.mock import patch

from inventory.domain.books import Books
from inventory.domain.lines import Line
from inventory.domain.movements import Kind
from inventory.domain.postings.buying import TakeBack
from inventory.domain.postings.holding import Expire
from inventory.domain.purchases import Purchase, PurchaseLine
from inventory.domain.reservations import Reservation, State
from inventory.repository.operations import OperationRepository
from inventory.repository.reservations import ReservationRepository
from inventory.services import lines as service_lines
from inventory.stock.group import Group
from tests.faults.defects import Defect, InScenario


def _restock_twice() -> AbstractContextManager[object]:
    real = TakeBack._restock

    def restock(self: TakeBack, line: Line, purchase: Purchase, books: Books) -> None:
        real(self, line, purchase, books)
        real(self, line, purchase, books)

    return patch.object(TakeBack, "_restock", restock)


def _expire_whatever_state(self: Expire, books: Books) -> Reservation:
    return books.give_back(books.reservations[self.reservation_id], Kind.EXPIRY, State.EXPIRED)


POSTING_DEFECTS = (
    Defect(
        "a cart that was overtaken goes on",
        "a slow cart is sold beside its heir's",
        InScenario("cart-heirs"),
        partial(patch.object, OperationRepository, "finish", lambda *_: set()),
    ),
    Defect(
        "expiry and commit ask for different states",
        "held units are sold and given back",
        InScenario("hold-ends"),
        partial(patch.object, Expire, "decide", _expire_whatever_state),
    ),
    Defect(
        "expired holds are not taken back",
        "somebody is refused units that nobody holds any more",
        InScenario("hold-late"),
        partial(patch.object, ReservationRepository, "list_due_of", lambda *_: []),
    ),
    Defect(
        "a refusal is not looked at again",
        "somebody is refused units that another process just took back",
        InScenario("hold-late"),
        partial(patch.object, Group, "refused_without_need", lambda *_: False),
    ),
    Defect(
        "return counted twice",
        "units that came back once are on sale twice",
        InScenario("returns"),
        _restock_twice,
    ),
    Defect(
        "what came back is not counted",
        "the same units come back again and again",
        InScenario("returns"),
        partial(patch.object, PurchaseLine, "returnable", property(lambda self: self.quantity)),
    ),
    Defect(
        "a cart asks for nothing",
        "a cart takes units that are not there",
        InScenario("carts"),
        partial(patch.object, Books, "require", lambda *_: None),
    ),
    Defect(
        "cart lines not merged",
        "a cart that names a product twice takes more than there is",
        InScenario("named-twice"),
        partial(patch.object, service_lines, "merged", tuple),
    ),
)
