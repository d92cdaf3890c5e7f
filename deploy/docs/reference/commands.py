"""The page of the command line, from click's own commands."""

from collections.abc import Iterator
from inspect import cleandoc

import click

from deploy.docs.pages import Generated
from deploy.docs.reference.markdown import code, compose, paragraphs, prose, table
from inventory.cli import main
from inventory.cli.output import NAME

_ABOUT = f"""\
What `{NAME} COMMAND --help` says. How to come by the program, what it answers to programs and
what its exit codes mean is under [Command line](../command-line.md)."""


def page() -> Generated:
    """Return the page."""
    text = compose("Commands", _ABOUT, *_blocks(main, NAME))
    return Generated(
        "reference/commands.md",
        "Commands",
        f"every `{NAME} ...`, with its options",
        text,
        "inventory/__main__.py",
    )


def _blocks(group: click.Group, name: str) -> Iterator[str]:
    for command in group.commands.values():
        if command.hidden:
            continue
        own = f"{name} {command.name}"
        if isinstance(command, click.Group):
            yield from _blocks(command, own)
            continue
        usage = " ".join([own, *command.collect_usage_pieces(click.Context(command))])
        yield f"## {own.removeprefix(f'{NAME} ')}"
        yield f"```text\n{usage}\n```"
        yield paragraphs(cleandoc(command.help or ""))
        options = [one for one in command.params if isinstance(one, click.Option)]
        yield table(("option", "unless given", "meaning"), map(_row, options))


def _row(option: click.Option) -> tuple[str, str, str]:
    value = "" if option.is_flag else f" {option.make_metavar(click.Context(click.Command('x')))}"
    default = option.default if option.show_default else None
    return (
        code("/".join([*option.opts, *option.secondary_opts]) + value),
        "" if default is None else code(default),
        prose(option.help or ""),
    )
