"""The size of things: what does not fit on a screen or two is in need of a new room."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULE_LINES_MAX = 300
FUNCTION_LINES_MAX = 40
FILES = sorted([*(ROOT / "inventory").rglob("*.py"), *(ROOT / "clients").rglob("*.py")])


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_modules_and_functions_stay_small(file: Path) -> None:
    """A module has at most 300 lines, a function at most 40 besides its docstring."""
    text = file.read_text()
    assert len(text.splitlines()) <= MODULE_LINES_MAX
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            documented = ast.get_docstring(node) is not None
            first = node.body[1] if documented and len(node.body) > 1 else node.body[0]
            lines = (node.end_lineno or 0) - first.lineno + 1
            assert lines <= FUNCTION_LINES_MAX, f"{node.name} has {lines} lines"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_modules_say_what_they_are_for(file: Path) -> None:
    """Every module opens with what it is responsible for."""
    assert ast.get_docstring(ast.parse(file.read_text()))


@pytest.mark.parametrize(
    "file",
    sorted((ROOT / "tests").rglob("test_*.py")),
    ids=lambda file: str(file.relative_to(ROOT)),
)
def test_tests_state_their_property(file: Path) -> None:
    """Every test has a docstring that says what holds."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            assert ast.get_docstring(node), f"{file.name}: {node.name}"
