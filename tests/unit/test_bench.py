"""The parts of the benchmark that only compute: order, ratios, targets, tables, schedules."""

from dataclasses import asdict, replace

import pytest

from loadtests.bench import counters, openloop, plan, report, shelves, wrk
from loadtests.bench.ratios import Turn, ratios_of
from loadtests.bench.singles import Alone, Overloaded, Processes, Singles, Steady
from loadtests.bench.targets import Measured, Target, targets_of

OURS, PLAIN = "ours purchase", "plain purchase"


def turn(variant: str, number: int, rate: float, app_us: float) -> Turn:
    cpu = {"app": app_us, "mongod": 100, "valkey": 0}
    return Turn(variant, number, 100, rate, 10, 20, cpu, 50, 0.1, 0.25, 6.0, 80.0, None)


# Not in the order of rounds, as turns are not.
TURNS = [
    *(turn(PLAIN, 0, 100, 1000), turn(OURS, 0, 300, 500)),
    *(turn(OURS, 1, 200, 250), turn(PLAIN, 1, 50, 1000)),
    *(turn(PLAIN, 2, 100, 2000), turn(OURS, 2, 200, 1000)),
]
PROCESSES = Processes((90.0, 121.0), {"Zipf": 130.0}, 100_000, 20, 40, 64, 64)


def test_every_variant_has_one_turn_a_round() -> None:
    """Rounds are complete, and each begins with another variant."""
    turns = list(plan.Plan(4, 1, 1, plan.VARIANTS).turns())
    for number in range(4):
        in_turn = [variant for of, variant in turns if of == number]
        assert in_turn[0] == plan.VARIANTS[number]
        assert sorted(v.name for v in in_turn) == sorted(v.name for v in plan.VARIANTS)


def test_variants_are_chosen_by_their_names() -> None:
    """A part of them keeps the usual order; a slip of the finger is answered with what there is."""
    assert [v.name for v in plan.chosen(" ours purchase, plain purchase ")] == [PLAIN, OURS]
    with pytest.raises(plan.PlanError, match=r"ours purchse.*ours purchase"):
        plan.chosen("ours purchse")


def test_every_pair_is_measured() -> None:
    """What is divided has a variant of that name."""
    names = {variant.name for variant in plan.VARIANTS}
    assert {name for pair in plan.PAIRS for name in pair} <= names


def test_ratios_are_taken_round_by_round() -> None:
    """A round in which the machine was slow for all is no reason to call one of them faster."""
    ratios = ratios_of(TURNS)
    assert set(ratios) == {(OURS, PLAIN)}
    rate = ratios[OURS, PLAIN]["rate"]
    assert (rate.median, rate.least, rate.most) == (3.0, 2.0, 4.0)
    assert str(ratios[OURS, PLAIN]["app CPU"]) == "0.50 (0.25-0.50)"


@pytest.mark.parametrize(
    "at_least, measured, met",
    [(True, 3.0, True), (True, 2.9, False), (False, 3.0, True), (False, 3.1, False)],
)
def test_a_target_is_met_at_its_bound(at_least: bool, measured: float, met: bool) -> None:
    """The bound itself is good enough, and the direction counts."""
    assert Target("", at_least, 3.0, "x", measured).met is met


def test_what_was_not_measured_meets_no_target() -> None:
    """Of a part of the variants some targets are judged; of the others nothing is claimed."""
    found = {target.what: target for target in targets_of(Measured(TURNS, None, PROCESSES))}
    assert found["purchases of one product, of plain"].met is True
    assert found["write conflicts a purchase"].met is False
    assert found["memory of a worker after 100,000 requests"].met is False
    assert found["purchases of one product, of bare"].met is None
    assert found["workers killed"].met is None


def test_the_load_of_one_run_is_judged() -> None:
    """One client pays for plain and an insert; where nobody was refused, no refusal was good."""
    over = Overloaded(2000, 180, 50, 0.0, None, 0, 3, 100, 0, 90)
    crowded = replace(over, goodput=90, refused_p99_ms=51)
    singles = Singles(Alone(10, 12, 1), Steady(700, 1, 2, 0, 90), over, crowded, 0.9, None)
    turns = [*TURNS, *(turn("nginx purchase", number, 180, 300) for number in range(3))]
    found = {target.what: target for target in targets_of(Measured(turns, singles, PROCESSES))}
    assert found["one client alone, of 1.1 x plain + one insert"].measured == 1.0
    assert found["2xx at twice the load, of the peak"].measured == 0.9
    assert found["2xx at twice the load through nginx, of the peak"].measured == 0.5
    assert found["p99 of a refusal through nginx"].met is False
    assert found["requests with an unknown outcome"].met is False
    assert found["hits, Zipf over 10,000 products"].met is False
    for unjudged in ("hits of a product that sells", "refusals without Retry-After"):
        assert found[unjudged].met is None


