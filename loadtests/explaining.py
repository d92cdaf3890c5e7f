"""Why a run did not take place: one sentence, and an exit code of its own.

Knows the errors of all runs; decides nothing.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from inventory.errors import DatabaseNotReady
from inventory.local import LocalError
from loadtests import scenario, service
from loadtests.bench.plan import PlanError
from loadtests.bench.report import PageError
from loadtests.bench.wrk import WrkError
from loadtests.books import ApiError
from loadtests.chaos import plan as faults_plan
from loadtests.chaos import run as faults
from loadtests.flame import FlameError
from loadtests.journal import JournalError

NOT_RUN = 2

# The message of each says it.
EXPLAINED = (
    ApiError,
    DatabaseNotReady,
    FlameError,
    JournalError,
    LocalError,
    OSError,
    PageError,
    PlanError,
    WrkError,
    faults.ChaosError,
    faults_plan.PlanError,
    scenario.LoadError,
    service.ServiceError,
)


@contextmanager
def explained() -> Iterator[None]:
    """End the command with the sentence of an expected error, if one comes."""
    try:
        yield
    except EXPLAINED as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(NOT_RUN)
