"""The recipes and the tour do what they say: their commands are run as a reader would run them."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from inventory.domain.keys import Scope
from inventory.services.keys import Keyring

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1:8000"
RECIPES = [
    file
    for file in sorted((ROOT / "docs/how-to").glob("*.md"))
    if f"API=http://{HOST}" in file.read_text()
]
BLOCK = re.compile(r"^```(sh|json|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "--- block"
DIFFERS = "…"


class Quiet(WSGIRequestHandler):
    """A handler that tells nobody."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve an app over HTTP; yields its host and port."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def run(script: str, host: str, key: str = "") -> str:
    """Run commands as a reader would, who stops when one of them fails."""
    done = subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", script.replace(HOST, host)],
        env={"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "INVENTORY_API_KEY": key},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def assert_says(expected: Any, found: Any) -> None:
    """Assert that an answer says what a recipe shows of it; it may say more."""
    if expected == DIFFERS:
        assert found not in (None, "")
    elif isinstance(expected, dict):
        for name, value in expected.items():
            assert_says(value, found[name])
    elif isinstance(expected, list) and expected:
        for one, other in zip(expected, found, strict=True):
            assert_says(one, other)
    else:
        assert found == expected


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda file: file.stem)
def test_a_recipe_does_what_it_shows(recipe: Path, guarded_app: Flask, keyring: Keyring) -> None:
    """Each answer that a recipe shows is what its commands, pasted in order, are answered."""
    steps = BLOCK.findall(recipe.read_text())
    script = "".join(f"{text}echo; echo '{MARK}'\n" for kind, text in steps if kind == "sh")
    _, key = keyring.issue("reader", [Scope.ADMIN], publishable=False, expires_at=None)
    with served(guarded_app) as host:
        outputs = iter(run(script, host, key).split(f"{MARK}\n"))
    shown = 0
    for kind, text in steps:
        if kind == "sh":
            said = next(outputs).strip().rpartition("\n")[2].strip()
            continue
        shown += 1
        if kind == "json":
            assert_says(json.loads(text), json.loads(said))
        else:
            assert said == text.strip()
    assert shown


def test_the_tour_works(app: Flask, keyring: Keyring) -> None:
    """The tour of the README runs to its end, and nothing is refused but what it says."""
    del keyring  # empties the stores
    readme = (ROOT / "README.md").read_text()
    _, _, tour = readme.partition("## A tour")
    (_, script), *_ = BLOCK.findall(tour)
    with served(app) as host:
        said = run(script, host)
    assert re.findall(r'"code":"(\w+)"', said) == ["insufficient_stock"]
    assert '"ok":true' in said
    assert "Idempotent-Replayed: true" in said
