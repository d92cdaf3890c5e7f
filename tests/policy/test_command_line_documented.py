"""The page about the command line tells the truth about commands and options."""

import re
from pathlib import Path

import click
import pytest

from inventory.cli import main

PAGE = (Path(__file__).parents[2] / "docs/command-line.md").read_text()
# What every program has, and every command of this one.
COMMON = {"--help", "-h", "--version", "--json"}


def commands(group: click.Group, before: str = "") -> dict[str, click.Command]:
    """Return all commands by their whole name."""
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found |= commands(command, f"{before}{name} ")
        else:
            found[before + name] = command
    return found


COMMANDS = commands(main)


def options(command: click.Command) -> dict[str, click.Option]:
    """Return the options that a command has and others have not."""
    found = [param for param in command.params if isinstance(param, click.Option)]
    return {param.opts[0]: param for param in found if not COMMON & set(param.opts)}


def first_sentence(text: str | None) -> str:
    """Return what a command does, as its help begins."""
    return " ".join((text or "").split("\n\n")[0].split()).rstrip(".")


def test_every_command_is_on_the_page() -> None:
    """Names and first sentences of all commands stand there as the help has them, and no others."""
    rows = re.findall(r"^\| `([a-z -]+)` \| ([^|]+) \|$", PAGE, re.MULTILINE)
    assert dict(rows) == {name: first_sentence(each.help) for name, each in COMMANDS.items()}


def test_every_option_is_on_the_page() -> None:
    """Each option stands there, with the commands that have it, and no other."""
    rows = re.findall(r"^\| `(--[a-z-]+)` \| ([^|]+) \| [^|]+ \|$", PAGE, re.MULTILINE)
    told = {name: set(re.findall(r"`([a-z ]+)`", those)) for name, those in rows}
    assert told.pop("--json") == set()
    expected: dict[str, set[str]] = {}
    for name, command in COMMANDS.items():
        for option in options(command):
            expected.setdefault(option, set()).add(name)
    assert told == expected


@pytest.mark.parametrize("name", COMMANDS)
def test_help_says_what_everything_is_for(name: str) -> None:
    """Each command says what it does, and each option of its own what it is for."""
    assert first_sentence(COMMANDS[name].help)
    for option, found in options(COMMANDS[name]).items():
        assert found.help, f"{name} {option}"
