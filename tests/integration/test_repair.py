"""Repairs of the books: what is still known is put right, nothing else is touched."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from bson import Decimal128, ObjectId

from inventory.bookkeeping import Bookkeeping, opened
from inventory.domain.integrity.problems import Code
from inventory.domain.integrity.repairs import CountersRepair, PurchaseRepair, TailRepair
from inventory.domain.lines import Line
from inventory.domain.movements import Entry, Kind
from inventory.domain.stock import Operation
from inventory.repository.mongo import new_id
from inventory.repository.repairs import RepairRepository
from inventory.settings import Settings
from tests.integration.bookkeeping import ADJUSTMENT, Spoil, Store, build
from tests.integration.conftest import Process


@pytest.fixture(name="settings")
def _settings(quiet_settings: Settings) -> Settings:
    return quiet_settings


@pytest.fixture(name="store")
def _store(process: Process) -> Store:
    store = build(process)
    store.keep_tails()
    return store


@pytest.fixture(name="books")
def _books(settings: Settings) -> Iterator[Bookkeeping]:
    with opened(settings) as books:
        yield books


def unseen(_: int) -> None:
    """Nobody watches."""


def lose_a_purchase_of_which_some_came_back(store: Store) -> None:
    """Delete the purchase of one product, of which a unit has been returned."""
    store.process.purchasing.return_units(store.sale, [Line(store.plain, 1)], "too small")
    store.delete("purchases", store.sale)


def forget_an_edit(store: Store) -> None:
    """Let the counters of a product with a tail go by another price and limit."""
    store.set("stock", store.tailed, price=Decimal128(Decimal("7.77")), oversell_limit=4)


MENDED: dict[str, Spoil] = {
    "available": lambda s: s.add("stock", s.plain, available=4),
    "available beside a tail": lambda s: s.add("stock", s.tailed, available=-1),
    "available and headroom": lambda s: s.add("stock", s.plain, available=4, headroom=4),
    "held": lambda s: s.add("stock", s.other, held=-1),
    "the version": lambda s: s.add("stock", s.plain, version=2),
    "the version beside a tail": lambda s: s.add("stock", s.tailed, version=-2),
    "everything": lambda s: s.add("stock", s.plain, available=1, held=1, version=-1, headroom=9),
    "headroom": lambda s: s.add("stock", s.below, headroom=1),
    "terms": forget_an_edit,
    "closed while on sale": lambda s: s.set("stock", s.plain, closed=True),
    "open while deleted": lambda s: s.set("stock", s.gone, closed=False),
    "a purchase": lose_a_purchase_of_which_some_came_back,
}


@pytest.mark.parametrize("name", MENDED)
def test_what_is_still_known_is_put_right(store: Store, books: Bookkeeping, name: str) -> None:
    """What was shown first and then done leaves the very books that were there before."""
    MENDED[name](store)
    spoiled = store.everything()
    shown = books.repairing.repair_all(unseen, apply=False)
    assert store.everything() == spoiled
    assert (len(shown.repairs), shown.unsolved) == (1, [])
    done = books.repairing.repair_all(unseen, apply=True)
    assert [str(repair) for _, repair in done.repairs] == [str(r) for _, r in shown.repairs]
    assert (done.overtaken, done.unsolved) == ([], [])
    report = books.auditing.check_all()
    assert report.problems == []
    assert report.ok


def test_repaired_counters_are_those_of_before(store: Store, books: Bookkeeping) -> None:
    """Counters come back to the last unit, and nothing else in the store has changed."""
    before = store.everything()
    store.add("stock", store.plain, available=3, held=2, headroom=-1)
    books.repairing.repair_all(unseen, apply=True)
    assert store.everything() == before


def test_a_purchase_comes_back_as_it_was(store: Store, books: Bookkeeping) -> None:
    """The purchase of one product is read off its movement to the last field."""
    before = store.everything()
    store.delete("purchases", store.sale)
    (repair,) = books.repairing.repair_all(unseen, apply=True).repairs
    assert repair == (store.plain, PurchaseRepair(store.plain, (store.sale,)))
    assert store.everything() == before


UNSOLVED: dict[str, tuple[str, Spoil]] = {
    "a row": (Code.VERSION_GAP, lambda s: s.delete("movements", s.row(ADJUSTMENT))),
    "the last row": (Code.VERSION_DIFFERS, lambda s: s.delete("movements", s.last())),
    "a balance": (
        Code.BALANCE_CHAIN_BROKEN,
        lambda s: s.add("movements", s.row(ADJUSTMENT), balance=1),
    ),
    "a cart's purchase": (Code.PURCHASE_MISSING, lambda s: s.delete("purchases", s.cart)),
    "the counters": (Code.STOCK_MISSING, lambda s: s.delete("stock", s.plain)),
    "nonsense": (Code.UNREADABLE, lambda s: s.set("stock", s.plain, held="x")),
    "a reservation": (
        Code.HOLDS_DIFFER,
        lambda s: s.set("reservations", s.held, state="released"),
    ),
}


@pytest.mark.parametrize("name", UNSOLVED)
def test_what_nobody_knows_needs_a_person(store: Store, books: Bookkeeping, name: str) -> None:
    """What cannot be derived is told and left as it is."""
    code, spoil = UNSOLVED[name]
    spoil(store)
    spoiled = store.everything()
    outcome = books.repairing.repair_all(unseen, apply=True)
    assert (outcome.repairs, outcome.overtaken) == ([], [])
    assert {problem.code for problem in outcome.unsolved} == {code}
    assert store.everything() == spoiled


def test_counters_follow_from_whole_ledgers_only(store: Store, books: Bookkeeping) -> None:
    """Beside a ledger with a gap wrong counters stay as they are: no stock is invented."""
    store.delete("movements", store.row(ADJUSTMENT))
    store.add("stock", store.plain, available=50, headroom=50)
    spoiled = store.everything()
    outcome = books.repairing.repair_all(unseen, apply=True)
    assert outcome.repairs == []
    codes = {problem.code for problem in outcome.unsolved}
    assert codes == {Code.VERSION_GAP, Code.AVAILABLE_DIFFERS}
    assert store.everything() == spoiled


def test_what_has_changed_meanwhile_is_left_alone(
    store: Store, books: Bookkeeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sale between the check and the repair wins; the next run repairs what is left."""
    store.add("stock", store.plain, headroom=1)
    original = RepairRepository.put_right

    def sold_before(fixes: RepairRepository, repair: CountersRepair) -> bool:
        store.process.purchasing.purchase_product(store.plain, 1)
        return original(fixes, repair)

    with monkeypatch.context() as patch:
        patch.setattr(RepairRepository, "put_right", sold_before)
        outcome = books.repairing.repair_all(unseen, apply=True)
    assert (outcome.repairs, len(outcome.overtaken)) == ([], 1)
    assert len(books.repairing.repair_all(unseen, apply=True).repairs) == 1
    assert books.auditing.check_all().ok


