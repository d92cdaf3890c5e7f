"""A run: a service of its own, or a named one; the calls; and whether its books are right."""

import time
from collections.abc import Callable

from schemathesis import openapi

from loadtests import service
from loadtests.bench import integrity
from loadtests.fuzz import report
from loadtests.fuzz.engine import Plan, fuzz, settings

Say = Callable[[str], None]


def run(plan: Plan, url: str | None, say: Say) -> bool:
    """Make the calls; tell whether there is no finding, and the books are right."""
    with service.running(url) as running:
        say(f"{plan.calls:,} calls with seed {plan.seed} to {running} ...")
        began = time.monotonic()
        config = settings(plan)
        headers = dict(config.projects.default.headers or {})
        schema = openapi.from_url(f"{running}/openapi.json", config=config, headers=headers)
        outcome = fuzz(schema, plan)
        seconds = time.monotonic() - began
        problems = integrity.problems_of(running, None, say, plan.api_key)
    enough = outcome.calls >= plan.calls
    found = list(outcome.findings.values())
    say(report.details(outcome))
    say(report.summary(plan, outcome, seconds))
    say(f"{'books':<12} {'wrong' if problems else 'right'}")
    if found or problems:
        say("\n" + "\n".join([report.findings(found), *problems]))
    if not enough:
        say(f"It came to its end after {outcome.calls:,} calls.")
    return enough and not found and not problems
