"""What only computes in the tests of growth and in the soak: order, ratios, slopes, targets."""

from collections import Counter
from dataclasses import replace
from itertools import groupby, islice

import pytest

from loadtests.growth import figures as growth
from loadtests.growth.figures import Kind, Turn
from loadtests.soak import figures as soak
from loadtests.soak import load
from loadtests.soak.figures import Bounds, Held, Sample

SMALL, LARGE = 1_000, 50_000


def turn(kind: Kind, size: int, number: int, app_us: float, mongod_us: float = 100) -> Turn:
    cpu = {"app": app_us, "mongod": mongod_us, "valkey": 900}
    return Turn(kind, size, number, 100, 500.0, 2.0, 5.0, cpu, 50, 0.0, 0.25, 0, 0)


def turns(large_us: float) -> list[Turn]:
    """Return two rounds, the second of which was slow for all."""
    return [
        turn(kind, size, number, (large_us if size == LARGE else 100) * slow, 100 * slow)
        for number, slow in ((1, 5), (0, 1))
        for kind in Kind
        for size in (LARGE, SMALL)
    ]


def sample(minute: int, megabytes: float, **changes: object) -> Sample:
    held = Held(50.0, 30)
    workers = {7: Held(megabytes, 30), 8: held}
    found = Sample(
        *(minute * 60.0, minute * 10_000, 160.0, 1.0, 2.0, 0, 0, workers, held, held),
        *(20, 10, 4_000, 9_000),
    )
    return replace(found, **changes)  # type: ignore[arg-type]  # named by the test


def test_what_is_compared_has_its_turns_together() -> None:
    """Nothing is left out; of a row of kinds all sizes come before anything else."""
    taken = list(growth.order(2, [SMALL, LARGE]))
    assert Counter(taken) == {(n, k, s): 1 for n in (0, 1) for k in Kind for s in (SMALL, LARGE)}
    rows = [next(row for row in growth.TOGETHER if kind in row) for _, kind, _ in taken]
    for row, together in groupby(rows):
        assert len(list(together)) == 2 * len(row)


def test_a_request_that_failed_is_shown() -> None:
    """A refusal costs less than what it refuses, so how many there were stands beside the cost."""
    failing = [replace(one, refused=2, broken=1) for one in turns(100)]
    row = next(line for line in growth.markdown(failing, {}).splitlines() if "| read |" in line)
    assert row.endswith("| 25% | 6 | 50 | 0% |")


@pytest.mark.parametrize("large_us, met", [(140, True), (141, False)])
def test_growth_is_what_service_and_database_cost_together(large_us: float, met: bool) -> None:
    """The bound of a purchase is 1.2; a round that was slow for all changes no ratio."""
    found = growth.targets_of(turns(large_us))
    assert [target.met for target in found if "purchase" in target.what] == [met, met]
    assert all(target.met for target in found if "page" in target.what)


def test_one_size_says_nothing_about_growth() -> None:
    """Without a second size only a deep page can be compared, with the first one."""
    found = growth.targets_of([one for one in turns(100) if one.size == SMALL])
    assert [target.met for target in found] == [None, None, None, None, True]


def test_a_size_is_shown_beside_its_ratio() -> None:
    """Both tables name the kind and the number of products."""
    lines = growth.markdown(turns(300), {"commit": "abc"}).splitlines()
    assert any(line.startswith("| read | 50,000 | 500 (500-500) | 2.0 | 5.0 |") for line in lines)
    row = next(line for line in lines if line.startswith("| read | 50,000 | 1.00"))
    assert row.endswith("| 3.00 (3.00-3.00) | 1.00 (1.00-1.00) | 2.00 (2.00-2.00) |")


def test_the_slope_is_that_of_the_second_half() -> None:
    """Caches fill in the first; two megabytes in ten minutes are twelve an hour."""
    samples = [sample(minute, 80 + max(0, minute - 20) * 0.2) for minute in range(41)]
    late = soak.second_half(samples)
    assert late[0].seconds == 20 * 60.0
    assert soak.slopes(late) == pytest.approx({7: 12.0, 8: 0.0})
    found = {target.what: target.met for target in soak.targets_of(samples, Bounds(20, 9))}
    assert found == {
        "memory of a worker after 100,000 requests": True,
        "growth of a worker, second half": False,
        "connections to mongod": True,
        "connections to Valkey": False,
        "workers replaced": True,
    }


def test_a_short_run_judges_no_growth() -> None:
    """Memory after few requests and a slope over some minutes are not claimed to be good."""
    samples = [sample(minute, 200) for minute in range(4)]
    found = [target.met for target in soak.targets_of(samples, Bounds(20, 10))]
    assert found == [None, None, True, True, True]
    assert soak.slopes(samples[:1]) == {}


def test_a_worker_that_was_replaced_is_told_of() -> None:
    """Its successor starts small, so it has no part in the slope."""
    samples = [sample(0, 90), sample(1, 90), sample(2, 90, workers={8: Held(50.0, 30)})]
    samples.append(sample(3, 90, workers={8: Held(50.0, 30), 9: Held(40.0, 30)}))
    assert list(soak.slopes(samples)) == [8]
    assert soak.targets_of(samples, Bounds(20, 10))[-1].met is False


def test_shoppers_mostly_look() -> None:
    """One request in twenty buys, half of those with a key; the first product is the favourite."""
    asked = list(islice(load.requests("shop", 80, ["a", "b", "c"], 1), 4_000))
    bought = [one for one in asked if b"/purchase " in one]
    assert 150 < len(bought) < 250
    assert 0.4 < sum(b"Idempotency-Key: " in one for one in bought) / len(bought) < 0.6
    assert any(b"/api/reservations " in one for one in asked)
    reads = Counter(one.split()[1] for one in asked if one.startswith(b"GET "))
    assert [path for path, _ in reads.most_common()] == [
        b"/api/products/a",
        b"/api/products/b",
        b"/api/products/c",
    ]
