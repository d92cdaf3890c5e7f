"""What people read of a run: a few lines, and every finding with the request that shows it."""

from collections import Counter
from collections.abc import Iterator, Sequence

from loadtests.fuzz.engine import Finding, Outcome, Plan


def summary(plan: Plan, outcome: Outcome, seconds: float) -> str:
    """Return what was called and checked, and how it came out."""
    rows = {
        "calls": f"{outcome.calls:,} with seed {plan.seed}, in {seconds:,.0f} s",
        "operations": f"{len(outcome.answers)} of {outcome.operations} called, "
        f"{len(outcome.succeeded)} answered with success",
        "chains": f"{outcome.chains:,} of calls along links",
        "answers": _counted(_classes(outcome)),
        "checks": f"{len(outcome.checks)} kinds, carried out {outcome.checks.total():,} times",
        "excused": f"{outcome.excused.total():,} refusals that no schema can foresee",
        "findings": f"{len(outcome.findings):,}",
    }
    return "\n".join(f"{name:<12} {text}" for name, text in rows.items())


def details(outcome: Outcome) -> str:
    """Return how often each check was carried out, and each reason excused a complaint."""
    return "\n".join([*_table("checks", outcome.checks), *_table("excused", outcome.excused)])


def findings(found: Sequence[Finding]) -> str:
    """Return all findings, each with the first request that showed it."""
    return "\n\n".join(f"{one.operation}\n{one.title}\n{one.text}" for one in found)


def _classes(outcome: Outcome) -> Counter[str]:
    classes: Counter[str] = Counter()
    for seen in outcome.answers.values():
        for status, count in seen.items():
            classes[f"{status // 100}xx"] += count
    return classes


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items()))


def _table(title: str, counts: Counter[str]) -> Iterator[str]:
    yield f"{title}:"
    yield from (f"  {count:>9,} {name}" for name, count in counts.most_common())
