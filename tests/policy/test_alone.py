"""What is marked `alone` runs when all else is over, also where two processes share the tests."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.alone import MARK

ROOT = Path(__file__).parents[2]
CONFIGURATION = "[pytest]\nmarkers =\n    alone: beside no other\n"
TEST = """
import json, os, time
from pathlib import Path
import pytest

@pytest.mark.parametrize("number", range({count}))
{mark}
def test_it(number):
    began = time.monotonic()
    time.sleep(0.05)
    told = {{"process": os.getpid(), "began": began, "ended": time.monotonic()}}
    Path(f"{name}-{{number}}.json").write_text(json.dumps(told))
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """One test that has run."""

    process: int
    began: float
    ended: float


def write(directory: Path, name: str, count: int, mark: str = "") -> None:
    """Write a module of so many tests that tell when they ran."""
    (directory / f"test_{name}.py").write_text(TEST.format(name=name, count=count, mark=mark))


def run(directory: Path, *arguments: str) -> str:
    """Run the tests of a directory in two processes, and return what they printed."""
    (directory / "pytest.ini").write_text(CONFIGURATION)
    options = ("-p", "no:randomly", "-p", "tests.alone", "-n", "2")
    command = [sys.executable, "-m", "pytest", *options, *arguments]
    environ = {"PYTHONPATH": str(ROOT), "PATH": ""}
    ended = subprocess.run(
        command, cwd=directory, env=environ, capture_output=True, text=True, check=False
    )
    return ended.stdout + ended.stderr


def told_by(directory: Path, name: str) -> list[Ran]:
    """Return when and where the tests of a module ran."""
    return [Ran(**json.loads(file.read_text())) for file in directory.glob(f"{name}-*.json")]


@pytest.mark.parametrize("others", [1, 2, 5])
def test_who_is_marked_runs_after_all_others(tmp_path: Path, others: int) -> None:
    """Nothing runs beside a marked test; the others share the processes, each module in one."""
    write(tmp_path, "a_marked", 3, f"@{MARK}")
    write(tmp_path, "b_marked", 1, f"@{MARK}")
    names = [f"other_{number}" for number in range(others)]
    for name in names:
        write(tmp_path, name, 4)
    assert f"{4 + others * 4} passed" in run(tmp_path)
    marked = told_by(tmp_path, "a_marked") + told_by(tmp_path, "b_marked")
    shared = [told_by(tmp_path, name) for name in names]
    assert len(marked) == 4
    assert len({one.process for one in marked}) == 1
    assert max(one.ended for other in shared for one in other) <= min(one.began for one in marked)
    assert all(len({one.process for one in other}) == 1 for other in shared)
    assert len({one.process for other in shared for one in other}) == min(2, others)