def test_memory_is_judged_after_enough_requests_only() -> None:
    """A worker that has done little has not had the time to grow."""
    few = Measured(TURNS, None, replace(PROCESSES, requests_a_worker=99_999))
    assert targets_of(few)[-1].met is None


def test_results_are_shown_with_their_spread() -> None:
    """A variant's row has the median, the least and the most; a target its verdict."""
    lines = report.markdown(Measured(TURNS, None, PROCESSES), {"commit": "abc"}).splitlines()
    assert any(line.startswith("| plain purchase | 100 (50-100) | 10.0 | 20.0 |") for line in lines)
    assert any(
        line.startswith("| ours purchase / plain purchase | 3.00 (2.00-4.00)") for line in lines
    )
    assert "| purchases of one product, of plain | >= 3 x | 3 x | met |" in lines


def test_only_what_stands_between_the_markers_is_replaced() -> None:
    """What people wrote around the results stays; a page without a place for them is refused."""
    page = f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n"
    replaced = report.between_markers(page, "new")
    assert replaced == f"before\n{report.BEGIN}\n\nnew\n\n{report.END}\nafter\n"
    assert report.between_markers(replaced, "new") == replaced
    with pytest.raises(report.PageError):
        report.between_markers("before", "new")


PRINTED = (
    "Running 2s test @ http://127.0.0.1\n  Requests/sec: 50\n"
    '{"requests": 100, "duration_us": 2000000, "p50_us": 1500, "p99_us": 9000, "refused": 1, '
    '"broken": 2, "hit": 30, "miss": 8, "bypass": 2, "created": 60}\n'
)


def test_the_last_line_of_wrk_is_its_result() -> None:
    """Times come in microseconds; whatever wrk prints before is for people."""
    outcome = wrk.parse(PRINTED, "", 0.25)
    assert (outcome.rate, outcome.p50_ms, outcome.p99_ms) == (50.0, 1.5, 9.0)
    assert (outcome.refused, outcome.broken, outcome.own_cpu_seconds) == (1, 2, 0.25)
    assert outcome.hit_ratio == 0.75
    assert replace(outcome, hit=0, miss=0, bypass=0).hit_ratio is None


@pytest.mark.parametrize("printed", ["", "unable to connect", "{}", "[]", "1"])
def test_wrk_without_a_result_has_failed(printed: str) -> None:
    """Whatever it printed instead is what it is said to have died of."""
    with pytest.raises(wrk.WrkError, match="connection refused"):
        wrk.parse(printed, "connection refused", 0.0)


def test_the_schedule_depends_on_nothing_but_its_seed() -> None:
    """There is one request in each interval, at a random point of it, and the same once more."""
    times = openloop.schedule(50.0, 4, seed=1)
    assert [int(at * 50) for at in times] == list(range(200))
    assert times == openloop.schedule(50.0, 4, seed=1) != openloop.schedule(50.0, 4, seed=2)


def test_goodput_and_latency_are_those_of_sales() -> None:
    """Refusals come fast; they must not make the sales look fast."""
    latencies = {201: [10.0, 30.0], 200: [20.0], 503: [1.0, 3.0], 429: [2.0], 404: [9.0]}
    answers = openloop.Answers(7, latencies, 3.0, 0, 0, 1, 0.0)
    assert (answers.succeeded, answers.latency(0.5), answers.latency(1.0)) == (3, 20.0, 30.0)
    assert answers.refused == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("gone, right", [(9, False), (10, True), (12, True), (13, False)])
def test_what_is_gone_was_sold_or_never_heard_of(gone: int, right: bool) -> None:
    """Stock shows every acknowledged sale, and none that was not even sent."""
    shelf = shelves.Shelf(["a", "b"], sold=10, unheard=2)
    assert (shelf.problem(2 * shelves.STOCK - gone) is None) is right


def test_groups_are_read_from_what_prometheus_reads() -> None:
    """The mean is over the groups since the look before; other numbers are none of ours."""
    exposition = (
        'inventory_group_operations_bucket{le="1.0"} 1.0\n'
        "inventory_group_operations_count 4.0\ninventory_group_operations_sum 30.0\n"
        "inventory_group_granted_operations_sum 7.0\n"
    )
    groups = counters.parse_groups(exposition)
    assert asdict(groups) == {"groups": 4.0, "changes": 30.0}
    assert groups.mean_since(counters.Groups(2.0, 10.0)) == 10.0
    assert groups.mean_since(groups) is None
    assert counters.parse_groups("") == counters.Groups(0.0, 0.0)
