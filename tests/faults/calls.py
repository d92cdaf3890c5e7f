"""What each call of a repository reads and writes, and how an actor is made to pause before it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from bson import ObjectId

from inventory.domain.claims import Claim
from inventory.domain.movements import Movement
from inventory.domain.purchases import Purchase
from tests.faults.explorer import EVERYTHING, Footprint
from tests.faults.stage import Actor
from tests.integration.conftest import Process

Touches = Callable[..., Footprint]
# The first digits of an id are those of the run; see `stage.py`.
_RUN_DIGITS = 16


def _named(collection: str, ids: Iterable[str]) -> frozenset[str]:
    return frozenset(f"{collection}/{_same_in_each_run(id)}" for id in ids)


def _same_in_each_run(id: str) -> str:
    return id[_RUN_DIGITS:] if len(id) > _RUN_DIGITS else id


def _reads(collection: str, ids: Iterable[str]) -> Footprint:
    return Footprint(reads=_named(collection, ids))


def _writes(collection: str, ids: Iterable[str]) -> Footprint:
    return Footprint(writes=_named(collection, ids))


def _claims(claims: Sequence[Claim], *_: object) -> Footprint:
    return _writes("operations", (claim.id for claim in claims))


def _rows(movements: Sequence[Movement], *_: object) -> Footprint:
    """A row is added, and takes a place; what is in it is the same whoever derives it."""
    adds = set()
    for row in movements:
        id, product_id = row.entry.operation_id, row.product_id
        numbers = f"{row.version} {row.entry.delta} {row.balance} {row.held_balance}"
        adds |= {(name, numbers) for name in _named("movements", [id])}
        place = f"places/{_same_in_each_run(product_id)}@{row.version}"
        adds.add((place, _same_in_each_run(id)))
    return Footprint(adds=frozenset(adds))


def _purchases_added(purchases: Sequence[Purchase], *_: object) -> Footprint:
    return Footprint(
        adds=frozenset(
            (name, " ".join(f"{line.quantity} {line.unit_price}" for line in purchase.lines))
            for purchase in purchases
            for name in _named("purchases", [purchase.id])
        )
    )


def _row_ids(ids: Iterable[str], *_: object, **__: object) -> Footprint:
    return _reads("movements", ids)


def _all_read(collection: str) -> Touches:
    return lambda *_, **__: _reads(collection, [EVERYTHING])


def _one_read(collection: str) -> Touches:
    return lambda id, *_: _reads(collection, [id])


def _one_written(collection: str) -> Touches:
    return lambda id, *_: _writes(collection, [id])


def _each_read(collection: str) -> Touches:
    return lambda ids, *_, **__: _reads(collection, ids)


def _each_written(collection: str) -> Touches:
    return lambda ids, *_: _writes(collection, ids)


def _documents_written(collection: str) -> Touches:
    return lambda documents, *_: _writes(collection, (one.id for one in documents))


def _read_in(collection: str) -> Touches:
    def touches(ids: Iterable[str], customers: Mapping[str, object], _: object) -> Footprint:
        return _reads(collection, [EVERYTHING] if customers else ids)

    return touches


def _due_of(product_ids: Iterable[str], *_: object) -> Footprint:
    return _reads("reservations", [EVERYTHING] if list(product_ids) else [])


_STOCK = "stock"
CALLS: dict[tuple[str, str], Touches] = {
    ("operations", "add_many"): _claims,
    ("operations", "get"): _one_read("operations"),
    ("operations", "take_over"): lambda claim: _claims([claim]),
    ("operations", "keep_refusals"): _claims,
    ("operations", "finish"): _claims,
    (_STOCK, "list_many"): _each_read(_STOCK),
    (_STOCK, "list_untrimmed"): _all_read(_STOCK),
    (_STOCK, "find_by_entry"): _all_read(_STOCK),
    (_STOCK, "apply"): _one_written(_STOCK),
    (_STOCK, "apply_many"): _each_written(_STOCK),
    (_STOCK, "void"): _one_written(_STOCK),
    (_STOCK, "trim"): _each_written(_STOCK),
    (_STOCK, "change_terms"): _one_written(_STOCK),
    # It counts turns, which nobody reads.
    (_STOCK, "lock"): _each_read(_STOCK),
    (_STOCK, "write"): lambda changed, _: _writes(_STOCK, (one.product_id for one, _ in changed)),
    ("movements", "add_missing"): _rows,
    ("movements", "add"): _rows,
    ("movements", "get_many"): _row_ids,
    ("movements", "known_ids"): _row_ids,
    ("purchases", "add_missing"): _purchases_added,
    ("purchases", "known_ids"): _each_read("purchases"),
    ("purchases", "get"): _one_read("purchases"),
    ("purchases", "list_in"): _read_in("purchases"),
    ("purchases", "put"): _documents_written("purchases"),
    ("purchases", "add_returns"): _documents_written("returns"),
    ("reservations", "get"): _one_read("reservations"),
    ("reservations", "list_due"): _all_read("reservations"),
    ("reservations", "list_due_of"): _due_of,
    ("reservations", "next_releases"): _due_of,
    ("reservations", "list_in"): _read_in("reservations"),
    ("reservations", "put"): _documents_written("reservations"),
    ("products", "get_in"): _one_read("products"),
    ("products", "replace"): lambda product, _: _writes("products", [product.id]),
}


# By its result, a call that was refused has read and changed nothing.
_REFUSED: dict[tuple[str, str], Callable[[Any], bool]] = {
    ("operations", "add_many"): bool,
    ("operations", "take_over"): lambda won: not won,
    (_STOCK, "apply"): lambda snapshot: snapshot is None,
    (_STOCK, "void"): lambda voided: not voided,
}
_ADDED: dict[str, Callable[[Any], str]] = {
    "movements": lambda row: row.entry.operation_id,
    "purchases": lambda one: one.id,
}


def _never(_: object) -> bool:
    return False


def direct(process: Process, actor: Actor) -> None:
    """Let `actor` pause before every call that `process` makes; a transaction is one call."""
    for (room, call), touches in CALLS.items():
        repository = getattr(process, room)
        setattr(repository, call, _paused(process, room, call, touches, actor))
    run = process.transactions.run

    def run_as_one(work: Callable[..., Any]) -> Any:
        with actor.transaction():
            return run(work)

    setattr(process.transactions, "run", run_as_one)  # noqa: B010 - mypy minds an assignment


def _paused(
    process: Process, room: str, call: str, touches: Touches, actor: Actor
) -> Callable[..., Any]:
    real = getattr(getattr(process, room), call)
    refused: Callable[[Any], bool] = _REFUSED.get((room, call), _never)

    def paused(*arguments: Any, **options: Any) -> Any:
        # What can be looked at only once is kept, for the call itself.
        kept = [list(one) if isinstance(one, Iterator) else one for one in arguments]
        footprint = touches(*kept, **options)
        actor.touch(footprint)
        if call == "add_missing" and _all_there(process, room, kept[0]):
            return real(*kept, **options)
        try:
            result = real(*kept, **options)
        except BaseException:
            # Whoever breaks off may have changed everything that it wanted to.
            actor.changed(footprint)
            raise
        if not refused(result):
            actor.changed(footprint)
        return result

    return paused


def _all_there(process: Process, room: str, wanted: Sequence[Any]) -> bool:
    ids = [ObjectId(_ADDED[room](one)) for one in wanted]
    return process.database[room].count_documents({"_id": {"$in": ids}}) == len(ids)
