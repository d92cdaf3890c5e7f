"""What must be true in the end, whatever happened: the books, the answers, the cache, the holds.

The books are read past the service, right out of the database. Draws its conclusions by the rules
of `verdict`; only whether reads were current is another question under faults, and has an answer of
its own here: how long a read may show what is over.
"""

import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from bson import ObjectId
from pymongo.database import Database

from inventory import presenters
from inventory.repository.mongo import Document
from inventory.repository.purchases import purchase_from
from loadtests.books import Api, Movement, ProductBooks, Sale
from loadtests.chaos.clients import COMMITTED, HOLDS
from loadtests.journal import History, Sighting
from loadtests.telling import Told, about, expected
from loadtests.verdict import EVER_AFTER, Case, Violation, judge

# Who dies between a sale and its word to the cache is stood in for by a sweeper soon.
STALE_SECONDS_MAX = 10.0
# What is read twice while nobody changes it, once from the cache, is the same by then.
EQUAL_SECONDS_MAX = 15.0
# A deliverer that died is replaced within seconds, and then catches up.
TOLD_SECONDS_MAX = 120.0
PROBLEMS_TOLD_MAX = 20
POLL_SECONDS = 0.2
NANOSECONDS = 1e9


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found: contradictions, and by how many seconds reads were late, where they were."""

    violations: list[Violation]
    late_reads: list[float]


def books_of(
    api: Api, database: Database[Document], product_ids: Iterable[str]
) -> dict[str, ProductBooks]:
    """Return the books of products as the database has them, once their ledgers are complete."""
    return {id: _books_of(api, database, id) for id in product_ids}


def _books_of(api: Api, database: Database[Document], product_id: str) -> ProductBooks:
    # Whoever asks for movements makes the ledger catch up with the tail.
    api.get(f"/api/products/{product_id}/movements?limit=1")
    id = ObjectId(product_id)
    counters = database["stock"].find_one({"_id": id}) or {}
    sold = {
        str(document["_id"]): Sale.of(presenters.purchase(purchase_from(document)))
        for document in database["purchases"].find({"lines.product_id": id})
    }
    return ProductBooks(
        product_id,
        available=int(counters["available"]),
        version=int(counters["version"]),
        movements=tuple(
            _movement(document)
            for document in database["movements"].find({"product_id": id}).sort("version", 1)
        ),
        sales=sold,
    )


def _movement(document: Document) -> Movement:
    return Movement(
        id=str(document["_id"]),
        version=int(document["version"]),
        kind=document["kind"],
        delta=int(document["delta"]),
        balance=int(document["balance"]),
        reference=document.get("reference"),
    )


def examine(history: History, books: Mapping[str, ProductBooks]) -> Audit:
    """Hold a journal against the books."""
    violations = judge(replace(history, sightings=[]), books)
    seen: dict[str, list[Sighting]] = defaultdict(list)
    for sighting in history.sightings:
        seen[sighting.product_id].append(sighting)
    late: list[float] = []
    for product_id, opening in history.openings.items():
        orders = [one for one in history.orders if one.order.product_id == product_id]
        case = Case(books[product_id], opening, orders, seen[product_id])
        for seconds, found in _reads(case):
            late.append(seconds)
            if found:
                violations.append(Violation("reads are never wrong", product_id, found))
    return Audit(violations, sorted(late))


def _reads(case: Case) -> Iterator[tuple[float, str | None]]:
    """Yield by how much each late read was late, and what is wrong with it, if anything."""
    places = {movement.version: place for place, movement in enumerate(case.books.movements)}
    for sighting in case.sightings:
        place = places.get(sighting.version)
        shown = f"{sighting.stock} at version {sighting.version}"
        if place is None or case.books.movements[place].balance != sighting.stock:
            yield 0.0, f"a read showed {shown}, which never was"
        elif case.began[place] > sighting.answered_at:
            yield 0.0, f"a read showed {shown} before it was"
        elif case.ended[place] != EVER_AFTER and case.ended[place] < sighting.sent_at:
            late = (sighting.sent_at - case.ended[place]) / NANOSECONDS
            stale = late > STALE_SECONDS_MAX
            yield late, f"a read showed {shown} {late:.1f} s after it was over" if stale else None


def holds(api: Api, directory: Path, held_id: str, opening: int) -> Iterator[Violation]:
    """Yield what contradicts what holders were told: states of holds, and units gone for good."""
    notes = [json.loads(line) for line in (directory / HOLDS).read_text().splitlines()]
    committed = 0
    open_ends = 0
    for note in notes:
        held = api.get(note["path"], missing_is_none=True)
        state = held["state"] if held else "lost"
        if note["end"] and state != note["end"]:
            yield Violation("holds end as told", held_id, f"{note['path']} is {state}: {note}")
        committed += note["quantity"] if state == COMMITTED else 0
        open_ends += 0 if note["end"] else note["quantity"]
    stock = api.get(f"/api/products/{held_id}/stock")
    gone = opening - stock["available"] - stock["held"]
    # What was held and never heard of may have been committed by nobody: it is still held.
    if gone != committed:
        yield Violation(
            "committed units are gone",
            held_id,
            f"{gone} are gone, {committed} were committed ({open_ends} uncertain)",
        )


def events(database: Database[Document]) -> Iterator[Violation]:
    """Yield what was not told, told twice or made up, and numbers that are out of order."""
    wanted = expected(database)
    deadline = time.monotonic() + TOLD_SECONDS_MAX
    # Counted, because what mongod remembers of its collections' sizes is wrong once it was killed.
    while database["events"].count_documents({}) < wanted.total() and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    numbers, told = list[int](), Counter[Told]()
    for event in database["events"].find().sort("_id", 1):
        numbers.append(event["_id"])
        told[about(event)] += 1
    if numbers != [*range(1, len(numbers) + 1)]:
        yield Violation("events are numbered without a gap", "any", f"{len(numbers)} events")
    for difference, what in ((wanted - told, "missing"), (told - wanted, "too many")):
        for (type, id), times in islice(difference.items(), PROBLEMS_TOLD_MAX):
            yield Violation("every movement is told once", id, f"{times} {what}: {type}")


def cache(api: Api, product_ids: Sequence[str]) -> Iterator[Violation]:
    """Yield products that the cache still shows otherwise than the database."""
    deadline = time.monotonic() + EQUAL_SECONDS_MAX
    differ = list(product_ids)
    while differ and time.monotonic() < deadline:
        differ = [id for id in differ if _shown(api, id) != _shown(api, id, fresh=True)]
        if differ:
            time.sleep(POLL_SECONDS)
    for id in differ:
        yield Violation("the cache tells what the database does", id, str(_shown(api, id)))


def _shown(api: Api, id: str, *, fresh: bool = False) -> object:
    headers = {"Cache-Control": "no-cache"} if fresh else {}
    return api.request("GET", f"/api/products/{id}", headers=headers).json()
