"""What `/metrics` counts: each number moves when its thing happens, and only then."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from inventory import __version__, limits
from inventory.api.problems import codes
from inventory.app import close_app, create_app
from inventory.errors import StorageUnavailable
from inventory.settings import Settings
from inventory.telemetry.described import DESCRIBED
from inventory.telemetry.exposition import Values
from inventory.telemetry.metrics import Metrics
from tests.api.conftest import Create
from tests.api.support import Books

Numbers = dict[str, float]


def spelled(name: str, labels: dict[str, str]) -> str:
    """Return a series as Prometheus spells it, its labels in order."""
    told = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
    return f"{name}{{{told}}}" if told else name


def numbers(text: str) -> Numbers:
    """Return every number of an exposition by its series."""
    return {
        spelled(sample.name, sample.labels): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@dataclass
class Watch:
    """What moved while something was done."""

    client: FlaskClient
    moved: Numbers

    def read(self) -> Numbers:
        """Return all numbers as they are now."""
        response = self.client.get("/metrics")
        assert response.status_code == 200
        return numbers(response.text)


@pytest.fixture(name="_patience", autouse=True)
def _time_for_scrapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a machine that is busy with other tests have time for every number."""
    monkeypatch.setattr(limits, "SCRAPE_SECONDS", 60.0)
    monkeypatch.setattr(limits, "SCRAPE_QUERY_SECONDS", 30.0)


@pytest.fixture(name="watch")
def _watch(client: FlaskClient) -> Callable[[], Any]:
    @contextmanager
    def watching() -> Iterator[Watch]:
        watch = Watch(client, {})
        before = watch.read()
        yield watch
        after = watch.read()
        watch.moved |= {
            name: value - before.get(name, 0.0)
            for name, value in after.items()
            if value != before.get(name, 0.0)
        }

    return watching


def of_requests(route: str, method: str, status: int) -> str:
    """Return the series that counts requests of a kind."""
    labels = {"route": route, "method": method, "status": str(status)}
    return spelled("inventory_requests_total", labels)


def refusals(code: str) -> str:
    """Return the series that counts refusals with a code."""
    return spelled("inventory_refusals_total", {"code": code})


@pytest.mark.parametrize(
    "method, path, series",
    [
        ("GET", "/api/products/0123456789abcdef01234567", "/api/products/{product_id} GET 404"),
        ("GET", "/api/products?limit=1", "/api/products GET 200"),
        ("GET", "/api/products?limit=0", "/api/products GET 422"),
        ("HEAD", "/healthz", "/healthz HEAD 200"),
        ("GET", "/api/nothing-here", "none GET 404"),
        ("DELETE", "/api/products", "none DELETE 405"),
        ("BREW", "/api/products", "none other 405"),
    ],
)
def test_requests_count_by_route_and_never_by_path(
    watch: Callable[[], Any], method: str, path: str, series: str
) -> None:
    """A request counts once, under the template of its route; clients cannot make up labels."""
    route, told_method, status = series.split()
    with watch() as watched:
        watched.client.open(path, method=method)
    assert watched.moved[of_requests(route, told_method, int(status))] == 1
    assert watched.moved[spelled("inventory_request_seconds_count", {"route": route})] == 1
    text = watched.client.get("/metrics").text
    assert "nothing-here" not in text
    assert "BREW" not in text
    assert "0123456789abcdef01234567" not in text


def buy_one(client: FlaskClient, product: str) -> None:
    """Buy three units of a product."""
    client.post(f"/api/products/{product}/purchase", json={"quantity": 3})


def buy_too_many(client: FlaskClient, product: str) -> None:
    """Want more than there is."""
    client.post(f"/api/products/{product}/purchase", json={"quantity": 6})


def buy_twice_with_one_key(client: FlaskClient, product: str) -> None:
    """Buy, and ask for the answer again."""
    for _ in range(2):
        client.post(
            f"/api/products/{product}/purchase",
            json={"quantity": 1},
            headers={"Idempotency-Key": "metrics"},
        )


def buy_cart(client: FlaskClient, product: str) -> None:
    """Buy two products at once."""
    other = client.post("/api/products", json={"name": "B", "price": "1.00", "stock": 5}).json
    assert other is not None
    lines = [{"product_id": product, "quantity": 2}, {"product_id": other["id"], "quantity": 1}]
    assert client.post("/api/purchases", json={"lines": lines}).status_code == 201


def hold(client: FlaskClient, product: str) -> str:
    """Hold four units; return the reservation's id."""
    body = {"lines": [{"product_id": product, "quantity": 4}], "ttl_seconds": 600}
    held = client.post("/api/reservations", json=body).json
    assert held is not None
    return str(held["id"])


