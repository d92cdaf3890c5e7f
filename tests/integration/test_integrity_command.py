"""`python -m inventory integrity` and `repair` from the outside: words and exit codes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from inventory.serving import PROJECT
from inventory.settings import Settings
from tests.integration.bookkeeping import ADJUSTMENT, Store, build
from tests.integration.conftest import Process

RIGHT, WRONG, NOT_CHECKED = 0, 1, 2
COMMANDS = (("integrity",), ("repair",))


@pytest.fixture(name="settings")
def _settings(quiet_settings: Settings) -> Settings:
    return quiet_settings


@pytest.fixture(name="store")
def _store(process: Process) -> Store:
    store = build(process)
    store.keep_tails()
    return store


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command line."""
    command = [sys.executable, "-m", "inventory", *arguments]
    everything = {**os.environ, **environ}
    return subprocess.run(
        command, cwd=PROJECT, env=everything, capture_output=True, text=True, check=False
    )


def on(settings: Settings, *arguments: str) -> tuple[int, list[str]]:
    """Run the command line on a database; return its exit code and its result."""
    ended = run(
        *arguments,
        MONGO_URL=settings.mongo_url,
        INVENTORY_MONGO_DATABASE=settings.mongo_database,
    )
    assert ended.stderr == "Checking the books\n"
    return ended.returncode, ended.stdout.splitlines()


def test_right_books(store: Store, settings: Settings) -> None:
    """Books that are right are said to be right, and there is nothing to repair."""
    assert on(settings, "integrity") == (RIGHT, ["The books of 5 products are right."])
    nothing = "5 products checked: 0 repairs done, 0 problems left for a person."
    assert on(settings, "repair", "--apply") == (RIGHT, [nothing])


def test_wrong_books(store: Store, settings: Settings) -> None:
    """Each problem is a line, and the exit code tells that there are some."""
    store.add("stock", store.other, headroom=1)
    store.delete("movements", store.row(ADJUSTMENT))
    code, said = on(settings, "integrity")
    assert code == WRONG
    assert {line.split("  ")[0] for line in said[:-1]} == {"headroom_differs", "version_gap"}
    assert any(f"  {store.other}  Headroom: " in line for line in said)
    assert said[-1] == "2 problems in the books of 5 products."


def test_repair_shows_and_then_does(store: Store, settings: Settings) -> None:
    """Nothing is changed before --apply; afterwards the books are right."""
    due = store.collection("stock").find_one({"headroom": {"$gt": 20}})
    assert due is not None
    store.set("stock", str(due["_id"]), headroom=7)
    spoiled = store.everything()
    step = f"{due['_id']}  set headroom to {due['headroom']}"
    assert on(settings, "repair") == (
        WRONG,
        [
            f"would  {step}",
            "5 products checked: 1 repair to be done (--apply does it), "
            "0 problems left for a person.",
        ],
    )
    assert store.everything() == spoiled
    assert on(settings, "repair", "--apply") == (
        RIGHT,
        [
            f"done  {step}",
            "5 products checked: 1 repair done, 0 problems left for a person.",
        ],
    )
    assert on(settings, "integrity")[0] == RIGHT


def test_what_cannot_be_repaired(store: Store, settings: Settings) -> None:
    """What needs a person is named, and stays an error after the repair."""
    store.delete("movements", store.row(ADJUSTMENT))
    code, (line, last) = on(settings, "repair", "--apply")
    assert code == WRONG
    assert line.startswith(f"needs a person  version_gap  {store.plain}  ")
    assert last.endswith("1 problem left for a person.")


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_where_nothing_runs(tmp_path: Path, command: tuple[str, ...]) -> None:
    """Without a run and without a database one sentence says what to do; that is no verdict."""
    ended = run(*command, INVENTORY_LOCAL_DIR=str(tmp_path))
    assert ended.returncode == NOT_CHECKED
    assert ended.stderr == (
        f"Error: No run is going on with its data in {tmp_path}. Start one with `make run`, name "
        "its directory with INVENTORY_LOCAL_DIR, or name a database with MONGO_URL.\n"
    )


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_where_the_database_is_away(command: tuple[str, ...]) -> None:
    """A database that does not answer is no verdict either."""
    ended = run(*command, MONGO_URL="mongodb://127.0.0.1:1/?replicaSet=rs0")
    assert ended.returncode == NOT_CHECKED
    assert ended.stderr.startswith("Error: The database did not answer in time.")
