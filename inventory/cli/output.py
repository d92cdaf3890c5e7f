"""What all commands say, and how: lines for people, JSON for programs, a sentence for trouble.

Knows click; knows no command. Results go to the standard output; with `--json` nothing else does,
and an error is a JSON object on the standard error output.

Exit codes are the same everywhere: 0 - done, 1 - the answer is no (a refusal, wrong books), 2 - it
could not be done or found out: a bad command line, bad settings, somebody who does not answer.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import takewhile
from typing import Any

import click

from inventory.calling import CallFailed, Unreachable
from inventory.cli.loading import LoadedWhenAsked
from inventory.encoding import encode
from inventory.errors import InventoryError, Unavailable
from inventory.local import LocalError
from inventory.settings import SettingsError

NAME = "inventory"
NO, CANNOT = 1, 2
_FLAG = "--json"
_META = f"{NAME}.json"


class Failure(click.ClickException):
    """An expected problem: a sentence, and a code for programs."""

    exit_code = NO

    def __init__(self, message: str, code: str, **details: Any) -> None:
        super().__init__(message)
        self.code = code
        self.details = details


class Cannot(Failure):
    """One that says nothing about what was asked for, as it could not be done or found out."""

    exit_code = CANNOT


class Commands(click.Group):
    """The root of all commands: gives each of them `--json`, and puts errors into that form.

    `places` says where each is, as `module:name`.
    """

    def __init__(self, name: str | None, *, places: Mapping[str, str], **options: Any) -> None:
        super().__init__(name, LoadedWhenAsked(places, _let_speak_json), **options)

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Note whether JSON is asked for, before anything can be wrong with the rest."""
        asked = _FLAG in takewhile(lambda argument: argument != "--", args)
        with _errors_as_json(asked):
            context = super().make_context(info_name, args, parent, **extra)
        context.meta[_META] = asked
        return context

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        with _errors_as_json(ctx.meta[_META]):
            return super().invoke(ctx)


def _let_speak_json(command: click.Command) -> None:
    for leaf in leaves(command):
        leaf.params.append(
            click.Option(
                [_FLAG],
                is_flag=True,
                expose_value=False,
                help="Say it in JSON: the result on the standard output, all else beside it.",
            )
        )


def leaves(command: click.Command) -> Iterator[click.Command]:
    """Return a command, or those of a group that are no groups themselves."""
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            yield from leaves(inner)
    else:
        yield command


@contextmanager
def _errors_as_json(asked: bool) -> Iterator[None]:
    try:
        yield
    except click.ClickException as error:
        if not asked:
            raise
        more = error.details if isinstance(error, Failure) else {}
        document = {
            **more,
            "code": error.code if isinstance(error, Failure) else "usage",
            "detail": error.format_message(),
            "exit_code": error.exit_code,
        }
        _write(encode(document).decode(), err=True)
        raise click.exceptions.Exit(error.exit_code) from error


@contextmanager
def explained() -> Iterator[None]:
    """Turn every expected problem into one sentence and an exit code."""
    try:
        yield
    except InventoryError as error:
        kind = Cannot if isinstance(error, Unavailable) else Failure
        raise kind(error.message, error.code, **error.details) from error
    except CallFailed as error:
        kind = Cannot if isinstance(error, Unreachable) else Failure
        raise kind(str(error), error.code) from error
    except SettingsError as error:
        raise Cannot(str(error), "bad_settings", problems=error.problems) from error
    except LocalError as error:
        raise Cannot(str(error), "local_run") from error


def wants_json() -> bool:
    """Tell whether a program reads what the current command says."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(_META))


def report(document: Mapping[str, Any], *lines: str) -> None:
    """Say a result: as lines to people, as one line of JSON to a program."""
    for line in [encode(document).decode()] if wants_json() else lines:
        _write(line)


def say(text: str) -> None:
    """Tell people how things go; that is no part of a result."""
    _write(text, err=wants_json())


@contextmanager
def progress(length: int, label: str) -> Iterator[Callable[[int], None]]:
    """Yield what takes steps of something long, and show them beside the result.

    Programs that read what people see are spared it.
    """
    hidden = wants_json() and not sys.stderr.isatty()
    with click.progressbar(length=length, label=label, file=sys.stderr, hidden=hidden) as bar:
        yield bar.update


def many(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _write(text: str, *, err: bool = False) -> None:
    """Write one line; a reader that has gone away is no reason to stop."""
    try:
        click.echo(text, err=err)
    except OSError:
        # What is still buffered goes nowhere, or the interpreter would complain at its end.
        stream = sys.stderr if err else sys.stdout
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
