"""The commands that check the books and put them right."""

import sys
from typing import Any

import click

from inventory import limits, presenters
from inventory.bookkeeping import Outcome
from inventory.cli.opening import open_books
from inventory.cli.output import explained, many, progress, report
from inventory.domain.integrity.problems import Problem


@click.command()
def integrity() -> None:
    """Check that the books hold together; the service may go on meanwhile.

    Exit code 0 if nothing is wrong, 1 if something is, 2 if it could not be found out.
    """
    with explained(), open_books() as books:
        size = books.auditing.count_products()
        with progress(size, "Checking the books") as advance:
            found = books.auditing.check_all(advance)
    lines = [_line(problem) for problem in found.problems]
    total, products = found.problems_total, many(found.checked, "product")
    if total > len(lines):
        lines.append(f"... and {total - len(lines)} more.")
    if total:
        lines.append(f"{many(total, 'problem')} in the books of {products}.")
    else:
        lines.append(f"The books of {products} are right.")
    report(presenters.integrity(found, limits.PROBLEMS_KEPT_MAX), *lines)
    sys.exit(not found.ok)


@click.command()
@click.option("--apply", is_flag=True, help="Do it; else it is only shown.")
def repair(apply: bool) -> None:
    """Put the books right where something else still knows what they must say.

    Without --apply nothing is changed. Safe while the service goes on: what has changed since it
    was checked is left alone. Exit code 0 if nothing is left to be done, 1 if something is, 2 if
    it could not be found out.
    """
    with explained(), open_books() as books:
        size = books.auditing.count_products()
        with progress(size, "Checking the books") as advance:
            outcome = books.repairing.repair_all(advance, apply=apply)
    done = "done" if apply else "would"
    report(
        _document(outcome, applied=apply),
        *(f"{done}  {product_id}  {step}" for product_id, step in outcome.repairs),
        *(
            f"changed meanwhile, run this again  {product_id}  {step}"
            for product_id, step in outcome.overtaken
        ),
        *(f"needs a person  {_line(problem)}" for problem in outcome.unsolved),
        _sum_up(outcome, applied=apply),
    )
    sys.exit(bool(outcome.overtaken or outcome.unsolved or (outcome.repairs and not apply)))


def _sum_up(outcome: Outcome, *, applied: bool) -> str:
    did = "done" if applied else "to be done (--apply does it)"
    return (
        f"{many(outcome.checked, 'product')} checked: {many(len(outcome.repairs), 'repair')} "
        f"{did}, {many(len(outcome.unsolved), 'problem')} left for a person."
    )


def _line(problem: Problem) -> str:
    return f"{problem.code}  {problem.product_id or '-'}  {problem.detail}"


def _document(outcome: Outcome, *, applied: bool) -> dict[str, Any]:
    steps = {"repairs": outcome.repairs, "overtaken": outcome.overtaken}
    return {
        "applied": applied,
        "checked": outcome.checked,
        **{
            name: [{"product_id": product_id, "step": str(step)} for product_id, step in those]
            for name, those in steps.items()
        },
        "unsolved": [presenters.problem(problem) for problem in outcome.unsolved],
    }
