"""One list of metrics for all: what `/metrics` tells, what is documented, judged and drawn."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml

from inventory.telemetry.described import BY_NAME, DESCRIBED
from inventory.telemetry.metrics import Metrics

ROOT = Path(__file__).parents[2]
OBSERVABILITY = ROOT / "deploy" / "observability"
GUIDE = (ROOT / "docs" / "operations.md").read_text()
GROUPS: list[dict[str, Any]] = yaml.safe_load((OBSERVABILITY / "alerts.yml").read_text())["groups"]
RULES: list[dict[str, Any]] = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
RECORDED = {rule["record"] for rule in RULES if "record" in rule}
CASES: list[dict[str, Any]] = yaml.safe_load((OBSERVABILITY / "alerts.test.yml").read_text())[
    "tests"
]
BOARD: dict[str, Any] = json.loads(
    (OBSERVABILITY / "grafana" / "dashboards" / "inventory.json").read_text()
)
PANELS: list[dict[str, Any]] = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
# What Prometheus makes itself, and with which labels.
OF_PROMETHEUS = {"up": {"job", "instance"}, "ALERTS": {"alertname", "alertstate"}}
TARGET = {"job", "instance"}
PARTS = {"histogram": ("_bucket", "_sum", "_count")}


@dataclass(frozen=True)
class Query:
    """An expression of a rule or a panel, and where it stands."""

    place: str
    text: str

    @property
    def tree(self) -> promql.Expr:
        """Return the expression as Prometheus reads it; Grafana fills in the interval."""
        return promql.parse(self.text.replace("$__rate_interval", "1m"))

    def nodes(self) -> Iterator[Any]:
        """Yield all parts of the expression."""
        found: list[Any] = []
        promql.walk(self.tree, found.append)
        yield from found

    def selectors(self) -> Iterator[Any]:
        """Yield what it selects."""
        for node in self.nodes():
            if isinstance(node, promql.VectorSelector):
                yield node
            elif isinstance(node, promql.MatrixSelector):
                yield node.vector_selector


QUERIES = [Query(str(rule.get("alert", rule.get("record"))), rule["expr"]) for rule in RULES] + [
    Query(panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]
]


def exposed() -> dict[str, set[str]]:
    """Return the names of all series, with the labels that they can have."""
    known = dict(OF_PROMETHEUS) | {name: set() for name in RECORDED}
    for told in DESCRIBED:
        for part in PARTS.get(told.kind, ("",)):
            bounds = {"le"} if part == "_bucket" else set()
            known[told.name + part] = {*told.labels, *bounds, *TARGET}
    return known


def by_name(query: Query) -> set[str]:
    """Return the names of the series that a query selects."""
    return {selector.name for selector in query.selectors()}


def test_everything_in_the_list_is_told_and_nothing_else() -> None:
    """`/metrics` names each metric of the list with its type, even before it has a number."""
    told = re.findall(r"^# TYPE (\S+) (\S+)$", Metrics().exposition().decode(), re.MULTILINE)
    assert told == [(one.name, one.kind) for one in DESCRIBED]


def test_the_guide_lists_every_metric() -> None:
    """Name, type and labels in docs/operations.md are those that `/metrics` tells."""
    rows = re.findall(r"^\| `(inventory_\w+)` \| (.*?) \| (.*?) \| \S.* \|$", GUIDE, re.MULTILINE)
    assert rows == [
        (
            one.name,
            one.kind + (", shared" if one.shared else ""),
            ", ".join(f"`{label}`" for label in one.labels) or "none",
        )
        for one in DESCRIBED
    ]


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.place)
def test_rules_and_board_go_by_what_is_told(query: Query) -> None:
    """Each name that a query selects is told, with every label by which it chooses or groups."""
    known = exposed()
    grouping = {
        label
        for node in query.nodes()
        if isinstance(node, promql.AggregateExpr) and node.modifier is not None
        for label in node.modifier.labels
    }
    available: set[str] = set()
    for selector in query.selectors():
        assert selector.name in known
        chosen = {matcher.name for matcher in selector.matchers.matchers}
        assert chosen <= known[selector.name]
        available |= known[selector.name]
    assert grouping <= available


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.place)
def test_what_all_instances_tell_alike_is_not_added_up(query: Query) -> None:
    """Of numbers from the database the greatest is taken before anything is summed."""
    for node in query.nodes():
        if isinstance(node, promql.AggregateExpr) and str(node.op) == "sum":
            inner = Query(query.place, str(node.expr))
            if not any(isinstance(one, promql.AggregateExpr) for one in inner.nodes()):
                assert not any(
                    BY_NAME[name].shared for name in by_name(inner) if name in BY_NAME
                ), query.text


def test_everything_that_is_told_is_looked_at() -> None:
    """Each metric has its place on the board or in an alert."""
    used = set().union(*map(by_name, QUERIES))
    unused = [
        one.name
        for one in DESCRIBED
        if not used & {one.name + part for part in PARTS.get(one.kind, ("",))}
    ]
    assert unused == []


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_says_what_to_do(name: str) -> None:
    """An alert has a severity, says what is wrong and what to do, and the guide says the same."""
    alert = ALERTS[name]
    assert alert["labels"]["severity"] in ("critical", "warning", "info")
    assert all(alert["annotations"][part] for part in ("summary", "description", "action"))
    row = f"| `{name}` | {alert['labels']['severity']} | "
    (line,) = [line for line in GUIDE.splitlines() if line.startswith(row)]
    assert line.endswith(f" | {' '.join(alert['annotations']['action'].split())} |")


def test_every_alert_is_tried() -> None:
    """`make lint` tries for each alert that it fires, and tries cases in which none does."""
    fired = {
        name
        for case in CASES
        for told in case["promql_expr_test"]
        for sample in told["exp_samples"]
        for name in re.findall(r'alertname="(\w+)"', sample["labels"])
    }
    assert fired == set(ALERTS)
    quiet = [case for case in CASES if not case["promql_expr_test"][0]["exp_samples"]]
    assert len(quiet) >= len(ALERTS)


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_every_panel_can_be_understood(panel: dict[str, Any]) -> None:
    """A panel says what it shows and in which unit, and asks the one source that there is."""
    assert panel["title"]
    assert panel["description"]
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["targets"]
    assert panel["datasource"] == {"type": "prometheus", "uid": "prometheus"}


def test_the_panels_have_room() -> None:
    """No two panels of the board lie upon each other, and each has a number of its own."""
    taken = [
        (x, y)
        for panel in BOARD["panels"]
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
