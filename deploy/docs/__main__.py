"""Builds the site into a directory, from nothing each time: `python -m deploy.docs [site]`.

Exit code 1, with a sentence for each, if a link leads nowhere, a page is on no list, Sphinx warns
of anything, or a page of the site would ask another machine for something.
"""

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from sphinx.cmd.build import build_main

from deploy.docs import checking, pages, reference

HERE = Path(__file__).parent


def build(site: Path) -> list[str]:
    """Build the site; return what is wrong with it."""
    generated = reference.pages()
    with TemporaryDirectory(prefix="inventory-docs-") as directory:
        source, doctrees = Path(directory, "source"), Path(directory, "doctrees")
        problems = pages.stage(pages.ROOT, source, generated)
        if problems:
            return problems
        shutil.rmtree(site, ignore_errors=True)
        options = ["-q", "--fail-on-warning", "--keep-going", "-c", str(HERE), "-d", str(doctrees)]
        if build_main([*options, "-b", "html", str(source), str(site)]):
            return ["Sphinx has warned, see above"]
    return checking.problems(site)


def main(arguments: list[str]) -> int:
    """Build the site and tell what came of it."""
    site = Path(*arguments) if arguments else pages.ROOT / "site"
    found = build(site)
    if found:
        sys.stderr.writelines(f"{problem}\n" for problem in found)
        return 1
    count = len(list(site.rglob("*.html")))
    sys.stdout.write(f"{count} pages in {site}: every link, anchor and picture is there.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
