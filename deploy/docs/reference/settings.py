"""The page of the settings, from `Settings` and what the processes around the service read."""

from dataclasses import Field, fields
from typing import Any

from deploy.docs.pages import Generated
from deploy.docs.reference.markdown import code, compose, prose, table
from inventory.settings import OUTSIDE_VARIABLES, Settings

_HEAD = ("variable", "unless set", "meaning")
_ABOUT = """\
All are variables of the environment. A bad value, or a variable with the prefix `INVENTORY_` that
does not exist, stops the start, with a list of everything that is wrong."""


def page() -> Generated:
    """Return the page."""
    text = compose(
        "Settings",
        _ABOUT,
        "## Of the service",
        table(_HEAD, map(_row, fields(Settings))),
        "## Of the processes around it",
        table(
            _HEAD,
            (
                (code(name), prose(default), prose(meaning))
                for name, (default, meaning) in OUTSIDE_VARIABLES.items()
            ),
        ),
    )
    return Generated(
        "reference/settings.md",
        "Settings",
        "variables of the environment",
        text,
        "inventory/settings.py",
    )


def _row(option: "Field[Any]") -> tuple[str, str, str]:
    return (
        code(option.metadata["variable"]),
        _default(option.default),
        f"{prose(option.metadata['doc'])}. {_allowed(option)}".rstrip(),
    )


def _default(value: Any) -> str:
    if isinstance(value, bool):
        return code("on" if value else "off")
    if isinstance(value, frozenset | tuple):
        return ", ".join(sorted(code(one) for one in value)) or "none"
    return code(value)


def _allowed(option: "Field[Any]") -> str:
    if option.metadata["choices"]:
        return f"One of {', '.join(map(code, option.metadata['choices']))}."
    if option.metadata["least"] is not None:
        return f"A whole number, {option.metadata['least']} or more."
    return ""
