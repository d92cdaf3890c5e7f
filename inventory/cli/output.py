"""What all commands say, and how: lines for people, and expected problems as one sentence.

Knows click; knows no command.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from inventory.demo import DemoError
from inventory.errors import InventoryError
from inventory.local import LocalError
from inventory.settings import SettingsError


class NotChecked(click.ClickException):
    """Whether the books are right could not be found out, which is neither yes nor no."""

    exit_code = 2


@contextmanager
def explained(
    kind: type[click.ClickException] = click.ClickException,
) -> Iterator[None]:
    """Turn every expected problem into one sentence and the exit code of `kind`."""
    try:
        yield
    except (SettingsError, LocalError, InventoryError, DemoError) as error:
        raise kind(str(error)) from error


def say(text: str) -> None:
    """Write one line; a reader that has gone away is no reason to stop."""
    try:
        click.echo(text)
    except OSError:
        # What is still buffered goes nowhere, or the interpreter would complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def many(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
