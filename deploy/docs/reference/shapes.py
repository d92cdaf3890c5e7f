"""How a JSON schema is told in a line, and its members in a table."""

from typing import Any

from deploy.docs.reference.document import JSONSchema, is_problem, reference_name, schemas
from deploy.docs.reference.markdown import anchor, code, prose, table

SCHEMAS = "reference/http/schemas.md"
_BOUNDS = (
    ("minLength", "maxLength", "characters"),
    ("minItems", "maxItems", "items"),
    ("minProperties", "maxProperties", "members"),
    ("minimum", "maximum", ""),
)
# Longer ones are for programs; what they mean is told beside them.
_PATTERN_CHARACTERS_MAX = 20


def members(schema: JSONSchema, page: str, required_means: str) -> str:
    """Return the members of an object as a table, with links as they work on a page."""
    required = set(schema.get("required", ()))
    rows = [
        (
            code(name) + ("" if name not in required else " *"),
            kind(said, page),
            prose(said.get("description", "")),
        )
        for name, said in schema.get("properties", {}).items()
    ]
    made = table(("member", "type", "meaning"), rows)
    return made + f"\n\\* {required_means}\n" if required and rows else made


def kind(schema: JSONSchema, page: str) -> str:
    """Return what a value may be, in a few words; a schema with a name is linked to."""
    if name := reference_name(schema):
        return link(name, page)
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(dict.fromkeys(kind(one, page) for one in schema[several]))
    if "const" in schema:
        return code(schema["const"])
    if "enum" in schema:
        return ", ".join("null" if one is None else code(one) for one in schema["enum"])
    return _plain(schema, page) + _bounds(schema) + _default(schema)


def link(name: str, page: str) -> str:
    """Return a link to a schema, by its name."""
    if is_problem(name) or name not in schemas():
        return code(name)
    depth = page.count("/") - SCHEMAS.count("/")
    target = "" if page == SCHEMAS else "../" * depth + SCHEMAS.removeprefix("reference/http/")
    return f"[{name}]({target}#{anchor(name)})"


def _plain(schema: JSONSchema, page: str) -> str:
    said: Any = schema.get("type", "anything")
    types = [said] if isinstance(said, str) else list(said)
    words = [_type(one, schema, page) for one in types]
    return " or ".join(words)


def _type(name: str, schema: JSONSchema, page: str) -> str:
    if name == "array":
        return f"list of {kind(schema.get('items', {}), page)}"
    if name == "object" and isinstance(more := schema.get("additionalProperties"), dict):
        return f"object of {kind(more, page)}"
    if name == "string" and "format" in schema:
        return f"string ({schema['format']})"
    return name


def _bounds(schema: JSONSchema) -> str:
    said = ""
    for least, most, unit in _BOUNDS:
        if least in schema or most in schema:
            low, high = schema.get(least), schema.get(most)
            said += f", {_range(low, high)} {unit}".rstrip()
    pattern = schema.get("pattern", "")
    if pattern and len(pattern) <= _PATTERN_CHARACTERS_MAX:
        said += f", {code(pattern)}"
    return said


def _range(low: Any, high: Any) -> str:
    if low is None:
        return f"at most {high:,}"
    if high is None:
        return f"at least {low:,}"
    return f"{low:,} to {high:,}"


def _default(schema: JSONSchema) -> str:
    return f"; {code(schema['default'])} unless given" if "default" in schema else ""
