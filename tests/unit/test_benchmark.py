"""What the benchmark makes of what buyers were told."""

from collections import Counter

import pytest

from inventory.benchmark import Result, Tally


@pytest.mark.parametrize(
    "sold,unknown,taken,ledger_ok,right",
    [
        (5, 0, 5, True, True),
        (5, 0, 5, False, False),
        (5, 0, 6, True, False),
        (5, 0, 4, True, False),
        (5, 2, 7, True, True),
        (5, 2, 8, True, False),
    ],
)
def test_books_are_right_as_far_as_is_known(
    sold: int, unknown: int, taken: int, ledger_ok: bool, right: bool
) -> None:
    """What left the stock was sold to somebody; only who got no answer may or may not have it."""
    told = Tally(sold, Counter(no_answer=unknown, insufficient_stock=9))
    assert Result(1.0, told, taken, ledger_ok).books_ok == right


def test_latencies() -> None:
    """Half of the answers took no longer than p50; without answers there is nothing to say."""
    spans = [float(span) for span in range(1, 102)]
    result = Result(2.0, Tally(101, Counter(), spans), 101, True)
    assert (result.latency_ms(50), result.latency_ms(99), result.rate) == (51.0, 100.0, 50.5)
    assert Result(1.0, Tally(), 0, True).latency_ms(50) is None
