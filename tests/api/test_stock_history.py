"""The counters over HTTP, now and as they were, and a ledger that anybody completes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from inventory.domain.movements import Entry, Kind, Movement
from inventory.domain.stock import Operation
from inventory.repository import mongo
from inventory.repository.stock import StockRepository
from inventory.settings import Settings
from tests.api.conftest import Create
from tests.api.support import Books, assert_problem, until


@pytest.fixture(name="counters")
def _counters(settings: Settings) -> Iterator[StockRepository]:
    """The counters as a process uses them that dies before it does anything else."""
    with mongo.connect(settings) as client:
        database = mongo.open_database(client, settings)
        yield StockRepository(database, mongo.DatabaseClock(database))


def moment(text: str) -> datetime:
    """Return a time that the service answered."""
    return datetime.fromisoformat(text)


def stock(client: FlaskClient, product: dict[str, Any], as_of: datetime | None = None) -> Any:
    """Ask for a product's counters."""
    query = {} if as_of is None else {"as_of": as_of.isoformat().replace("+00:00", "Z")}
    return client.get(f"/api/products/{product['id']}/stock", query_string=query)


def leave_behind(
    counters: StockRepository, product: dict[str, Any], delta: int, at: datetime
) -> Movement:
    """Change the stock as a process does that dies before it has told the ledger."""
    kind = Kind.PURCHASE if delta < 0 else Kind.ADJUSTMENT
    entry = Entry(mongo.new_id(), kind, delta, at)
    applied = counters.apply(product["id"], [Operation(product["id"], entry)])
    assert applied is not None
    return applied.movements()[-1]


def test_the_counters_now(client: FlaskClient, create: Create) -> None:
    """The counters come straight from the database, with the time at which they were read."""
    product = create(stock=5)
    client.post(f"/api/products/{product['id']}/purchase", json={"quantity": 2})
    answer = stock(client, product)
    assert answer.status_code == 200
    assert answer.json == {"available": 3, "held": 0, "version": 2, "as_of": answer.json["as_of"]}
    assert abs(moment(answer.json["as_of"]) - datetime.now(UTC)) < timedelta(seconds=5)


def test_the_counters_as_they_were(client: FlaskClient, create: Create) -> None:
    """At every moment of the past the stock was what the last movement until then had left."""
    product = create(stock=5)
    path = f"/api/products/{product['id']}"
    history = [(moment(product["created_at"]), 5, 1)]
    for place, quantity in enumerate((2, 1, 2), start=2):
        until(lambda: datetime.now(UTC) - history[-1][0] > timedelta(milliseconds=5))
        bought = client.post(f"{path}/purchase", json={"quantity": quantity}).json
        assert bought is not None
        history.append((moment(bought["created_at"]), bought["remaining_stock"], place))
    for at, available, version in history:
        for later in (timedelta(), timedelta(milliseconds=1)):
            then = stock(client, product, at + later).json
            assert (then["available"], then["version"]) == (available, version)
            assert moment(then["as_of"]) == at + later
    for (at, *_), (_, available, version) in zip(history[1:], history, strict=False):
        then = stock(client, product, at - timedelta(milliseconds=1)).json
        assert (then["available"], then["version"]) == (available, version)


def test_the_offset_of_a_time(client: FlaskClient, create: Create) -> None:
    """The same moment asked for in another time zone gets the same answer."""
    product = create(stock=5)
    path = f"/api/products/{product['id']}/stock"
    at = moment(product["created_at"])
    for hours in (-11, 0, 14):
        text = (at.astimezone(UTC) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%S.%f")
        offset = f"{text}{hours:+03d}:00"
        then = client.get(path, query_string={"as_of": offset}).json
        assert then is not None
        assert (then["available"], moment(then["as_of"])) == (5, at)


@pytest.mark.parametrize("as_of", ["1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z"])
def test_before_there_was_a_product(client: FlaskClient, create: Create, as_of: str) -> None:
    """Before its creation a product had no stock: it was not there."""
    product = create()
    answer = client.get(f"/api/products/{product['id']}/stock?as_of={as_of}")
    assert_problem(answer, 404, "product_not_found")
    before = moment(product["created_at"]) - timedelta(milliseconds=1)
    assert_problem(stock(client, product, before), 404, "product_not_found")


@pytest.mark.parametrize("as_of", [
    "9999-12-31T23:59:59Z",
    "",
    "now",
    "2026-01-31",
    "2026-01-31T12:00:00",
    "2026-13-31T12:00:00Z",
    "2026-01-31T12:00:00 02:00",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "1769860800",
    "٢٠٢٦-01-31T12:00:00Z",
    "2026-01-31T12:00:00Z\x00",
])  # fmt: skip
def test_a_time_that_is_none(client: FlaskClient, create: Create, as_of: str) -> None:
    """The future, a time without an offset and what is no time at all are refused."""
    path = f"/api/products/{create()['id']}/stock"
    answer = client.get(path, query_string={"as_of": as_of})
    assert assert_problem(answer, 422, "validation_failed")["errors"].keys() == {"as_of"}


def test_the_history_of_a_deleted_product(client: FlaskClient, create: Create) -> None:
    """What a product's stock was can still be asked when it is gone; what it is cannot."""
    product = create(stock=5)
    path = f"/api/products/{product['id']}"
    assert client.delete(path, headers={"If-Match": "*"}).status_code == 204
    assert stock(client, product, moment(product["created_at"])).json["available"] == 5
    assert_problem(stock(client, product), 404, "product_not_found")


def test_nothing_is_missing_that_nobody_wrote_down(
    client: FlaskClient, books: Books, create: Create, counters: StockRepository
) -> None:
    """A change whose process died before it told the ledger is in every history at once."""
    product = create(stock=5)
    left = leave_behind(counters, product, -2, moment(product["created_at"]))
    assert books.ledger(product["id"]) == [("opening", 5, 5)]
    then = stock(client, product, datetime.now(UTC) - timedelta(milliseconds=1)).json
    assert (then["available"], then["version"]) == (3, 2)
    page = client.get(f"/api/products/{product['id']}/movements").json
    assert page is not None
    assert page["items"][0]["id"] == left.entry.operation_id
    books.assert_exact(product["id"])


def test_nothing_is_missing_in_the_middle(
    client: FlaskClient, create: Create, counters: StockRepository
) -> None:
    """A change that nobody wrote down is in the history also when later ones were written down."""
    product = create(stock=5)
    path = f"/api/products/{product['id']}"
    left = leave_behind(counters, product, -2, datetime.now(UTC))
    assert client.post(f"{path}/purchase", json={"quantity": 1}).status_code == 201
    page = client.get(f"{path}/movements").json
    assert page is not None
    assert [row["version"] for row in page["items"]] == [3, 2, 1]
    assert client.get(f"/api/purchases/{left.entry.operation_id}").status_code == 200


def test_the_order_is_that_of_versions(
    client: FlaskClient, create: Create, counters: StockRepository
) -> None:
    """A change that was asked for earlier but made later still has the last word on the stock."""
    product = create(stock=10)
    created = moment(product["created_at"])
    leave_behind(counters, product, -1, created + timedelta(milliseconds=7))
    leave_behind(counters, product, -2, created + timedelta(milliseconds=3))
    until(lambda: datetime.now(UTC) - created > timedelta(milliseconds=50))
    then = stock(client, product, created + timedelta(milliseconds=20)).json
    assert (then["available"], then["version"]) == (7, 3)
