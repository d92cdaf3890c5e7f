"""Looks at the built site as a browser and a reader would: links, pictures, headings, requests.

Knows nothing of how the site was made.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

# What a browser asks for by itself, while it shows a page.
_LOADS = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "audio": "src",
    "video": "src",
    "embed": "src",
    "object": "data",
    "use": "href",
    "image": "href",
}
# Links of these kinds are followed by people only, or by nobody.
_LEADS_ONLY = {"next", "prev", "index", "search", "author", "canonical"}
_ELSEWHERE = r"(?:https?:)?//[\w.-]+"
_STYLE = re.compile(rf"(?:url\(|@import)\s*[\"']?({_ELSEWHERE})")
_SCRIPT = re.compile(
    rf"(?:fetch\(|import\(|importScripts\(|Worker\(|\.src\s*=|\bfrom)\s*[\"'`]({_ELSEWHERE})"
)
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


@dataclass
class Page(HTMLParser):
    """What a page of the site holds that can be wrong."""

    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    levels: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of one element."""
        attributes = {name: value or "" for name, value in attrs}
        if (id := attributes.get("id")) is not None:
            if id in self.ids:
                self.problems.append(f"has the id {id!r} twice")
            self.ids.add(id)
        if tag == "a" and "href" in attributes:
            self.links.append(attributes["href"])
        if tag in _LOADS and (address := attributes.get(_LOADS[tag])):
            self.loads.append(address)
        if tag == "link" and attributes.get("rel") not in _LEADS_ONLY:
            self.loads.append(attributes["href"])
        if tag == "img" and "alt" not in attributes:
            self.problems.append(f"shows {attributes.get('src')!r} without a text for it")
        if tag in _HEADINGS:
            self._heading(int(tag[1]))

    def _heading(self, level: int) -> None:
        before = self.levels[-1] if self.levels else 0
        if level > before + 1 or (level == 1 and self.levels):
            self.problems.append(f"has a heading of level {level} after one of level {before}")
        self.levels.append(level)


def problems(site: Path) -> list[str]:
    """Return what is wrong with a built site, a sentence for each."""
    pages = {file.resolve(): _read(file) for file in sorted(site.rglob("*.html"))}
    found = [*_style_problems(site), *_script_problems(site)]
    for file, page in pages.items():
        name = file.relative_to(site.resolve())
        found += [f"{name} {problem}" for problem in (*page.problems, *_leads(file, page, pages))]
    return found


def _read(file: Path) -> Page:
    page = Page()
    page.feed(file.read_text())
    page.close()
    return page


def _leads(file: Path, page: Page, pages: dict[Path, Page]) -> Iterator[str]:
    for address in page.loads:
        parts = urlsplit(address)
        if parts.netloc:
            yield f"asks another machine for {address}"
        elif parts.scheme != "data" and not (file.parent / unquote(parts.path)).exists():
            yield f"shows {address}, which does not exist"
    for link in page.links:
        if urlsplit(link).scheme or link.startswith("//"):
            continue
        address, anchor = urldefrag(link)
        aim = (file.parent / unquote(address)).resolve() if address else file
        if not aim.is_file():
            yield f"leads to {link}, which does not exist"
        elif anchor and aim in pages and unquote(anchor) not in pages[aim].ids:
            yield f"leads to {link}, where there is no such place"


def _style_problems(site: Path) -> Iterator[str]:
    for kind, wrong in (("*.css", _STYLE), ("*.html", _STYLE), ("*.svg", _STYLE)):
        for file in sorted(site.rglob(kind)):
            for address in wrong.findall(file.read_text()):
                yield f"{file.relative_to(site)} asks {address} for a part of its style"


def _script_problems(site: Path) -> Iterator[str]:
    for kind in ("*.js", "*.html"):
        for file in sorted(site.rglob(kind)):
            for address in _SCRIPT.findall(file.read_text()):
                yield f"{file.relative_to(site)} asks {address} by its script"
