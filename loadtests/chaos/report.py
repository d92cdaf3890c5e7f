"""What each fault did to the clients: tables for people, JSON for machines. Decides nothing."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from loadtests.bench.report import between_markers
from loadtests.chaos.seen import Seen
from loadtests.journal import History, Outcome
from loadtests.report import write_json
from loadtests.verdict import Violation

SHOWN_MAX = 20
# Before it in the page the row of the next run goes.
NEXT_RUN = "<!-- make chaos KEEP=1: next run -->"


@dataclass(slots=True)
class Found:
    """Everything that a run found."""

    history: History
    seen: list[Seen]
    # Sales a second between the steps.
    calm_rate: float
    violations: list[Violation]
    late_reads: list[float]
    circumstances: Mapping[str, str]


def markdown(found: Found, left_out: Sequence[str]) -> str:
    """Return the table of all faults, and the sums of the run."""
    kinds: dict[str, list[Seen]] = defaultdict(list)
    pairs: list[Seen] = []
    for one in found.seen:
        step = one.struck.step
        (pairs if len(step.faults) > 1 else kinds[step.name]).append(one)
    rows = [_row(name, kinds[name], found.calm_rate) for name in sorted(kinds)]
    rows += [_row("two at once", pairs, found.calm_rate)] if pairs else []
    header = [
        "| fault | times | in flight | sent meanwhile | sold | of calm | failed | slowest s "
        "| back after s |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    return "\n".join([*header, *rows, "", *_sums(found, left_out)])


def _share_of(seen: Sequence[Seen], calm_rate: float) -> str:
    """Return at which share of the calm rate was sold."""
    seconds = sum(one.seconds for one in seen)
    if not calm_rate or not seconds:
        return ""
    return f"{sum(one.sold for one in seen) / seconds / calm_rate:.2f}"


def _median_and_most(seconds: Sequence[float]) -> str:
    return f"{median(seconds):.2f} (at most {max(seconds):.2f})"


def _row(name: str, seen: Sequence[Seen], calm_rate: float) -> str:
    recoveries = [one.struck.recovery_seconds for one in seen]
    cells = [
        name,
        str(len(seen)),
        *(str(sum(getattr(one, field) for one in seen)) for field in ("in_flight", "sent")),
        str(sum(one.sold for one in seen)),
        _share_of(seen, calm_rate),
        str(sum(one.failed for one in seen)),
        f"{max(one.slowest_seconds for one in seen):.2f}",
        _median_and_most(recoveries),
    ]
    return f"| {' | '.join(cells)} |"


def _sums(found: Found, left_out: Sequence[str]) -> list[str]:
    orders = found.history.orders
    outcomes = [order.outcome for order in orders]
    injected = sum(len(one.struck.step.faults) for one in found.seen)
    late = found.late_reads
    in_time = sum(one.in_time for one in found.seen)
    waits = [
        one.after_election_seconds for one in found.seen if one.after_election_seconds is not None
    ]
    of_redis = [one for one in found.seen if one.struck.step.is_of_redis]
    sums = [
        f"{injected} faults in {len(found.seen)} steps; {len(orders)} orders, "
        f"{outcomes.count(Outcome.SOLD)} sold, {outcomes.count(Outcome.UNKNOWN)} unknown in the "
        f"end; {sum(len(order.attempts) for order in orders)} attempts.",
        f"Back within the time stated for the fault: {in_time} of {len(found.seen)} steps.",
        *(
            [f"{len(waits)} primaries elected; first sale {_median_and_most(waits)} s after that."]
            if waits
            else []
        ),
        f"{found.calm_rate:.0f} sales a second between the steps"
        + (
            f"; with Redis in trouble {_share_of(of_redis, found.calm_rate)} of that."
            if of_redis
            else "."
        ),
        f"{len(found.history.sightings)} reads, {len(late)} of them late"
        + (f", by {late[-1]:.2f} s at most." if late else "."),
    ]
    return sums + ([f"Left out, for want of a program: {', '.join(left_out)}."] if left_out else [])


def verdict(found: Found) -> str:
    """Return what contradicts the promises, or that nothing does."""
    if not found.violations:
        return "VERDICT: nothing oversold, lost, duplicated or unexplained; every order is settled"
    lines = [f"VERDICT: {len(found.violations)} violations"]
    lines += [
        f"  {v.rule}: {v.found} (product {v.product_id})" for v in found.violations[:SHOWN_MAX]
    ]
    return "\n".join(lines)


def keep(page: Path, plan: Mapping[str, Any], found: Found, left_out: Sequence[str]) -> None:
    """Put the report of a run into the page in place of the last one of its topology."""
    title = f"make chaos TOPOLOGY={plan['topology']} KEEP=1"
    known = ", ".join(f"{name} {value}" for name, value in found.circumstances.items())
    command = f"`make chaos TOPOLOGY={plan['topology']} SEED={plan['seed']}`"
    generated = "\n\n".join(
        [
            f"{command}, {plan['minutes']:g} minutes; {known}.",
            markdown(found, left_out),
            verdict(found),
        ]
    )
    begin, end = f"<!-- {title}: begin -->", f"<!-- {title}: end -->"
    text = between_markers(page.read_text(), generated, begin, end)
    page.write_text(text.replace(NEXT_RUN, f"{_run(plan, found)}\n{NEXT_RUN}"))


def _run(plan: Mapping[str, Any], found: Found) -> str:
    """Return a run's row in the table of all runs that were kept."""
    orders = found.history.orders
    cells = [
        found.circumstances["measured"],
        found.circumstances["commit"],
        f"`TOPOLOGY={plan['topology']} SEED={plan['seed']} MINUTES={plan['minutes']:g} "
        f"SHOPPERS={plan['shoppers']}`",
        str(sum(len(one.struck.step.faults) for one in found.seen)),
        f"{len(orders):,}",
        str(sum(order.outcome is Outcome.UNKNOWN for order in orders)),
    ]
    return f"| {' | '.join(cells)} |"


def write(directory: Path, plan: Mapping[str, Any], found: Found, left_out: Sequence[str]) -> None:
    """Keep the report of a run."""
    steps = [
        {
            "number": one.struck.step.number,
            "faults": [fault.name for fault in one.struck.step.faults],
            "seconds": one.struck.step.seconds,
            "recovery_seconds": round(one.struck.recovery_seconds, 3),
            "after_election_seconds": one.after_election_seconds,
            "in_flight": one.in_flight,
            "sent": one.sent,
            "sold": one.sold,
            "failed": one.failed,
            "slowest_seconds": one.slowest_seconds,
        }
        for one in found.seen
    ]
    write_json(
        directory / "result.json",
        {
            "circumstances": dict(found.circumstances),
            "plan": dict(plan),
            "left_out": list(left_out),
            "orders": len(found.history.orders),
            "calm_rate": round(found.calm_rate, 1),
            "late_reads": len(found.late_reads),
            "violations": [asdict(violation) for violation in found.violations],
            "steps": steps,
        },
    )
    (directory / "result.md").write_text(f"{markdown(found, left_out)}\n\n{verdict(found)}\n")
