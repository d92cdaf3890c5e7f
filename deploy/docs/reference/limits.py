"""The page of the limits: names, values, and the comments above them in `limits.py`."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from deploy.docs.pages import Generated
from deploy.docs.reference.markdown import code, compose, prose, table
from inventory import limits

_SECTION = re.compile(r"# --- (.+?) -+$")
_NAME = re.compile(r"^([A-Z][A-Z0-9_]*): Final\b")
_ABOUT = """\
Every bound of the service. They are fixed: what an operator may change is among the
[settings](settings.md). The unit is the last word of a name, before `MAX`, `MIN` or `DEFAULT`."""


def page() -> Generated:
    """Return the page."""
    text = compose("Limits", _ABOUT, *_blocks())
    return Generated(
        "reference/limits.md",
        "Limits",
        "every bound, with its unit",
        text,
        "inventory/limits.py",
    )


def _blocks() -> Iterator[str]:
    rows: list[tuple[str, str, str]] = []
    comment: list[str] = []
    for line in Path(limits.__file__).read_text().splitlines():
        if found := _SECTION.match(line):
            yield table(("limit", "value", "why"), rows)
            rows, comment = [], []
            yield f"## {found[1].capitalize()}"
        elif line.startswith("# "):
            comment.append(line.removeprefix("# "))
        else:
            if found := _NAME.match(line):
                rows.append((code(found[1]), _value(found[1]), prose(" ".join(comment))))
            comment = []
    yield table(("limit", "value", "why"), rows)


def _value(name: str) -> str:
    value = getattr(limits, name)
    return (
        f"{value:,}" if isinstance(value, int | float) else code(ast.unparse(ast.Constant(value)))
    )
