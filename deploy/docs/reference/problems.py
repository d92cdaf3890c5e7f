"""The page of the problems: every code, its status, what it means, whether to try again."""

from collections.abc import Iterator

from deploy.docs.pages import Generated
from deploy.docs.reference.markdown import anchor, code, compose, paragraphs, prose, table
from inventory.api.openapi.problem_types import ProblemType, base_schema, problem_types
from inventory.api.problems import catalogue

_PLAIN = "What HTTP alone can say"
_ABOUT = """\
Every error is `application/problem+json` (RFC 9457). Programs tell problems apart by `code`, which
never changes; `type` leads to `/problems/{code}`, where the service says what stands here."""


def page() -> Generated:
    """Return the page."""
    own = {kind.code for kind, _ in catalogue()}
    types = problem_types().values()
    members = ((code(name), prose(said["description"])) for name, said in _members())
    text = compose(
        "Errors",
        _ABOUT,
        table(("member", "meaning"), members),
        *(block for one in types if one.code in own for block in _blocks(one)),
        f"## {_PLAIN}",
        "These have no members of their own.",
        table(
            ("code", "status", "meaning", "again?"),
            (
                (code(one.code), str(int(one.status)), prose(one.description), prose(one.retry))
                for one in types
                if one.code not in own
            ),
        ),
    )
    return Generated(
        "reference/problems.md",
        "Errors",
        "every code, and what to do about it",
        text,
        "inventory/errors/__init__.py",
    )


def problem_link(found: str, up: str) -> str:
    """Return a link to what is said of a code, from a page so many directories further down."""
    own = {kind.code for kind, _ in catalogue()}
    return f"[{code(found)}]({up}problems.md#{anchor(found if found in own else _PLAIN)})"


def _members() -> Iterator[tuple[str, dict[str, str]]]:
    yield from base_schema()["properties"].items()


def _blocks(kind: ProblemType) -> Iterator[str]:
    yield f"## {kind.code}"
    yield f"**{int(kind.status)}** {paragraphs(kind.description)}"
    yield f"*Again?* {prose(kind.retry)}"
    if kind.kept:
        yield "It is kept: a retry with the same Idempotency-Key is told the same."
    facts = ((code(name), prose(said.get("description", ""))) for name, said in kind.facts.items())
    yield table(("member", "meaning"), facts)