def hold_and_commit_twice(client: FlaskClient, product: str) -> None:
    """Hold four units, buy three of them, and ask for the answer again."""
    held, lines = hold(client, product), [{"product_id": product, "quantity": 3}]
    for _ in range(2):
        answer = client.post(f"/api/reservations/{held}/commit", json={"lines": lines})
        assert answer.status_code == 201


def hold_and_release(client: FlaskClient, product: str) -> None:
    """Hold four units and give them back."""
    client.post(f"/api/reservations/{hold(client, product)}/release")


@pytest.mark.parametrize(
    "act, purchases, units, transactions, refused",
    [
        (buy_one, 1, 3, 0, {}),
        (buy_too_many, 0, 0, 0, {"insufficient_stock": 1}),
        (buy_twice_with_one_key, 1, 1, 0, {}),
        # A product is made in a transaction as well.
        (buy_cart, 1, 3, 2, {}),
        (hold_and_commit_twice, 1, 3, 3, {}),
        (hold_and_release, 0, 0, 2, {}),
    ],
)
def test_sales_count_once(
    watch: Callable[[], Any],
    create: Create,
    act: Callable[[FlaskClient, str], None],
    purchases: int,
    units: int,
    transactions: int,
    refused: dict[str, int],
) -> None:
    """A purchase and its units count when they are certain, and not when they are told again."""
    product = create()["id"]
    with watch() as watched:
        act(watched.client, product)
    moved = watched.moved
    assert moved.get("inventory_purchases_total", 0) == purchases
    assert moved.get("inventory_units_sold_total", 0) == units
    assert moved.get("inventory_transactions_total", 0) == transactions
    told = {name: by for name, by in moved.items() if name.startswith("inventory_refusals")}
    assert told == {refusals(code): times for code, times in refused.items()}


def test_holds_are_counted_in_the_database(
    watch: Callable[[], Any], create: Create, books: Books
) -> None:
    """Open holds are those of the database, whoever made them."""
    product = create()["id"]
    with watch() as watched:
        held = hold(watched.client, product)
    assert watched.moved["inventory_reservations_open"] == 1
    with watch() as watched:
        watched.client.post(f"/api/reservations/{held}/release")
    assert watched.moved["inventory_reservations_open"] == -1
    assert books.count("reservations") == 1


def test_tails_are_looked_at(watch: Callable[[], Any], create: Create) -> None:
    """What a sale leaves in a tail is told until it is settled, with its age."""
    product = create(stock=5)["id"]
    with watch() as watched:
        buy_one(watched.client, product)
        now = watched.read()
    assert now["inventory_tails"] == 1
    assert now["inventory_tail_entries"] == now["inventory_tail_entries_max"] == 1
    assert 0 <= now["inventory_archive_lag_seconds"] < 60


@pytest.mark.parametrize(
    "headers, event, times",
    [({}, "miss", 1), ({}, "hit", 2), ({"Cache-Control": "no-cache"}, "bypass", 1)],
    ids=["miss", "hit", "bypass"],
)
def test_reads_count_by_what_the_cache_knew(
    watch: Callable[[], Any],
    create: Create,
    flush: Callable[[], None],
    headers: dict[str, str],
    event: str,
    times: int,
) -> None:
    """A cached read tells what the cache knew of it."""
    path = f"/api/products/{create()['id']}"
    flush()
    with watch() as watched:
        for _ in range(times):
            assert watched.client.get(path, headers=headers).status_code == 200
    assert watched.moved[spelled("inventory_cache_events_total", {"event": event})] >= 1


def test_the_process_and_its_stores_are_told(client: FlaskClient, create: Create) -> None:
    """Stores, connections, version, workers and the request that asks are there to be read."""
    create()
    told = numbers(client.get("/metrics").text)
    assert told['inventory_store_ready{store="mongodb"}'] == 1
    assert told['inventory_store_ready{store="redis"}'] == 1
    assert told[spelled("inventory_build_info", {"version": __version__})] == 1
    assert told["inventory_workers"] == 1
    assert told["inventory_requests_working"] == 1
    assert told["inventory_queue_operations"] == 0
    assert told["inventory_cache_breaker_open"] == 0
    assert told["inventory_scrape_unread"] == 0
    for pool, most in (("mongodb", 32), ("redis", 32)):
        assert told[spelled("inventory_pool_connections_max", {"pool": pool})] == most
        states = [
            told[spelled("inventory_pool_connections", {"pool": pool, "state": state})]
            for state in ("in_use", "idle")
        ]
        assert 0 < sum(states) <= most
    assert {refusals(code) for code in codes()} <= told.keys()


