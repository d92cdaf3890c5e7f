"""Looks over the books of many products inside MongoDB, to see which of them deserve a close look.

The database does the arithmetic where the rows are, and answers with a summary of each product and
with the products of which a document does not fit. It may suspect too many, never too few: every
rule of `inventory.domain.integrity` has its counterpart here, and the close look decides.
"""

from collections.abc import Iterator

from inventory.domain.integrity.history import Summary
from inventory.domain.movements import Kind, Reason
from inventory.domain.reservations import State
from inventory.repository.mongo import Document

_RISES = [str(reason) for reason in Reason if reason.allows(1)]
_FALLS = [str(reason) for reason in Reason if reason.allows(-1)]
_HELD_DELTA = {"$ifNull": ["$held_delta", 0]}


def _shift(field: str, default: object) -> Document:
    return {"$shift": {"output": f"${field}", "by": -1, "default": default}}


def _all(*conditions: object) -> Document:
    return {"$and": list(conditions)}


def _is(*kinds: Kind) -> Document:
    return {"$in": ["$kind", [str(kind) for kind in kinds]]}


_TAKES, _GIVES = {"$lt": ["$delta", 0]}, {"$gt": ["$delta", 0]}
_NOTHING_HELD = {"$eq": [_HELD_DELTA, 0]}
_HELD_AGAINST = {"$eq": [_HELD_DELTA, {"$subtract": [0, "$delta"]}]}
_FIRST = {"$eq": ["$version", 1]}
# What the kinds allow, the most frequent first.
_POSSIBLE = {
    "$or": [
        _all(_is(Kind.PURCHASE), _TAKES, _NOTHING_HELD),
        _all(_is(Kind.OPENING), {"$gte": ["$delta", 0]}, _NOTHING_HELD, _FIRST),
        _all(_is(Kind.HOLD), _TAKES, _HELD_AGAINST),
        _all(_is(Kind.COMMIT), {"$eq": ["$delta", 0]}, {"$lt": [_HELD_DELTA, 0]}),
        _all(_is(Kind.RELEASE, Kind.EXPIRY), _GIVES, _HELD_AGAINST),
        _all(_is(Kind.RETURN), _GIVES, _NOTHING_HELD),
        _all(_is(Kind.STOCKTAKE), {"$ne": ["$delta", 0]}, _NOTHING_HELD),
        _all(_is(Kind.ADJUSTMENT), _GIVES, {"$in": ["$reason", _RISES]}, _NOTHING_HELD),
        _all(_is(Kind.ADJUSTMENT), _TAKES, {"$in": ["$reason", _FALLS]}, _NOTHING_HELD),
    ]
}
_FOLLOWS = _all(
    {"$eq": ["$version", {"$add": ["$previous_version", 1]}]},
    {"$eq": ["$balance", {"$add": ["$previous_balance", "$delta"]}]},
    {"$eq": ["$held_balance", {"$add": ["$previous_held", _HELD_DELTA]}]},
    {"$gte": ["$held_balance", 0]},
    {"$gte": ["$at", "$previous_at"]},
    {"$eq": [_is(Kind.OPENING), _FIRST]},
    _POSSIBLE,
)


def summaries(products: Document) -> list[Document]:
    """Return the pipeline over movements that sums up the ledger of each product."""
    return [
        {"$match": {"product_id": products}},
        # The index of the history, read backwards.
        {"$sort": {"product_id": -1, "version": 1}},
        {
            "$setWindowFields": {
                "partitionBy": "$product_id",
                "sortBy": {"version": 1},
                "output": {
                    "previous_version": _shift("version", 0),
                    "previous_balance": _shift("balance", 0),
                    "previous_held": _shift("held_balance", 0),
                    "previous_at": _shift("at", None),
                },
            }
        },
        {
            "$group": {
                "_id": "$product_id",
                "version": {"$last": "$version"},
                "balance": {"$last": "$balance"},
                "held_balance": {"$last": "$held_balance"},
                "balance_min": {"$min": "$balance"},
                "restocked": {"$sum": {"$cond": [_is(Kind.RETURN), "$delta", 0]}},
                "wrong": {"$sum": {"$cond": [_FOLLOWS, 0, 1]}},
            }
        },
    ]


def summary_from(document: Document) -> Summary:
    """Return what a pipeline of `summaries` says of one product."""
    return Summary(
        product_id=str(document["_id"]),
        version=int(document["version"]),
        balance=int(document["balance"]),
        held_balance=int(document["held_balance"]),
        balance_min=int(document["balance_min"]),
        restocked=int(document["restocked"]),
        is_sound=not document["wrong"],
    )


