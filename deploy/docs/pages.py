"""Which files of the repository become which pages, in which order, and where their links lead.

`docs/README.md` is the list of all pages, for people and for the site: its headings are the
sections, its bullets the pages. Links work in the repository as they stand; here they are turned
into links between pages; a link to code that a page is made of leads to that page, and what is no
page is shown by its path.
"""

import posixpath
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOME = "README.md"
MAP = "docs/README.md"
# Where the pages that nobody wrote are listed.
GENERATED_SECTION = "Reference"
PICTURES = {".svg", ".png"}

_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_BULLET = re.compile(r"^- \[([^\]]+)\]\(([^)#]+)\)", re.MULTILINE)
# What is not looked into (comments, code), and links; whichever begins first.
_PIECE = re.compile(
    r"(?P<comment><!--.*?-->)"
    r"|(?P<fence>^[ ]*(?P<ticks>`{3,})(?P<language>[^\n`]*)\n(?P<body>.*?)^[ ]*(?P=ticks)[ ]*$)"
    r"|(?P<code>(?P<tick>`+)(?!`).+?(?<!`)(?P=tick)(?!`))"
    r"|(?P<bang>!?)\[(?P<text>(?:[^\[\]]|\[[^\[\]]*\])*)\]\((?P<target>[^()\s]+)\)",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Generated:
    """A page that nobody wrote: where it stands, and what it says in Markdown.

    `about` is its line in the list of pages, `made_of` the code whose readers it is for; a page
    without is a part of another one.
    """

    path: str
    title: str
    about: str
    text: str
    made_of: str | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A heading of the list of pages, with (title, file in the repository) for each of them."""

    title: str
    pages: tuple[tuple[str, str], ...]


def page_of(path: str) -> str:
    """Return where in the site a file of the repository stands as a page."""
    if path == HOME:
        return "index.md"
    if path == MAP:
        return "pages.md"
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return f"project/{path.removesuffix('/README.md').removesuffix('.md').lower()}.md"


def sections(text: str) -> list[Section]:
    """Return what the list of pages says."""
    _, *rest = _SECTION.split(text)
    return [
        Section(
            title,
            tuple(
                (name, posixpath.normpath(posixpath.join(posixpath.dirname(MAP), target)))
                for name, target in _BULLET.findall(body)
            ),
        )
        for title, body in zip(rest[::2], rest[1::2], strict=True)
    ]


def stage(root: Path, source: Path, generated: list[Generated]) -> list[str]:
    """Write everything that Sphinx reads into `source`; return what is wrong with it."""
    listed = sections((root / MAP).read_text())
    named = [path for section in listed for _, path in section.pages]
    if problems := list(_check_list(root, named)):
        return problems
    written = {path: page_of(path) for path in (HOME, MAP, *named)}
    known = written | {made.made_of: made.path for made in generated if made.made_of}
    for path, page in written.items():
        text, wrong = rewrite((root / path).read_text(), path, known, root, source)
        problems += wrong
        if path == MAP:
            text = _with_generated(text, generated)
        if path == HOME:
            text += "".join(_contents(listed, generated))
        _write(source / page, text)
    for made in generated:
        _write(source / made.path, made.text)
    return problems


def rewrite(
    text: str, path: str, known: Mapping[str, str], root: Path, source: Path
) -> tuple[str, list[str]]:
    """Return the Markdown of a file as the site needs it, and what is wrong with its links.

    Pictures that it shows or leads to are copied into `source`.
    """
    problems: list[str] = []

    def replaced(found: re.Match[str]) -> str:
        if found["fence"] is not None:
            return _fence(found)
        if found["target"] is None or re.match(r"[a-z]+:|#", found["target"]):
            return found[0]
        target, _, anchor = found["target"].partition("#")
        aim = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        if aim in known:
            leads = posixpath.relpath(known[aim], posixpath.dirname(known[path]) or ".")
            return f"[{found['text']}]({leads}{'#' if anchor else ''}{anchor})"
        if not (root / aim).exists() or aim.startswith(".."):
            problems.append(f"{path}: {found['target']} leads nowhere")
            return found[0]
        if Path(aim).suffix in PICTURES and aim.startswith("docs/"):
            place = aim.removeprefix("docs/")
            (source / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / aim, source / place)
            leads = posixpath.relpath(place, posixpath.dirname(known[path]) or ".")
            return f"{found['bang']}[{found['text']}]({leads})"
        plain = found["text"].strip("`")
        return f"`{aim}`" if plain in (target, aim) else f"{found['text']} (`{aim}`)"

    return _PIECE.sub(replaced, text), problems


def _fence(found: re.Match[str]) -> str:
    """Leave code as it is, and hand diagrams to the script that draws them."""
    if found["language"].strip() != "mermaid":
        return found[0]
    return f'<pre class="mermaid">\n{escape(found["body"], quote=False)}</pre>'


def _check_list(root: Path, named: list[str]) -> Iterator[str]:
    here = {MAP, *named}
    for path in named:
        if not (root / path).is_file():
            yield f"{MAP} lists {path}, which does not exist"
        if named.count(path) > 1:
            yield f"{MAP} lists {path} twice"
    for file in sorted((root / "docs").rglob("*.md")):
        if (path := file.relative_to(root).as_posix()) not in here:
            yield f"{path} is not in {MAP}: add a line to the section where it belongs"


def _with_generated(text: str, generated: list[Generated]) -> str:
    """Add the generated pages to their section of the list."""
    bullets = "".join(
        f"- [{made.title}]({made.path}): {made.about}\n" for made in generated if made.made_of
    )
    head = f"## {GENERATED_SECTION}\n"
    before, heading, after = text.partition(head)
    body, mark, rest = after.partition("\n## ")
    return f"{before}{heading}{body.rstrip()}\n\n{bullets}{mark}{rest}"


def _contents(listed: list[Section], generated: list[Generated]) -> Iterator[str]:
    """Yield the site's navigation: one list of pages a section."""
    yield "\n```{toctree}\n:hidden:\n\nAll pages <pages>\n```\n"
    for section in listed:
        entries = [(title, page_of(path)) for title, path in section.pages]
        if section.title == GENERATED_SECTION:
            entries += [(made.title, made.path) for made in generated if made.made_of]
        lines = "".join(f"{title} <{page.removesuffix('.md')}>\n" for title, page in entries)
        yield f"\n```{{toctree}}\n:hidden:\n:caption: {section.title}\n\n{lines}```\n"


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
