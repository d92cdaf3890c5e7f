"""The page of the command line, from click's own commands."""

from collections.abc import Iterator
from inspect import cleandoc

import click

from deploy.docs.pages import Generated
from deploy.docs.reference.markdown import code, compose, paragraphs, prose, table
from inventory.cli import main

_PROGRAM = "python -m inventory"
_ABOUT = f"`{_PROGRAM} COMMAND --help` says the same. The settings come from the environment."


def page() -> Generated:
    """Return the page."""
    text = compose("Command line", _ABOUT, *_blocks(main, _PROGRAM))
    return Generated(
        "reference/commands.md",
        "Command line",
        f"every `{_PROGRAM} ...`",
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
        yield f"## {command.name if name == _PROGRAM else own.removeprefix(_PROGRAM + ' ')}"
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
