"""A whole run: warm up, turns in rounds, what is measured once, the books, the results."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from inventory.serving import PROJECT
from loadtests import edge
from loadtests.bench import circumstances, integrity, picture, report, wrk
from loadtests.bench import stage as staging
from loadtests.bench.plan import NGINX, Plan, PlanError
from loadtests.bench.ratios import Turn, ratios_of, turns_of
from loadtests.bench.singles import Measuring, Singles
from loadtests.bench.stage import Say, Stage
from loadtests.bench.targets import EDGE, HOT, Measured, targets_of
from loadtests.bench.turns import Turns
from loadtests.report import new_directory

WARM_UP_SECONDS = 2
PAGE = PROJECT / "docs" / "performance.md"
PICTURE = "performance.svg"


def run(plan: Plan, reports: Path, keep: bool, say: Say) -> bool:
    """Measure everything, print and keep it; tell whether all books came out right.

    What is measured once is left out unless every variant takes part. With `keep`, the results go
    into the page in docs as well. Raises `PlanError` if only a part is to be kept.
    """
    wrk.find()
    if keep and not plan.is_whole:
        raise PlanError("Only a run of all variants can be kept.")
    directory = new_directory(reports, "bench")
    say("Starting the stores and all designs ...")
    wants_proxy = any(variant.design == NGINX for variant in plan.variants)
    with staging.running(wants_proxy) as stage:
        nginx = edge.find_nginx(os.environ) if wants_proxy else None
        known = circumstances.look(stage.client, stage.settings.redis_url, nginx)
        measured, problems = _measure(plan, stage, say)
        say("Checking all books ...")
        problems += integrity.problems_of(stage.designs["ours"].url, stage.settings.mongo_url, say)
    tables = report.markdown(measured, known)
    _write(directory, plan, measured, known, problems)
    picture.draw(measured.turns, directory / PICTURE)
    if keep and not problems:
        report.keep(PAGE, PICTURE, tables)
        picture.draw(measured.turns, PAGE.with_name(PICTURE))
    say(f"\n{tables}\n")
    say("\n".join(problems) or "As many units are gone as purchases were acknowledged.")
    say(f"Kept in {directory}: result.json, result.md, {PICTURE}")
    return not problems


def _measure(plan: Plan, stage: Stage, say: Say) -> tuple[Measured, list[str]]:
    taking, measuring = Turns(stage, plan), Measuring(stage, plan)
    say(
        f"Warming up, then {plan.rounds} x {len(plan.variants)} turns of {plan.seconds} s "
        f"with {plan.connections} connections:"
    )
    warming = [taking.take(0, variant, WARM_UP_SECONDS) for variant in plan.variants]
    turns = []
    for number, variant in plan.turns():
        turns.append(taking.take(number, variant, plan.seconds))
        say(_line(turns[-1]))
    singles: Singles | None = None
    if plan.is_whole:
        say("One client, open loop, overload, cache ...")
        peaks = (median(turn.rate for turn in turns_of(turns, name)) for name in (HOT, EDGE))
        singles = measuring.singles(*peaks)
    answered = sum(t.requests for t in (*warming, *turns) if t.variant.startswith("ours"))
    measured = Measured(turns, singles, measuring.processes(answered))
    found = [turn.problem for turn in (*warming, *turns) if turn.problem]
    return measured, found + measuring.problems


def _line(turn: Turn) -> str:
    line = (
        f"  {turn.variant:<22} {turn.rate:8.0f}/s   p99 {turn.p99_ms:6.1f} ms   "
        f"others' CPU {turn.others_share:.0%}"
    )
    return f"{line}   {turn.problem}" if turn.problem else line


def _write(
    directory: Path,
    plan: Plan,
    measured: Measured,
    known: Mapping[str, str],
    problems: Sequence[str],
) -> None:
    targets: list[dict[str, Any]] = [
        asdict(target) | {"met": target.met} for target in targets_of(measured)
    ]
    ratios = ratios_of(measured.turns)
    result = {
        "circumstances": dict(known),
        "plan": asdict(plan),
        "targets": targets,
        "ratios": {" / ".join(pair): _as_dicts(found) for pair, found in ratios.items()},
        "singles": measured.singles and asdict(measured.singles),
        "processes": asdict(measured.processes),
        "turns": [asdict(turn) for turn in measured.turns],
        "problems": list(problems),
    }
    (directory / "result.json").write_text(json.dumps(result, indent=2) + "\n")
    (directory / "result.md").write_text(report.markdown(measured, known) + "\n")


def _as_dicts(ratios: Mapping[str, Any]) -> dict[str, Any]:
    return {name: asdict(ratio) for name, ratio in ratios.items()}
