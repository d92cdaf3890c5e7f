"""The tail of a product: entries that wait there are history, and reach the ledger once."""

import time
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from bson import ObjectId
from pymongo.collection import Collection

from inventory import limits
from inventory.domain.movements import Entry, Kind
from inventory.domain.products import Terms
from inventory.domain.stock import Operation, Snapshot
from inventory.errors import (
    OutcomeUnknown,
    PurchaseNotFound,
    StorageUnavailable,
)
from inventory.repository.mongo import new_id
from inventory.services.changing import begin_claim
from inventory.services.lines import AskedLine
from inventory.stock.changes import Change
from inventory.stock.sweeper import Sweeper
from tests.integration.conftest import Process
from tests.integration.engine_calls import key, operation_of, settled_tail, until


def test_tail_is_trimmed_and_the_ledger_complete(process: Process) -> None:
    """A product that sells on and on keeps a bounded tail and a gapless ledger."""
    product_id = process.create(stock=1000)
    for _ in range(limits.TAIL_TRIM_ENTRIES * 2):
        process.purchasing.purchase_product(product_id, 1)
    snapshot = process.stock.get(product_id, newest=True)
    assert snapshot is not None
    assert len(snapshot.tail) <= limits.TAIL_TRIM_ENTRIES
    process.assert_exact(product_id)


def test_a_full_tail_is_emptied_by_the_next_writer(process: Process) -> None:
    """Where nobody archived for so long that the tail is full, a sale makes room and goes on."""
    product_id = process.create(stock=1000)
    entries = [
        Operation(product_id, Entry(new_id(), Kind.PURCHASE, -1, process.clock.now()))
        for _ in range(limits.TAIL_ENTRIES_MAX)
    ]
    assert process.stock.apply(product_id, entries) is not None
    assert process.stock.apply(product_id, entries[:1]) is None
    purchase, _ = process.purchasing.purchase_product(product_id, 1)
    assert purchase.lines[0].remaining_stock == 1000 - limits.TAIL_ENTRIES_MAX - 1
    process.assert_exact(product_id)


