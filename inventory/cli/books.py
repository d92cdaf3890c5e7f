"""The commands that check the books and put them right."""

import sys

import click

from inventory.bookkeeping import Outcome
from inventory.cli.opening import open_books
from inventory.cli.output import NotChecked, explained, many, say
from inventory.domain.integrity.problems import Problem


@click.command()
def integrity() -> None:
    """Check that the books hold together; the service may go on meanwhile.

    Exit code 0 if nothing is wrong, 1 if something is, 2 if it could not be found out.
    """
    with explained(NotChecked), open_books() as books:
        size = books.auditing.count_products()
        with click.progressbar(length=size, label="Checking the books") as bar:
            report = books.auditing.check_all(bar.update)
    for problem in report.problems:
        say(_line(problem))
    total = report.problems_total
    if total > len(report.problems):
        say(f"... and {total - len(report.problems)} more.")
    if total:
        say(f"{many(total, 'problem')} in the books of {many(report.checked, 'product')}.")
    else:
        say(f"The books of {many(report.checked, 'product')} are right.")
    sys.exit(not report.ok)


@click.command()
@click.option("--apply", is_flag=True, help="Do it; else it is only shown.")
def repair(apply: bool) -> None:
    """Put the books right where something else still knows what they must say.

    Without --apply nothing is changed. Safe while the service goes on: what has changed since it
    was checked is left alone. Exit code 0 if nothing is left to be done, 1 if something is, 2 if
    it could not be found out.
    """
    with explained(NotChecked), open_books() as books:
        size = books.auditing.count_products()
        with click.progressbar(length=size, label="Checking the books") as bar:
            outcome = books.repairing.repair_all(bar.update, apply=apply)
    for product_id, step in outcome.repairs:
        say(f"{'done' if apply else 'would'}  {product_id}  {step}")
    for product_id, step in outcome.overtaken:
        say(f"changed meanwhile, run this again  {product_id}  {step}")
    for problem in outcome.unsolved:
        say(f"needs a person  {_line(problem)}")
    say(_sum_up(outcome, applied=apply))
    sys.exit(bool(outcome.overtaken or outcome.unsolved or (outcome.repairs and not apply)))


def _sum_up(outcome: Outcome, *, applied: bool) -> str:
    did = "done" if applied else "to be done (--apply does it)"
    return (
        f"{many(outcome.checked, 'product')} checked: {many(len(outcome.repairs), 'repair')} "
        f"{did}, {many(len(outcome.unsolved), 'problem')} left for a person."
    )


def _line(problem: Problem) -> str:
    return f"{problem.code}  {problem.product_id or '-'}  {problem.detail}"
