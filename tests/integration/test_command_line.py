"""What holds for all commands: JSON for programs, exit codes, completion, and a name of its own."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner, Result

from inventory import __version__, cli
from inventory.cli.output import leaves
from inventory.domain.reservations import State
from inventory.serving import PROJECT
from inventory.settings import Settings
from tests.integration.bookkeeping import Store, build
from tests.integration.conftest import Process

SCRIPT = PROJECT / "bin" / "inventory"
NOWHERE = "mongodb://127.0.0.1:1/?replicaSet=rs0"
Command = Callable[..., Result]


@pytest.fixture(name="settings")
def _settings(quiet_settings: Settings) -> Settings:
    return quiet_settings


@pytest.fixture(name="command")
def _command(settings: Settings) -> Iterator[Command]:
    """The command line on an empty database, in this process."""
    before = structlog.get_config()
    environ = {
        "MONGO_URL": settings.mongo_url,
        "REDIS_URL": settings.redis_url,
        "INVENTORY_MONGO_DATABASE": settings.mongo_database,
    }

    def run(*arguments: str, **more: str) -> Result:
        return CliRunner().invoke(cli.main, arguments, env={**environ, **more})

    yield run
    structlog.configure(**before)


@pytest.fixture(name="store")
def _store(process: Process) -> Store:
    store = build(process)
    # However long a command takes to start, what waits in a tail is not left behind yet.
    later = {"$set": {"tail_since": datetime.now(UTC) + timedelta(hours=1)}}
    store.collection("stock").update_many({"tail_since": {"$exists": True}}, later)
    return store


def documents(result: Result, exit_code: int = 0) -> list[dict[str, Any]]:
    """Return what a command said to a program, which hears nothing else."""
    assert (result.exit_code, result.stderr) == (exit_code, "")
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_books_in_json(store: Store, command: Command) -> None:
    """What is wrong, what would be done about it, and what was done, are documents."""
    store.add("stock", store.other, headroom=1)
    (found,) = documents(command("integrity", "--json"), 1)
    assert (found["ok"], found["problems_total"]) == (False, 1)
    assert found["problems"][0].keys() == {"code", "product_id", "detail"}
    (planned,) = documents(command("repair", "--json"), 1)
    assert (planned["applied"], planned["unsolved"]) == (False, [])
    (done,) = documents(command("repair", "--apply", "--json"))
    assert done["repairs"] == planned["repairs"] != []
    (right,) = documents(command("integrity", "--json"))
    assert (right["ok"], right["problems"]) == (True, [])


def test_keys_in_json(command: Command) -> None:
    """A program gets the key with all that is kept of it, and one line for each when it asks."""
    (made,) = documents(command("keys", "create", "a shop", "--scope", "stock:purchase", "--json"))
    assert made["key"].startswith("inv_sk_")
    documents(command("keys", "create", "another", "--scope", "admin", "--json"))
    listed = documents(command("keys", "list", "--json"))
    assert [key["client"] for key in listed] == ["another", "a shop"]
    assert not any("key" in key for key in listed)
    (revoked,) = documents(command("keys", "revoke", made["id"], "--json"))
    assert revoked["id"] == made["id"]
    assert revoked["revoked_at"]


@pytest.mark.parametrize(
    "arguments,environ,code,exit_code",
    [
        (("keys", "revoke", "0" * 23 + "1"), {}, "api_key_not_found", 1),
        (("keys", "create", "x", "--scope", "everything"), {}, "usage", 2),
        (("nonsense",), {}, "usage", 2),
        (("integrity",), {"INVENTORY_LOG_LEVEL": "loud"}, "bad_settings", 2),
        (("prepare", "--wait", "0"), {"MONGO_URL": NOWHERE}, "database_not_ready", 2),
        (("integrity",), {"MONGO_URL": "", "INVENTORY_LOCAL_DIR": "/nowhere"}, "local_run", 2),
        (("demo", "--url", "http://127.0.0.1:1"), {}, "service_unreachable", 2),
        (("benchmark", "--url", "nowhere"), {}, "service_unreachable", 2),
    ],
)
def test_errors_in_json(
    command: Command, arguments: tuple[str, ...], environ: dict[str, str], code: str, exit_code: int
) -> None:
    """Whatever goes wrong is one document beside the results, with a code; people get a sentence.

    The exit code tells a refusal from what could not be done, in either form.
    """
    for_programs = command(*arguments, "--json", **environ)
    document = json.loads(for_programs.stderr)
    assert (for_programs.stdout, for_programs.exit_code) == ("", exit_code)
    assert (document["code"], document["exit_code"]) == (code, exit_code)
    for_people = command(*arguments, **environ)
    assert (for_people.stdout, for_people.exit_code) == ("", exit_code)
    assert f"Error: {document['detail']}" in for_people.stderr


def test_every_command_takes_json() -> None:
    """Nobody has to remember which commands a program can read."""
    for leaf in leaves(cli.main):
        assert "--json" in {option for param in leaf.params for option in param.opts}
        assert leaf.help


@pytest.mark.parametrize(
    "arguments, unneeded",
    [
        (["--version"], ["pymongo", "redis", "flask"]),
        (["local", "--help"], ["redis", "flask"]),
        (["integrity", "--help"], ["redis", "flask"]),
    ],
)
def test_a_command_imports_what_it_needs(arguments: list[str], unneeded: list[str]) -> None:
    """Whoever starts something does not wait for what other commands need."""
    look = (
        "import sys; from inventory.cli import main; main(sys.argv[1:], standalone_mode=False); "
        "print(*sys.modules)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", look, *arguments], capture_output=True, text=True, check=True
    )
    loaded = set(ended.stdout.splitlines()[-1].split())
    assert "inventory.cli" in loaded
    assert loaded.isdisjoint(unneeded)


def test_expire_releases_what_has_run_out(store: Store, process: Process, command: Command) -> None:
    """Holds that have run out are released, once, and what they held can be had again."""
    ended = {"state": State.EXPIRED}
    before = store.collection("reservations").count_documents(ended)
    held = process.stock.get(store.plain)
    assert command("expire").stdout == "1 hold that had run out was released.\n"
    assert documents(command("expire", "--json")) == [{"released": 0}]
    assert store.collection("reservations").count_documents(ended) == before + 1
    free = process.stock.get(store.plain)
    assert held is not None
    assert free is not None
    assert (free.available, free.held) == (held.available + 3, held.held - 3)
    assert documents(command("integrity", "--json"))[0]["ok"]


def test_bash_completes() -> None:
    """A real bash, told so by `inventory completion bash`, completes commands, options, values."""
    bash = shutil.which("bash")
    assert bash is not None
    offered = {
        "inventory ke": "keys",
        "inventory repair --a": "--apply",
        "inventory keys create --scope stock:p": "stock:purchase",
    }
    script = """
        eval "$(inventory completion bash)"
        complete -p inventory >/dev/null
        for words in "$@"; do
            COMPREPLY=(); COMP_WORDS=($words); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            _inventory_completion inventory
            echo "${COMPREPLY[@]}"
        done
    """
    environ = {**os.environ, "PATH": f"{SCRIPT.parent}{os.pathsep}{os.environ['PATH']}"}
    ended = subprocess.run(
        [bash, "--norc", "-ec", script, "bash", *offered],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == list(offered.values())


def test_it_has_a_name_of_its_own(tmp_path: Path) -> None:
    """`inventory` runs from any directory and through a link, as where it is on the PATH."""
    link = tmp_path / "inventory"
    link.symlink_to(SCRIPT)
    said = subprocess.run(
        [link, "--version"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert said.stdout == f"inventory, version {__version__}\n"
