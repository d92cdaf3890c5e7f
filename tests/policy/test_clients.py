"""The client for Python is a package of its own: it can be installed without the service."""

import ast
import sys
import tomllib
from pathlib import Path

CLIENT = Path(__file__).parents[2] / "clients/python"
LIBRARIES = {"urllib3": "transport.py"}


def test_the_client_knows_nothing_but_its_one_requirement() -> None:
    """It imports the standard library and itself; `transport` alone imports what it requires."""
    requirements = tomllib.loads((CLIENT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert [requirement.partition(">")[0] for requirement in requirements] == list(LIBRARIES)
    known = sys.stdlib_module_names | {"inventory_client"}
    for file in sorted((CLIENT / "inventory_client").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0
                names = [node.module or ""]
            others = {name.partition(".")[0] for name in names} - known
            assert all(LIBRARIES[name] == file.name for name in others), file
