"""One thing that is wrong in books that were right, and the code by which it is to be told."""

from datetime import timedelta
from decimal import Decimal

from bson import Decimal128, ObjectId

from inventory.domain.integrity.problems import Code
from tests.integration.bookkeeping import ADJUSTMENT, SALE, Spoil, Store


def lose_counters_and_product(store: Store) -> None:
    """Delete all that there is of a product but its ledger."""
    store.delete("products", store.tailed)
    store.delete("stock", store.tailed)


def copy_a_purchase(store: Store) -> None:
    """Let a purchase appear that never happened."""
    document = store.collection("purchases").find_one({"_id": ObjectId(store.sale)})
    assert document is not None
    store.collection("purchases").insert_one(document | {"_id": ObjectId()})


def lose_a_return(store: Store) -> None:
    """Delete the record of units that came back and were not put on sale."""
    assert store.collection("returns").delete_one({"restocked": False}).deleted_count == 1


def return_too_much(store: Store) -> None:
    """Let more come back than was bought, in all places."""
    store.collection("returns").update_one({"restocked": False}, {"$inc": {"lines.0.quantity": 1}})
    store.add("purchases", store.cart, lines__1__returned=1)


def sell_what_is_not_there(store: Store) -> None:
    """Let the stock fall below what is allowed, in all places."""
    product_id = store.process.create(stock=1)
    sale = store.process.purchasing.purchase_product(product_id, 1)[0].id
    store.add("movements", product_id, delta=-1, balance=-1)
    store.add("movements", sale, balance=-1)
    store.add("purchases", sale, lines__0__remaining_stock=-1)
    store.add("stock", product_id, available=-1, headroom=-1)


def buy_twice_what_is_not_there(store: Store) -> None:
    """Let a purchase appear that never happened, and that has the same line twice."""
    document = store.collection("purchases").find_one({"_id": ObjectId(store.sale)})
    assert document is not None
    copied = document | {"_id": ObjectId(), "lines": document["lines"] * 2}
    store.collection("purchases").insert_one(copied)


def hold_what_never_was(store: Store) -> None:
    """Let units of a product be held that nobody knows."""
    document = store.collection("reservations").find_one({"_id": ObjectId(store.held)})
    assert document is not None
    line = document["lines"][0] | {"product_id": ObjectId()}
    store.collection("reservations").insert_one(document | {"_id": ObjectId(), "lines": [line]})


def restock_too_much(store: Store) -> None:
    """Let more units be on sale again than came back, in ledger and counters."""
    query = {"product_id": ObjectId(store.plain), "kind": "return"}
    (row,) = store.collection("movements").find(query)
    store.add("movements", str(row["_id"]), delta=1)
    later = query | {"kind": {"$exists": True}, "version": {"$gte": row["version"]}}
    store.collection("movements").update_many(later, {"$inc": {"balance": 1}})
    told = {"lines.product_id": row["product_id"], "lines.stock_version": {"$gt": row["version"]}}
    for purchase in list(store.collection("purchases").find(told)):
        for place, line in enumerate(purchase["lines"]):
            if line["product_id"] == row["product_id"]:
                field = f"lines__{place}__remaining_stock"
                store.add("purchases", str(purchase["_id"]), **{field: 1})
    store.add("stock", store.plain, available=1, headroom=1)


def lose_a_return_on_sale(store: Store) -> None:
    """Delete the record of units that came back and were put on sale."""
    assert store.collection("returns").delete_one({"restocked": True}).deleted_count == 1


def garble_a_return(store: Store) -> None:
    """Let a return have no lines, but something else in their place."""
    store.collection("returns").update_one({"restocked": False}, {"$set": {"lines": 5}})