def unlike_sales(products: Document) -> list[Document]:
    """Return the pipeline over movements that finds whose sales and purchases differ.

    Each sale is once on either side, so their marks come to three.
    """
    taken = {"$subtract": [0, {"$add": ["$delta", _HELD_DELTA]}]}
    sale = {
        "purchase": {"$ifNull": ["$purchase_id", "$_id"]},
        "product": "$product_id",
        "quantity": taken,
        "balance": "$balance",
        "version": "$version",
    }
    line = {
        "purchase": "$_id",
        "product": "$lines.product_id",
        "quantity": "$lines.quantity",
        "balance": "$lines.remaining_stock",
        "version": "$lines.stock_version",
    }
    lines: list[Document] = [
        {"$match": {"lines": {"$elemMatch": {"product_id": products}}}},
        {"$unwind": "$lines"},
        {"$match": {"lines.product_id": products}},
        {"$project": {"_id": line, "mark": {"$literal": 2}}},
    ]
    return [
        {"$match": {"product_id": products, "kind": {"$in": [Kind.PURCHASE, Kind.COMMIT]}}},
        {"$project": {"_id": sale, "mark": {"$literal": 1}}},
        {"$unionWith": {"coll": "purchases", "pipeline": lines}},
        {"$group": {"_id": "$_id", "marks": {"$sum": "$mark"}}},
        {"$match": {"marks": {"$ne": 3}}},
        {"$group": {"_id": "$_id.product"}},
    ]


def lost_documents(products: Document) -> list[Document]:
    """Return the pipeline over movements that finds whose reservations and purchases are lost."""
    named = [{"reservation_id": {"$exists": True}}, {"kind": str(Kind.RETURN)}]
    committed = {"$eq": [{"$first": "$reservation.state"}, str(State.COMMITTED)]}
    became = {"$cond": [committed, {"$first": "$reservation.purchase_id"}, None]}
    bought = {"$ifNull": ["$_id.returned_of", became]}
    place = {
        "reservation": "$reservation_id",
        "returned_of": {"$cond": [_is(Kind.RETURN), "$purchase_id", None]},
    }
    lost = [
        {"_id.reservation": {"$exists": True}, "reservation": []},
        {"bought": {"$ne": None}, "purchase": []},
    ]
    return [
        {"$match": {"product_id": products, "$or": named}},
        {"$group": {"_id": place, "products": {"$addToSet": "$product_id"}}},
        _joined("reservations", "_id.reservation", "_id", "reservation"),
        {"$set": {"bought": bought}},
        _joined("purchases", "bought", "_id", "purchase"),
        {"$match": {"$or": lost}},
        {"$unwind": "$products"},
        {"$group": {"_id": "$products"}},
    ]


def miscounted_returns(products: Document) -> list[Document]:
    """Return the pipeline over purchases that finds whose returned units did not come back."""
    return [
        {"$match": {"lines": {"$elemMatch": {"product_id": products, "returned": {"$ne": 0}}}}},
        _joined("returns", "_id", "purchase_id", "returns"),
        *_miscounted(),
    ]


def restocked(products: Document) -> list[Document]:
    """Return the pipeline over returns that sums up the units of each product on sale again."""
    mine = {"product_id": products}
    return [
        {"$match": {"restocked": True, "lines": {"$elemMatch": mine}}},
        {"$unwind": "$lines"},
        {"$match": {"lines.product_id": products}},
        {"$group": {"_id": "$lines.product_id", "units": {"$sum": "$lines.quantity"}}},
    ]


def uncounted_returns(purchases: Document) -> list[Document]:
    """Return the pipeline over returns that finds whose returned units no purchase counts."""
    return [
        {"$match": {"purchase_id": purchases}},
        {"$group": {"_id": "$purchase_id", "returns": {"$push": {"lines": "$lines"}}}},
        _joined("purchases", "_id", "_id", "purchase"),
        {"$set": {"lines": {"$first": "$purchase.lines"}}},
        *_miscounted(),
    ]


def _miscounted() -> Iterator[Document]:
    """Yield the stages that compare each line of a purchase with all that came back of it."""
    flat = {"$reduce": {"input": "$returns.lines", "initialValue": [], "in": _joined_lists()}}
    mine = {"$filter": {"input": flat, "as": "one", "cond": _same_product()}}
    units = {"$sum": {"$map": {"input": mine, "in": "$$this.quantity"}}}
    yield {"$unwind": "$lines"}
    differs = {"$ne": ["$lines.returned", units]}
    exceeds = {"$gt": ["$lines.returned", "$lines.quantity"]}
    yield {"$match": {"$expr": {"$or": [differs, exceeds]}}}
    yield {"$group": {"_id": "$lines.product_id"}}


def _joined_lists() -> Document:
    return {"$concatArrays": ["$$value", "$$this"]}


def _same_product() -> Document:
    return {"$eq": ["$$one.product_id", "$lines.product_id"]}


def _joined(name: str, local: str, foreign: str, into: str) -> Document:
    keys = {"localField": local, "foreignField": foreign}
    return {"$lookup": {"from": name, **keys, "as": into}}
