"""A whole run: fill, turns in rounds, the check of the books, the results."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from inventory.bookkeeping import opened
from inventory.serving import PROJECT
from loadtests.bench import circumstances, shelves, wrk
from loadtests.bench.report import between_markers
from loadtests.books import Api
from loadtests.growth import places
from loadtests.growth.figures import Kind, Turn, markdown, order, targets_of
from loadtests.growth.places import Ground, Place, Say
from loadtests.growth.turns import Turns
from loadtests.report import new_directory, write_json

WARM_UP_SECONDS = 1
CHECKED_PRODUCTS = 50
PAGE = PROJECT / "docs" / "performance.md"
BEGIN = "<!-- make bench-growth KEEP=1: begin -->"
END = "<!-- make bench-growth KEEP=1: end -->"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: sizes in products, the smallest first; `seconds` a turn."""

    sizes: Sequence[int]
    rounds: int
    seconds: int
    connections: int


def run(plan: Plan, reports: Path, keep: bool, say: Say) -> bool:
    """Measure every size, print and keep it; tell whether the books came out right.

    With `keep`, the results go into the page in docs as well.
    """
    wrk.find()
    directory = new_directory(reports, "growth")
    say("Filling a database of each size:")
    with places.running(plan.sizes, say) as ground:
        settings = ground.places[plan.sizes[0]].settings
        known = circumstances.look(ground.client, settings.redis_url)
        turns = _measure(plan, ground, say)
        say("Checking the books ...")
        problems = [text for place in ground.places.values() for text in _problems(place)]
    problems += [
        f"{turn.kind}, {turn.size:,} products: there was not one answer."
        for turn in turns
        if turn.failed >= turn.requests
    ]
    _report(directory, plan, turns, known, problems)
    tables = markdown(turns, known)
    if keep and not problems:
        PAGE.write_text(between_markers(PAGE.read_text(), tables, BEGIN, END))
    say(f"\n{tables}\n")
    say("\n".join(problems) or "The stock of what was bought agrees with the ledger.")
    say(f"Kept in {directory}: result.json, result.md")
    return not problems


def _measure(plan: Plan, ground: Ground, say: Say) -> list[Turn]:
    taking = Turns(ground, plan.seconds, plan.connections)
    say(
        f"Warming up, then {plan.rounds} x {len(Kind)} turns of {plan.seconds} s at each size "
        f"with {plan.connections} connections:"
    )
    for _, kind, size in order(1, plan.sizes):
        taking.take(0, kind, size, WARM_UP_SECONDS)
    turns = []
    for number, kind, size in order(plan.rounds, plan.sizes):
        turn = taking.take(number, kind, size, plan.seconds)
        turns.append(turn)
        say(
            f"  {kind:<26} {size:>9,} {turn.rate:8.0f}/s   p99 {turn.p99_ms:6.1f} ms   "
            f"others' CPU {turn.others_share:.0%}   {turn.failed or 'none'} failed"
        )
    return turns


def _problems(place: Place) -> list[str]:
    """Hold the stock against what was acknowledged, and some products against their ledgers."""
    url, shelf = place.server.url, place.shelf
    problems = []
    if problem := shelf.problem(shelves.left(url, shelf)):
        problems.append(f"{place.size:,} products: {problem}")
    chance = random.Random(places.SEED)  # nosec B311 # a sample, not a secret
    some = min(CHECKED_PRODUCTS, len(shelf.product_ids))
    checked = {
        *(shelf.product_ids[0], place.bestseller),
        *chance.sample(shelf.product_ids, some),
        *chance.sample(place.product_ids, some),
    }
    unfinished = []
    with Api(url) as api:
        for product_id in sorted(checked):
            found = api.get(f"/api/products/{product_id}/integrity")
            problems += [f"{place.size:,} products: {one}" for one in found["problems"]]
            if not found["complete"]:
                unfinished.append(product_id)
    return problems + _of_long_histories(place, unfinished)


def _of_long_histories(place: Place, product_ids: Sequence[str]) -> list[str]:
    """Check what takes longer than one request may, as the command line does."""
    with opened(place.settings) as books:
        reports = [books.auditing.check_product(product_id) for product_id in product_ids]
    return [f"{place.size:,} products: {one}" for report in reports for one in report.problems]


def _report(
    directory: Path,
    plan: Plan,
    turns: Sequence[Turn],
    known: Mapping[str, str],
    problems: Sequence[str],
) -> None:
    result = {
        "circumstances": dict(known),
        "plan": asdict(plan),
        "targets": [asdict(target) | {"met": target.met} for target in targets_of(turns)],
        "turns": [asdict(turn) for turn in turns],
        "problems": list(problems),
    }
    write_json(directory / "result.json", result)
    (directory / "result.md").write_text(markdown(turns, known) + "\n")
