"""Markdown that is put together: tables, and texts that are safe inside of them."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

_CODE = re.compile(r"(`+[^`]+`+)")


def prose(text: str) -> str:
    """Return a text as one line whose angle brackets are no HTML, except in code."""
    parts = _CODE.split(" ".join(text.split()))
    parts[::2] = [part.replace("<", "&lt;") for part in parts[::2]]
    return "".join(parts)


def paragraphs(text: str) -> str:
    """Return a text with its paragraphs kept."""
    return "\n\n".join(prose(part) for part in re.split(r"\n\s*\n", text) if part.strip())


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a cell is Markdown of one line. Nothing if it has no rows."""
    lines = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    if not lines:
        return ""
    drawn = [list(head), ["---"] * len(head), *lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in drawn)


def code(value: object) -> str:
    """Return a value as code inside of a line."""
    return f"`{value}`"


def example(value: Any) -> str:
    """Return a JSON value as a block of code."""
    return f"```json\n{json.dumps(value, indent=2, ensure_ascii=False, default=str)}\n```\n"


def anchor(heading: str) -> str:
    """Return where a heading can be linked to, as GitHub and Sphinx have it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def compose(title: str, *blocks: str) -> str:
    """Return a page: its title, and blocks with an empty line between them."""
    made = [f"# {title}", *(block.rstrip() for block in blocks if block.strip())]
    return "\n\n".join(made) + "\n"
