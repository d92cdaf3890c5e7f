"""What must hold after every schedule, read off the stored documents and the answers alone.

Nothing here asks the product what it thinks of its books.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from bson import ObjectId

from inventory.domain.purchases import Purchase
from inventory.errors import (
    IdempotencyInProgress,
    InsufficientStock,
    InventoryError,
    Unavailable,
)
from inventory.services.changing import Replayed
from tests.faults.stage import Actor
from tests.faults.world import Part, World

Document = Mapping[str, Any]


class Violated(AssertionError):
    """Something that must hold does not."""


def require(holds: object, what: str) -> None:
    """Raise `Violated` unless it holds."""
    if not holds:
        raise Violated(what)


def check_books(world: World) -> None:
    """The ledger is gapless, its balances chain, and it explains the counters to the last unit."""
    for stock in world.database["stock"].find():
        rows = world.database["movements"].find({"product_id": stock["_id"]}).sort("version")
        balance = held = version = 0
        for row in rows:
            version += 1
            balance += row["delta"]
            held += row.get("held_delta", 0)
            found = (row["version"], row["balance"], row["held_balance"])
            require(found == (version, balance, held), f"row {found}, not {version, balance, held}")
            require(balance >= -stock["oversell_limit"], f"sold down to {balance}")
        counters = (stock["version"], stock["available"], stock["held"])
        require(counters == (version, balance, held), f"{counters}, not {version, balance, held}")
        headroom = stock["available"] + stock["oversell_limit"]
        require(stock["headroom"] == headroom, "headroom does not follow from the stock")
        require(held == _held(world, stock["_id"]), f"{held} held, but not by open holds")


def _held(world: World, product_id: ObjectId) -> int:
    query = {"state": "held", "lines.product_id": product_id}
    return sum(
        line["quantity"]
        for hold in world.database["reservations"].find(query)
        for line in hold["lines"]
        if line["product_id"] == product_id
    )


def check_purchases(world: World) -> None:
    """The purchases are those that the ledger tells of, line by line, and so are the returns."""
    sold: dict[ObjectId, set[tuple[Any, ...]]] = defaultdict(set)
    for row in world.database["movements"].find({"kind": {"$in": ["purchase", "commit"]}}):
        quantity = -row["delta"] or -row["held_delta"]
        line = (row["product_id"], quantity, str(row["price"]), row["balance"], row["version"])
        sold[row["purchase_id"] if "purchase_id" in row else row["_id"]].add(line)
    told = {purchase["_id"]: purchase for purchase in world.database["purchases"].find()}
    lines = {id: set(map(_line, purchase["lines"])) for id, purchase in told.items()}
    require(lines == sold, f"purchases {lines}, ledger {dict(sold)}")
    returned: dict[tuple[ObjectId, ObjectId], int] = defaultdict(int)
    restocked: dict[tuple[ObjectId, ObjectId], int] = defaultdict(int)
    for one in world.database["returns"].find():
        for line in one["lines"]:
            place = one["purchase_id"], line["product_id"]
            returned[place] += line["quantity"]
            restocked[place] += line["quantity"] * one["restocked"]
    for row in world.database["movements"].find({"kind": "return"}):
        restocked[row["purchase_id"], row["product_id"]] -= row["delta"]
    require(not any(restocked.values()), f"{dict(restocked)} came back and is not on sale")
    for id, purchase in told.items():
        for line in purchase["lines"]:
            came = returned.pop((id, line["product_id"]), 0)
            require(came == line["returned"] <= line["quantity"], f"{came} came back of {line}")
    require(not returned, "units came back of what was never sold")


def _line(line: Document) -> tuple[Any, ...]:
    return (
        *(line["product_id"], line["quantity"], str(line["unit_price"])),
        *(line["remaining_stock"], line["stock_version"]),
    )


def check_states(world: World) -> None:
    """Stock was never below what may be oversold, after any step."""
    for state in world.states:
        require(all(left >= 0 for left in state.values()), f"oversold: {state}")


def is_definite(problem: InventoryError | None) -> bool:
    """Tell whether an answer says what became of the request for good."""
    return not isinstance(problem, Unavailable | IdempotencyInProgress)


def check_refusal(world: World, actor: Actor, part: Part) -> None:
    """Who was refused for want of stock met a moment at which it really was short."""
    problem = actor.failure
    if not isinstance(problem, InsufficientStock):
        return
    short = any(
        state[product] < quantity
        for state in world.seen_by(actor.name)
        for product, quantity in part.takes.items()
    )
    require(short, f"{actor.name} was refused, and there was stock all the time")


Answer = tuple[object, InventoryError | None]


def told(result: object, problem: InventoryError | None) -> Answer:
    """Return what a client makes of an answer, without whether it was replayed."""
    if isinstance(problem, Replayed):
        problem = problem.refusal
    return result, problem


def require_same(first: Answer, again: Answer, who: str) -> None:
    """The two answers to one key are the same."""
    (result, problem), (result_again, problem_again) = first, again
    require(result == result_again, f"{who}: first {result}, then {result_again}")
    facts, facts_again = _facts(problem), _facts(problem_again)
    require(facts == facts_again, f"{who}: first {facts}, then {facts_again}")


def _facts(problem: InventoryError | None) -> tuple[Any, ...] | None:
    return None if problem is None else (problem.code, problem.message, problem.details)


def check_effects(world: World, key: str, answer: Answer) -> None:
    """A key has the one effect that its answer tells of, or none if it tells of none."""
    result, problem = answer
    made = list(world.database["purchases"].find({"reference": key}))
    require(len(made) <= 1, f"{key} had {len(made)} effects")
    require(not made or problem is None, f"{key} was refused and has an effect")
    if isinstance(result, Purchase):
        kept = world.database["purchases"].find_one({"_id": ObjectId(result.id)})
        require(kept, f"{key} was answered with a purchase that is not there")
        assert kept is not None
        answered = {(line.product_id, line.quantity, line.stock_version) for line in result.lines}
        stored = {
            (str(line["product_id"]), line["quantity"], line["stock_version"])
            for line in kept["lines"]
        }
        require(answered == stored, f"{key} was answered {answered}, and {stored} is kept")