def leave_a_tail(store: Store) -> int:
    """Let entries wait in a tail that nobody carries on; return how many."""
    long_ago = store.process.clock.now() - timedelta(minutes=1)
    product_id = store.process.create(stock=5)
    store.set("movements", product_id, at=long_ago)
    store.set("stock", product_id, trimmed_at=long_ago)
    entries = [Entry(new_id(), Kind.PURCHASE, -1, long_ago) for _ in range(2)]
    store.process.stock.apply(product_id, [Operation(product_id, entry) for entry in entries])
    return len(entries)


def test_tails_that_were_left_alone_are_carried_on(store: Store, books: Bookkeeping) -> None:
    """What a process left behind when it died reaches ledger and purchases, whole."""
    count = leave_a_tail(store)
    assert books.auditing.check_all().ok
    purchases = store.collection("purchases").count_documents({})
    (shown,) = books.repairing.repair_all(unseen, apply=False).repairs
    assert isinstance(shown[1], TailRepair)
    assert shown[1].entries == count
    assert store.collection("purchases").count_documents({}) == purchases
    books.repairing.repair_all(unseen, apply=True)
    assert store.collection("purchases").count_documents({}) == purchases + count
    assert books.auditing.check_all().ok


def test_wrong_tails_stay_out_of_the_ledger(store: Store, books: Bookkeeping) -> None:
    """Entries whose product needs a person are not carried on: their balances might be wrong."""
    leave_a_tail(store)
    (product,) = (
        store.collection("stock")
        .find({"tail_since": {"$exists": True}})
        .sort("tail_since")
        .limit(1)
    )
    store.collection("movements").delete_one({"_id": product["_id"]})
    rows = store.collection("movements").count_documents({})
    outcome = books.repairing.repair_all(unseen, apply=True)
    assert [str(problem.product_id) for problem in outcome.unsolved] == [str(product["_id"])]
    assert outcome.repairs == []
    assert store.collection("movements").count_documents({}) == rows


def test_returns_nobody_counts_are_found(store: Store, books: Bookkeeping) -> None:
    """Units that came back off the shelf's books, and are counted on no purchase, are told."""
    lines = [{"product_id": ObjectId(store.plain), "quantity": 1, "remaining": 0}]
    store.collection("returns").insert_one(
        {
            "purchase_id": ObjectId(store.sale),
            "lines": lines,
            "reason": "lost",
            "restocked": False,
            "created_at": store.process.clock.now(),
        }
    )
    (problem,) = books.auditing.check_all().problems
    assert (problem.code, problem.product_id) == (Code.RETURNED_DIFFERS, store.plain)
