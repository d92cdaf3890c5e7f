"""What a run on a replica set makes of its turns."""

from typing import Any

import pytest

from loadtests.replicas import BY_PRODUCT, SPREAD, Turn, markdown, problem_of

LOAD = {"answers": 10, "refused": 0, "broken": 0}


def test_a_turn_whose_books_agree_has_no_problem() -> None:
    """As many units gone as purchases acknowledged, and nothing found: all is well."""
    assert problem_of(SPREAD, LOAD, 10, []) is None


@pytest.mark.parametrize(
    "load, gone, findings",
    [
        (LOAD, 11, []),
        (LOAD, 9, []),
        (LOAD | {"refused": 1}, 10, []),
        (LOAD | {"broken": 1}, 10, []),
        (LOAD, 10, [{"code": "ledger_gap"}]),
    ],
)
def test_any_difference_is_a_problem(
    load: dict[str, Any], gone: int, findings: list[dict[str, str]]
) -> None:
    """A unit too many or too few, an answer that is no sale, and whatever the service finds."""
    assert problem_of(BY_PRODUCT, load, gone, findings) is not None


def test_figures_are_medians_and_ratios_of_rounds() -> None:
    """Rates, latencies and quotients are taken round by round, and the middle one is shown."""
    rounds = [(100.0, 200.0), (110.0, 330.0), (90.0, 90.0)]
    turns = [
        turn
        for spread, by_product in rounds
        for turn in (
            Turn(SPREAD, 1, spread, 100, 200, None),
            Turn(BY_PRODUCT, 1, by_product, 50, 100, None),
        )
    ]
    assert markdown(turns).splitlines()[2:] == [
        "| spread | 100 (90-110) | 100 | 200 |",
        "| by product | 200 (90-330) | 50 | 100 |",
        "| by product / spread | 2.00 (1.00-3.00) | 0.50 (0.50-0.50) | 0.50 (0.50-0.50) |",
    ]
