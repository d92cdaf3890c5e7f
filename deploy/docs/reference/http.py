"""The pages of the HTTP API: what is true of all calls, a page a room, and the schemas."""

from collections.abc import Iterator
from typing import Any

from deploy.docs.pages import Generated
from deploy.docs.reference.document import (
    Operation,
    document,
    operations,
    reference_name,
    resolved,
    schemas,
)
from deploy.docs.reference.markdown import (
    anchor,
    code,
    compose,
    example,
    paragraphs,
    prose,
    table,
)
from deploy.docs.reference.problems import problem_link
from deploy.docs.reference.shapes import SCHEMAS, kind, members

_OVERVIEW = "reference/http.md"
_NEEDED = "must be given"


def pages() -> list[Generated]:
    """Return the overview, a page for each room, and the schemas."""
    tags = {tag["name"]: tag["description"] for tag in document()["tags"]}
    rooms = [_room(tag, tags[tag]) for tag in dict.fromkeys(one.tag for one in operations())]
    shapes = Generated(SCHEMAS, "Schemas", "what bodies are made of", _schemas())
    return [_overview([*rooms, shapes]), *rooms, shapes]


def _overview(parts: list[Generated]) -> Generated:
    rows = (
        (
            f"[{code(one.line)}](http/{one.tag}.md#{anchor(one.said['summary'])})",
            prose(one.said["summary"]),
            _scope(one),
        )
        for one in operations()
    )
    contents = "".join(
        f"{part.title} <{part.path.removeprefix('reference/').removesuffix('.md')}>\n"
        for part in parts
    )
    text = compose(
        "HTTP API",
        document()["info"]["description"],
        "A running service shows the same under `/docs`, and answers it as OpenAPI 3.1 under "
        "`/openapi.json`. What can go wrong, and whether to try again, is under "
        "[Errors](problems.md).",
        "## All operations",
        table(("operation", "what it does", "scope"), rows),
        "Besides the errors that it names, every one of them may answer "
        + ", ".join(problem_link(found, "") for found in sorted(_general_codes()))
        + ".",
        "## Headers of requests",
        _headers("parameters"),
        "## Headers of answers",
        _headers("headers"),
        f"```{{toctree}}\n:hidden:\n\n{contents}```",
    )
    return Generated(
        _OVERVIEW,
        "HTTP API",
        "every operation, with parameters, bodies, answers and errors",
        text,
        "inventory/api/openapi/document.py",
    )


def _headers(component: str) -> str:
    found = document()["components"][component].items()
    return table(
        ("header", "meaning"),
        ((code(name), prose(said.get("description", ""))) for name, said in found),
    )


def _room(tag: str, about: str) -> Generated:
    path = f"reference/http/{tag}.md"
    title = tag.replace("_", " ").capitalize()
    blocks = (_operation(one, path) for one in operations() if one.tag == tag)
    text = compose(title, prose(about), *(block for blocks_ in blocks for block in blocks_))
    return Generated(path, title, prose(about).rstrip("."), text)


def _operation(one: Operation, page: str) -> Iterator[str]:
    said = one.said
    yield f"## {said['summary']}"
    yield f"```text\n{one.line}\n```"
    yield paragraphs(said.get("description", ""))
    yield _parameters(said.get("parameters", ()), page)
    if body := said.get("requestBody"):
        yield from _body(resolved(body), page)
    yield "Answers:"
    yield table(("status", "meaning", "body", "headers"), _answers(said, page))
    for answer in said["responses"].values():
        for content in resolved(answer).get("content", {}).values():
            if "example" in content:
                yield example(content["example"])
    yield "Errors:"
    yield table(("status", "code"), _errors(one))


def _parameters(parameters: Any, page: str) -> str:
    rows = []
    for parameter in map(resolved, parameters):
        needed = " *" if parameter.get("required") else ""
        rows.append(
            (
                code(parameter["name"]) + needed,
                parameter["in"],
                kind(parameter["schema"], page),
                prose(parameter.get("description", "")),
            )
        )
    # What every request may have is told once, in the overview.
    rows = [row for row in rows if row[0] != "`X-Request-ID`"]
    drawn = table(("parameter", "in", "type", "meaning"), rows)
    return drawn + f"\n\\* {_NEEDED}\n" if any("*" in row[0] for row in rows) else drawn


def _body(body: dict[str, Any], page: str) -> Iterator[str]:
    for media_type, content in body["content"].items():
        yield f"Body, as {code(media_type)}: {kind(content['schema'], page)}."
        yield members(resolved(content["schema"]), page, _NEEDED)
        if "example" in content:
            yield example(content["example"])


def _answers(said: dict[str, Any], page: str) -> Iterator[tuple[str, str, str, str]]:
    for status, answer in said["responses"].items():
        if int(status) < 400:
            known = resolved(answer)
            bodies = (
                kind(content["schema"], page) if "schema" in content else code(media_type)
                for media_type, content in known.get("content", {}).items()
            )
            told = (name for name in known.get("headers", {}) if not _is_general(name))
            yield (
                status,
                prose(known["description"]),
                ", ".join(dict.fromkeys(bodies)),
                ", ".join(map(code, told)),
            )


def _is_general(header: str) -> bool:
    """Tell whether nearly every answer has a header, so that it need not be named each time."""
    return header == "X-Request-ID" or header.startswith("X-RateLimit-")


def _errors(one: Operation) -> Iterator[tuple[str, str]]:
    general = _general_codes()
    for status, codes in _met(one).items():
        if own := [problem_link(found, "../") for found in codes if found not in general]:
            yield status, ", ".join(own)


def _general_codes() -> set[str]:
    """Return the codes that every operation may answer with."""
    return set.intersection(
        *({code for codes in _met(one).values() for code in codes} for one in operations())
    )


def _met(one: Operation) -> dict[str, list[str]]:
    return {
        status: [
            found
            for content in resolved(answer).get("content", {}).values()
            for found in _codes(content["schema"])
        ]
        for status, answer in one.said["responses"].items()
        if int(status) >= 400
    }


def _codes(schema: dict[str, Any]) -> Iterator[str]:
    for one in schema.get("oneOf", [schema]):
        yield resolved(one)["properties"]["code"]["enum"][0]


def _scope(one: Operation) -> str:
    if one.contract.scope is None:
        return "none"
    return code(one.contract.scope) + (", secret key" if one.contract.secret_only else "")


def _schemas() -> str:
    blocks: list[str] = []
    for name, schema in schemas().items():
        blocks += [f"## {name}", paragraphs(schema.get("description", ""))]
        if "properties" in schema:
            needed = _NEEDED if name.endswith("Request") else "always there"
            blocks.append(members(schema, SCHEMAS, needed))
        elif reference_name(schema) is None:
            blocks.append(kind(schema, SCHEMAS).capitalize() + ".")
    return compose(
        "Schemas", "What bodies and answers are made of, by the names in the document.", *blocks
    )
