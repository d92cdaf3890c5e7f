"""How the site is put together: links, the list of pages, what is made from code, the checks."""

import re
from dataclasses import fields
from pathlib import Path

import click
import pytest

from deploy.docs import checking, pages, reference
from deploy.docs.pages import Generated
from deploy.docs.reference import commands, limits, problems, settings
from deploy.docs.reference.document import operations
from deploy.docs.reference.markdown import prose, table
from inventory import limits as bounds
from inventory.api.openapi.problem_types import problem_types
from inventory.cli import main
from inventory.domain.events import EventType
from inventory.settings import OUTSIDE_VARIABLES, Settings

LISTED = """\
# Documentation

## Concepts

- [The guard](concepts/guard.md): why

## Reference

Made.
"""
MADE = Generated(
    "reference/settings.md", "Settings", "variables", "# Settings\n", "inventory/settings.py"
)


@pytest.fixture(name="repository")
def _repository(tmp_path: Path) -> Path:
    """A repository with a README, a list of pages, one page, one picture, and code."""
    root = tmp_path / "repository"
    for path, text in {
        "README.md": "# Shop\n",
        "docs/README.md": LISTED,
        "docs/concepts/guard.md": "# The guard\n",
        "docs/stock.svg": "<svg/>",
        "inventory/settings.py": "",
        "inventory/app.py": "",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def staged(root: Path, text: str) -> str:
    """Return what becomes of a page with this text."""
    (root / "docs/concepts/guard.md").write_text(text)
    source = root.parent / "source"
    assert pages.stage(root, source, [MADE]) == []
    return (source / "concepts/guard.md").read_text()


@pytest.mark.parametrize(
    "written, expected",
    [
        ("[home](../../README.md#a-tour)", "[home](../index.md#a-tour)"),
        ("[all](../README.md)", "[all](../pages.md)"),
        ("[settings](../../inventory/settings.py)", "[settings](../reference/settings.md)"),
        ("[`inventory/app.py`](../../inventory/app.py)", "`inventory/app.py`"),
        ("[the app](../../inventory/app.py)", "the app (`inventory/app.py`)"),
        ("![Stock](../stock.svg)", "![Stock](../stock.svg)"),
        ("[here](#below) [there](https://example.org/a.md)", None),
        ("`[code](nowhere.md)` <!-- [comment](nowhere.md) -->", None),
        ("```sh\n[code](nowhere.md)\n```", None),
        (
            "```mermaid\nflowchart LR\n  a[x<br>y] --> b\n```",
            '<pre class="mermaid">\nflowchart LR\n  a[x&lt;br&gt;y] --&gt; b\n</pre>',
        ),
    ],
)
def test_links_lead_in_the_site_where_they_lead_in_the_repository(
    repository: Path, written: str, expected: str | None
) -> None:
    """Links between files become links between pages; code is named, or leads to its own page."""
    assert staged(repository, written) == (expected or written)


def test_a_picture_comes_along(repository: Path) -> None:
    """A picture that a page shows is in the site."""
    staged(repository, "![Stock](../stock.svg)")
    assert (repository.parent / "source/stock.svg").read_text() == "<svg/>"


def test_a_link_that_leads_nowhere_is_told(repository: Path) -> None:
    """Neither a missing file nor one outside of the repository can be linked to."""
    (repository / "docs/concepts/guard.md").write_text("[a](gone.md) [b](../../../../etc/passwd)")
    assert pages.stage(repository, repository.parent / "source", [MADE]) == [
        "docs/concepts/guard.md: gone.md leads nowhere",
        "docs/concepts/guard.md: ../../../../etc/passwd leads nowhere",
    ]


def test_every_page_is_on_the_list(repository: Path) -> None:
    """A page that nobody lists, and a line without its page, are told."""
    (repository / "docs/clients.md").write_text("# Clients\n")
    (repository / "docs/concepts/guard.md").unlink()
    assert pages.stage(repository, repository.parent / "source", []) == [
        "docs/README.md lists docs/concepts/guard.md, which does not exist",
        "docs/clients.md is not in docs/README.md: add a line to the section where it belongs",
    ]


def test_the_list_is_the_navigation(repository: Path) -> None:
    """Sections and pages come in the order of the list, with those that are made from the code."""
    source = repository.parent / "source"
    pages.stage(repository, source, [MADE])
    home = (source / "index.md").read_text()
    assert re.findall(r":caption: (.+)|^(.+ <.+>)$", home, re.MULTILINE) == [
        ("", "All pages <pages>"),
        ("Concepts", ""),
        ("", "The guard <concepts/guard>"),
        ("Reference", ""),
        ("", "Settings <reference/settings>"),
    ]
    assert "- [Settings](reference/settings.md): variables" in (source / "pages.md").read_text()


def test_text_from_the_code_is_no_markup() -> None:
    """Angle brackets are text, except in code, where they are as they were; a pipe ends no cell."""
    assert prose("a <b> `<c>`\n  d") == "a &lt;b> `<c>` d"
    assert table(("x",), [("`a|b`",)]) == "| x |\n| --- |\n| `a\\|b` |\n"


def test_every_setting_limit_and_code_is_in_the_reference() -> None:
    """Nothing that the code names is left out of the page that is made of it."""
    named = [option.metadata["variable"] for option in fields(Settings)] + [*OUTSIDE_VARIABLES]
    assert [name for name in named if f"| `{name}` |" not in settings.page().text] == []
    rows = re.findall(r"^\| `([A-Z0-9_]+)` \| .+ \| .* \|$", limits.page().text, re.MULTILINE)
    assert sorted(rows) == sorted(name for name in vars(bounds) if name.isupper())
    text = problems.page().text
    assert [code for code in problem_types() if code not in text] == []


def test_every_command_is_in_the_reference() -> None:
    """Each command has its usage there, those of groups as well."""
    text = commands.page().text

    def leaves(group: click.Group, name: str) -> list[str]:
        return [
            leaf
            for command in group.commands.values()
            for leaf in (
                leaves(command, f"{name} {command.name}")
                if isinstance(command, click.Group)
                else [f"{name} {command.name}"]
            )
        ]

    assert [name for name in leaves(main, "inventory") if f"\n{name}" not in text] == []


def test_every_operation_has_its_place() -> None:
    """Each operation stands on the page of its room, and no generated page stands twice."""
    made = reference.pages()
    text = "".join(page.text for page in made if page.path.startswith("reference/http/"))
    lines = [one.line for one in operations()]
    assert lines
    assert [line for line in lines if f"```text\n{line}\n```" not in text] == []
    assert len({page.path for page in made}) == len(made)


@pytest.mark.parametrize(
    "html, problem",
    [
        ('<script src="https://cdn.example/x.js"></script>', "asks another machine for"),
        ('<link rel="stylesheet" href="//fonts.example/x.css">', "asks another machine for"),
        ('<img alt="" src="gone.png">', "shows gone.png, which does not exist"),
        ("<style>@import 'https://fonts.example/x.css'</style>", "for a part of its style"),
        ("<script>fetch('https://example.org/')</script>", "by its script"),
        ('<a href="gone.html">x</a>', "leads to gone.html, which does not exist"),
        ('<a href="#gone">x</a>', "leads to #gone, where there is no such place"),
        ('<img src="data:,">', "without a text for it"),
        ("<h1>a</h1><h3>b</h3>", "has a heading of level 3 after one of level 1"),
        ('<p id="a"></p><p id="a"></p>', "has the id 'a' twice"),
    ],
)
def test_what_is_wrong_with_a_page_is_seen(tmp_path: Path, html: str, problem: str) -> None:
    """A page that asks elsewhere, leads nowhere, or cannot be read aloud is told."""
    (tmp_path / "index.html").write_text(html)
    (found,) = checking.problems(tmp_path)
    assert problem in found


def test_a_page_that_is_right_is_left_alone(tmp_path: Path) -> None:
    """Links to others may lead there; only what a browser loads by itself may not."""
    (tmp_path / "index.html").write_text(
        '<h1 id="top">a</h1><h2>b</h2><a href="https://example.org">c</a><a href="#top">d</a>'
        '<img alt="e" src="index.html">'
    )
    (tmp_path / "style.css").write_text("a { background: url(data:image/png;base64,) }")
    assert checking.problems(tmp_path) == []


def test_every_event_is_documented() -> None:
    """The table of events names each type, and no other."""
    text = (pages.ROOT / "docs/events.md").read_text()
    assert sorted(re.findall(r"^\| `([a-z]+\.[a-z]+)` \|", text, re.MULTILINE)) == sorted(EventType)