SPOILED: dict[str, tuple[str, Spoil]] = {
    "a row is lost": (Code.VERSION_GAP, lambda s: s.delete("movements", s.row(ADJUSTMENT))),
    "a balance": (
        Code.BALANCE_CHAIN_BROKEN,
        lambda s: s.add("movements", s.row(ADJUSTMENT), balance=1),
    ),
    "the last balance": (
        Code.BALANCE_CHAIN_BROKEN,
        lambda s: s.add("movements", s.last(), balance=1),
    ),
    "a delta": (
        Code.BALANCE_CHAIN_BROKEN,
        lambda s: s.add("movements", s.row(ADJUSTMENT), delta=-1),
    ),
    "what was held": (
        Code.HELD_CHAIN_BROKEN,
        lambda s: s.add("movements", s.row(ADJUSTMENT), held_balance=1),
    ),
    "the opening is lost": (Code.OPENING_MISSING, lambda s: s.delete("movements", s.row(1))),
    "all rows are lost": (
        Code.OPENING_MISSING,
        lambda s: s.delete("movements", s.process.create()),
    ),
    "the opening is another kind": (
        Code.OPENING_MISSING,
        lambda s: s.set("movements", s.row(1), kind="stocktake"),
    ),
    "a reason": (
        Code.ENTRY_CONTRADICTS_KIND,
        lambda s: s.set("movements", s.row(ADJUSTMENT), reason="received"),
    ),
    "a time": (
        Code.TIME_GOES_BACK,
        lambda s: s.set(
            "movements", s.row(ADJUSTMENT), at=s.process.clock.now() - timedelta(days=1)
        ),
    ),
    "an entry in the tail": (
        Code.TAIL_DIFFERS_FROM_LEDGER,
        lambda s: s.set("stock", s.tailed, tail__3__op=ObjectId()),
    ),
    "available": (Code.AVAILABLE_DIFFERS, lambda s: s.add("stock", s.plain, available=1)),
    "available beside a tail": (
        Code.AVAILABLE_DIFFERS,
        lambda s: s.add("stock", s.tailed, available=-1),
    ),
    "held": (Code.HELD_DIFFERS, lambda s: s.add("stock", s.plain, held=1)),
    "the version": (Code.VERSION_DIFFERS, lambda s: s.add("stock", s.plain, version=1)),
    "the version beside a tail": (
        Code.VERSION_DIFFERS,
        lambda s: s.add("stock", s.tailed, version=-1),
    ),
    "the last row is lost": (Code.VERSION_DIFFERS, lambda s: s.delete("movements", s.last())),
    "headroom": (Code.HEADROOM_DIFFERS, lambda s: s.add("stock", s.other, headroom=1)),
    "the price": (
        Code.TERMS_DIFFER,
        lambda s: s.set("stock", s.plain, price=Decimal128(Decimal("9.99"))),
    ),
    "the limit": (Code.TERMS_DIFFER, lambda s: s.add("stock", s.other, oversell_limit=1)),
    "the limit for customers": (
        Code.TERMS_DIFFER,
        lambda s: s.set("products", s.plain, max_per_customer={"quantity": 1, "window_seconds": 1}),
    ),
    "closed while on sale": (
        Code.CLOSED_DIFFERS,
        lambda s: s.set("stock", s.plain, closed=True),
    ),
    "open while deleted": (Code.CLOSED_DIFFERS, lambda s: s.set("stock", s.gone, closed=False)),
    "the counters are lost": (Code.STOCK_MISSING, lambda s: s.delete("stock", s.plain)),
    "the product is lost": (
        Code.STOCK_WITHOUT_PRODUCT,
        lambda s: s.delete("products", s.plain),
    ),
    "all but the ledger is lost": (Code.MOVEMENTS_WITHOUT_PRODUCT, lose_counters_and_product),
    "a purchase is lost": (Code.PURCHASE_MISSING, lambda s: s.delete("purchases", s.sale)),
    "a quantity": (
        Code.PURCHASE_DIFFERS,
        lambda s: s.add("purchases", s.sale, lines__0__quantity=1),
    ),
    "another product": (
        Code.PURCHASE_DIFFERS,
        lambda s: s.set("purchases", s.sale, lines__0__stock_version=SALE + 1),
    ),
    "what remained": (
        Code.PURCHASE_DIFFERS,
        lambda s: s.add("purchases", s.bought, lines__0__remaining_stock=1),
    ),
    "a purchase of nothing": (Code.PURCHASE_WITHOUT_MOVEMENT, copy_a_purchase),
    "units returned": (
        Code.RETURNED_DIFFERS,
        lambda s: s.add("purchases", s.cart, lines__0__returned=1),
    ),
    "a return is lost": (Code.RETURNED_DIFFERS, lose_a_return),
    "a return on sale is lost": (Code.RETURNED_DIFFERS, lose_a_return_on_sale),
    "too much is on sale again": (Code.RESTOCKED_DIFFERS, restock_too_much),
    "too much is returned": (Code.RETURNED_EXCEEDS_PURCHASED, return_too_much),
    "a reservation is lost": (
        Code.RESERVATION_MISSING,
        lambda s: s.delete("reservations", s.released),
    ),
    "a bought reservation's purchase": (
        Code.RESERVATION_WITHOUT_PURCHASE,
        lambda s: s.delete("purchases", s.bought),
    ),
    "what a reservation became": (
        Code.RESERVATION_WITHOUT_PURCHASE,
        lambda s: s.set("reservations", s.committed, purchase_id=ObjectId()),
    ),
    "a reservation's quantity": (
        Code.HOLDS_DIFFER,
        lambda s: s.add("reservations", s.held, lines__0__quantity=1),
    ),
    "a reservation's state": (
        Code.HOLDS_DIFFER,
        lambda s: s.set("reservations", s.held, state="released"),
    ),
    "a purchase of nothing, twice": (Code.PURCHASE_WITHOUT_MOVEMENT, buy_twice_what_is_not_there),
    "held of nothing": (Code.HOLDS_DIFFER, hold_what_never_was),
    "nonsense in a return": (Code.UNREADABLE, garble_a_return),
    "nonsense in a balance": (
        Code.UNREADABLE,
        lambda s: s.set("movements", s.row(ADJUSTMENT), balance="x"),
    ),
    "nonsense in a purchase": (
        Code.UNREADABLE,
        lambda s: s.set("purchases", s.sale, lines__0__quantity=None),
    ),
    "oversold": (Code.OVERSOLD, sell_what_is_not_there),
    "nonsense": (
        Code.UNREADABLE,
        lambda s: s.set("movements", s.row(ADJUSTMENT), kind="nonsense"),
    ),
    "nonsense in counters": (Code.UNREADABLE, lambda s: s.set("stock", s.plain, available="x")),
}
