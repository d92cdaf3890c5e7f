"""The fault runner: every fault once against the real service."""

from pathlib import Path

import pytest

from loadtests.chaos import run
from loadtests.chaos.plan import faults_of
from loadtests.chaos.stack import TOPOLOGIES

SEED = 7
# What else there is, strikes a single mongod as well.
PRIMARY_FAULTS = "the primary is killed, the primary freezes, the primary steps down"

# Some faults may not cost a single failed request, which a neighbour could.
pytestmark = [pytest.mark.timeout(400), pytest.mark.alone]


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_every_fault_once(topology: str, tmp_path: Path) -> None:
    """Nothing is oversold, lost, doubled or unexplained, whatever dies meanwhile."""
    lines: list[str] = []
    only = None if topology == "one" else PRIMARY_FAULTS
    steps = len(faults_of(topology, only))
    plan = run.Plan(SEED, topology, minutes=0, only=only, steps=steps, brief=True)
    assert run.run(plan, tmp_path, lines.append), "\n".join(lines)