def test_an_unarchived_entry_is_never_trimmed(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trimming stops before the first entry whose row a majority does not have."""
    product_id = process.create()
    for _ in range(3):
        process.purchasing.purchase_product(product_id, 1)
    snapshot = process.stock.get(product_id, newest=True)
    assert snapshot is not None
    _, second, third = snapshot.tail
    lost = process.database["movements"].find_one_and_delete({"version": 3})
    assert lost is not None
    assert str(lost["_id"]) == second.operation_id
    with monkeypatch.context() as patch:
        patch.setattr(process.movements, "add_missing", lambda _: None)
        process.archive.settle([snapshot])
    after = process.stock.get(product_id, newest=True)
    assert after is not None
    assert after.tail == (second, third)
    process.archive.settle([after])
    process.assert_exact(product_id)


def lose_purchase(process: Process, product_id: str) -> tuple[str, Snapshot]:
    """Take the purchase of the second of three sales away, as a crash between it and its row can.

    It was written before its row, and the row reached the server that came up again.
    """
    for _ in range(3):
        process.purchasing.purchase_product(product_id, 1)
    snapshot = process.stock.get(product_id, newest=True)
    assert snapshot is not None
    lost = snapshot.tail[1].operation_id
    assert process.database["purchases"].find_one_and_delete({"_id": ObjectId(lost)}) is not None
    return lost, snapshot


def test_a_purchase_that_a_crash_took_comes_back_from_the_tail(process: Process) -> None:
    """Settling writes it once more before the entry leaves the tail."""
    product_id = process.create()
    lost, _ = lose_purchase(process, product_id)
    until(lambda: settled_tail(process, product_id) == ())
    assert process.purchases.get(lost) is not None
    process.assert_exact(product_id)


def test_an_entry_whose_purchase_is_gone_is_not_trimmed(process: Process) -> None:
    """Whoever trims without writing leaves it, and all after it, to the sweeper."""
    product_id = process.create()
    lost, snapshot = lose_purchase(process, product_id)
    process.archive.tidy([product_id])
    after = process.stock.get(product_id, newest=True)
    assert after is not None
    assert after.tail == snapshot.tail[1:]
    # It is told of meanwhile.
    assert process.purchasing.get_purchase(lost).id == lost


def test_a_transaction_does_not_trim_it_either(process: Process) -> None:
    """A cart of the same product leaves the tail as it is."""
    product_id = process.create()
    lost, _ = lose_purchase(process, product_id)
    process.purchasing.buy_cart([AskedLine(1, product_id)])
    after = process.stock.get(product_id, newest=True)
    assert after is not None
    assert [entry.operation_id for entry in after.tail][1] == lost
    process.archive.settle([after])
    process.assert_exact(product_id)


def test_the_sweeper_finishes_what_a_dead_process_began(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entries that were applied and never archived reach the ledger without their process."""
    product_id = process.create()
    operation = operation_of(process, product_id, -2)
    assert process.stock.apply(product_id, [operation]) is not None
    assert process.books(product_id) == [(1, 10, 10)]
    monkeypatch.setattr(limits, "TAIL_STALE_SECONDS", -60.0)
    Sweeper(process.archive, process.engine).sweep()
    assert process.books(product_id) == [(1, 10, 10), (2, -2, 8)]
    # Nor could it tell the cache.
    assert [(s.product_id, s.available) for s in process.published.snapshots] == [(product_id, 8)]
    assert process.purchases.get(operation.id) is not None
    # A majority has the row within moments, and then the tail is trimmed.
    until(lambda: not process.archive.settle_stale())
    process.assert_exact(product_id)


def test_history_includes_what_waits_in_the_tail(process: Process) -> None:
    """Whoever asks for movements sees everything applied, archived or not."""
    product_id = process.create()
    assert process.stock.apply(product_id, [operation_of(process, product_id, -2)])
    rows = process.adjusting.list_movements(product_id, None, None, 10)
    assert [(row.version, row.entry.delta) for row in rows] == [(2, -2), (1, 10)]


def test_a_purchase_is_found_before_it_is_archived(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was acknowledged can be read at once, even if the ledger could not be written."""
    product_id = process.create()

    def fail(*_: object) -> None:
        raise OutcomeUnknown

    with monkeypatch.context() as patch:
        patch.setattr(process.archive, "add", fail)
        purchase, _ = process.purchasing.purchase_product(product_id, 1)
        assert process.purchases.get(purchase.id) is None
        with pytest.raises(StorageUnavailable):
            process.purchasing.get_purchase(purchase.id)
    assert process.purchasing.get_purchase(purchase.id) == purchase
    assert process.purchases.get(purchase.id) == purchase
    with pytest.raises(PurchaseNotFound):
        process.purchasing.get_purchase(new_id())


def test_a_sale_keeps_the_price_it_was_made_at(process: Process) -> None:
    """An entry that still waits for the ledger is not repriced by an edit."""
    product_id = process.create(price=Decimal("2.50"))
    old = operation_of(process, product_id, -1)
    assert process.stock.apply(product_id, [old]) is not None
    process.catalogue.edit_product(
        product_id, 1, lambda terms: Terms.of(name=terms.name, price=Decimal(4))
    )
    new, _ = process.purchasing.purchase_product(product_id, 1)
    process.assert_exact(product_id)
    found = process.recovery.find(product_id, old.id)
    assert found is not None
    assert found.entry.price == Decimal("2.50")
    assert new.lines[0].unit_price == Decimal("4.00")


def test_a_fenced_operation_is_not_applied_late(process: Process) -> None:
    """After its fence, by the database's clock, nobody can apply an operation any more."""
    product_id = process.create()
    entry = Entry(new_id(), Kind.PURCHASE, -1, process.clock.now())
    late = Operation(product_id, entry, fence=process.clock.now() - timedelta(seconds=1))
    assert process.stock.apply(product_id, [late]) is None
    with pytest.raises(StorageUnavailable):
        process.engine.submit(Change(late.id, late), time.monotonic() + 2)
    assert process.books(product_id) == [(1, 10, 10)]


def test_a_voided_operation_is_not_applied(process: Process) -> None:
    """A writer that wakes up inside its fence finds its operation given up by its successor."""
    product_id = process.create()
    claim = begin_claim(key(), new_id(), process.clock, product_id)
    entry = Entry(claim.operation_id, Kind.PURCHASE, -1, process.clock.now())
    sleeper = Operation(product_id, entry, fence=claim.fence)
    assert process.recovery.give_up(product_id, claim.operation_id) is None
    assert process.stock.apply(product_id, [sleeper]) is None
    with pytest.raises(StorageUnavailable):
        process.engine.submit(
            Change(sleeper.id, sleeper, claim, claimed=True), time.monotonic() + 2
        )


def test_an_applied_operation_cannot_be_voided(process: Process) -> None:
    """Giving up finds an effect wherever it is: in the tail, in the ledger, or trimmed."""
    product_id = process.create()
    operation = operation_of(process, product_id, -3)
    snapshot = process.stock.apply(product_id, [operation])
    assert snapshot is not None
    assert not process.stock.void(product_id, operation.id)
    assert process.recovery.give_up(product_id, operation.id) is not None
    until(lambda: settled_tail(process, product_id) == ())
    found = process.recovery.give_up(product_id, operation.id)
    assert found is not None
    assert (found.version, found.balance) == (2, 7)


def test_an_update_that_was_sent_twice_is_understood(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MongoDB answers a retried update with the whole document, whatever was asked for of it."""
    product_id = process.create(stock=10)
    process.purchasing.purchase_product(product_id, 1)
    update = Collection.find_one_and_update

    def as_if_retried(*arguments: Any, **options: Any) -> Any:
        collection, query, change, _projection = arguments
        return update(collection, query, change, **options)

    monkeypatch.setattr(Collection, "find_one_and_update", as_if_retried)
    purchase, _ = process.purchasing.purchase_product(product_id, 2)
    assert (purchase.lines[0].remaining_stock, purchase.lines[0].stock_version) == (7, 3)
    process.assert_exact(product_id)


def test_no_sale_is_older_than_the_one_before(process: Process) -> None:
    """Where a clock lags behind, a sale's time is that of the sale before it, for every reader."""
    product_id = process.create(stock=10)
    later = process.clock.now() + timedelta(seconds=60)
    ahead = Operation(product_id, Entry(new_id(), Kind.PURCHASE, -1, later))
    assert process.stock.apply(product_id, [ahead]) is not None
    purchase, _ = process.purchasing.purchase_product(product_id, 1)
    assert purchase.created_at == later
    process.assert_exact(product_id)
