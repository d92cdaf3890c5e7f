"""The tests of the tests: each mistake that is made on purpose is found, and nothing without it."""

from pathlib import Path

import pytest

from inventory.settings import Settings
from tests.faults.defects import Defect, Ground
from tests.faults.seeded import DEFECTS, table
from tests.faults.world import Clients

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"


@pytest.fixture(name="ground")
def _ground(settings: Settings, clients: Clients, tmp_path: Path) -> Ground:
    return Ground(settings, clients, tmp_path)


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda one: one.name.replace(" ", "-"))
def test_a_defect_is_caught(ground: Ground, defect: Defect) -> None:
    """With the mistake something is found to be wrong; the same attempt finds nothing without."""
    with defect.patch():
        caught = next(
            filter(lambda one: one() is not None, defect.caught_by.attempts(ground)), None
        )
    assert caught is not None
    assert caught() is None


def test_the_page_lists_the_defects() -> None:
    """The table of the page is the one that the list makes, and no defect is in it twice."""
    assert len({defect.name for defect in DEFECTS}) == len(DEFECTS)
    assert f"\n{table()}\n" in PAGE.read_text()