def test_a_mistake_of_ours_is_counted(
    watch: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody foresaw counts as a 500, under its route."""
    with watch() as watched:
        views = watched.client.application.view_functions
        get_health = views["health.get_health"]
        monkeypatch.setitem(views, "health.get_health", lambda: 1 / 0)
        watched.client.get("/healthz")
        monkeypatch.setitem(views, "health.get_health", get_health)
    assert watched.moved[refusals("internal_server_error")] == 1
    assert watched.moved[of_requests("/healthz", "GET", 500)] == 1


@pytest.mark.parametrize(
    "path, headers, code",
    [
        ("/api/products", {"Host": "shop.example"}, "foreign_page"),
        ("/api/products", {}, "overloaded"),
    ],
    ids=["foreign", "overloaded"],
)
def test_who_is_turned_away_is_counted(
    watch: Callable[[], Any],
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    headers: dict[str, str],
    code: str,
) -> None:
    """What is refused before anybody looks for its route counts all the same."""
    with watch() as watched:
        if code == "overloaded":
            monkeypatch.setattr(limits, "WORKING_LISTINGS_MAX", 0)
        status = watched.client.get(path, headers=headers).status_code
    assert watched.moved[of_requests("none", "GET", status)] == 1
    assert watched.moved[refusals(code)] == 1


def test_without_mongodb_the_rest_is_told(settings: Settings) -> None:
    """While the database is away `/metrics` says so, and tells everything else."""
    app = create_app(replace(settings, mongo_url="mongodb://127.0.0.1:1/?replicaSet=rs0"))
    try:
        told = numbers(app.test_client().get("/metrics").text)
    finally:
        close_app(app)
    assert told['inventory_store_ready{store="mongodb"}'] == 0
    assert told["inventory_workers"] == 1
    assert told["inventory_scrape_unread"] == 4
    assert "inventory_reservations_open" not in told


class TestOnScrape:
    """Numbers that are found out when somebody asks."""

    LAG, STATES = "inventory_events_lag_seconds", "inventory_webhook_endpoints"

    def test_they_are_told(self) -> None:
        """A number, or one for each tuple of labels, stands where the list has its name."""
        metrics = Metrics()
        states: Values = {("active",): 2.0, ("paused",): 1.0}
        metrics.on_scrape([self.LAG, self.STATES], lambda: {self.LAG: 7.5, self.STATES: states})
        metrics.on_scrape(
            ["inventory_events_derived_total"], lambda: {"inventory_events_derived_total": 12.0}
        )
        told = numbers(metrics.exposition().decode())
        assert told[self.LAG] == 7.5
        assert told[f'{self.STATES}{{state="paused"}}'] == 1
        assert told["inventory_events_derived_total"] == 12

    @pytest.mark.parametrize("problem", [StorageUnavailable(), ZeroDivisionError()], ids=repr)
    def test_one_that_fails_costs_only_itself(self, problem: Exception) -> None:
        """Whatever a source raises, the others are told, and that one is missing as well."""
        metrics = Metrics()

        def fail() -> dict[str, float]:
            raise problem

        metrics.on_scrape([self.LAG], fail)
        metrics.on_scrape([self.STATES], lambda: {self.STATES: {("active",): 1.0}})
        told = numbers(metrics.exposition().decode())
        assert told["inventory_scrape_unread"] == 1
        assert self.LAG not in told
        assert told[f'{self.STATES}{{state="active"}}'] == 1

    def test_nobody_waits_for_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """When the time of a scrape is used up, nobody is asked any more."""
        metrics, asked = Metrics(), list[str]()

        def ask() -> dict[str, float]:
            asked.append("asked")
            return {self.LAG: 1.0}

        metrics.on_scrape([self.LAG], ask)
        monkeypatch.setattr(limits, "SCRAPE_SECONDS", 0.0)
        assert numbers(metrics.exposition().decode())["inventory_scrape_unread"] == 1
        assert asked == []

    def test_only_what_is_listed_can_be_told(self) -> None:
        """A name that is not in the list is a mistake, at once."""
        with pytest.raises(KeyError):
            Metrics().on_scrape(["inventory_nothing"], dict)


def test_labels_are_those_of_the_list(client: FlaskClient, create: Create) -> None:
    """Every series has exactly the labels that the list gives it."""
    buy_one(client, create()["id"])
    listed = {one.name.removesuffix("_total"): one for one in DESCRIBED}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(listed[family.name].labels)
