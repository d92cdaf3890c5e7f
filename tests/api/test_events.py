"""Events: everything that the ledger tells, once, in order, whoever reads it and dies meanwhile."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from bson import Int64, ObjectId
from flask.testing import FlaskClient
from pymongo.database import Database

from inventory import limits
from inventory.delivering import working
from inventory.domain.events import EventType
from inventory.repository import mongo
from inventory.repository.feed import FeedRepository
from inventory.repository.mongo import Document
from inventory.settings import Settings
from loadtests.telling import about, expected
from tests.api.conftest import Create
from tests.api.support import Books, assert_problem, until


@pytest.fixture(name="feed")
def _feed(settings: Settings) -> Iterator[FeedRepository]:
    """How far the ledger was read, which a process does from now on."""
    with mongo.connect(settings) as client:
        database = mongo.open_database(client, settings)
        feed = FeedRepository(database, mongo.Transactions(client))
        with working(client, database, settings):
            until(lambda: feed.read_until()[1] is not None)
            yield feed


def events_after(client: FlaskClient, after: int = 0, **query: Any) -> list[dict[str, Any]]:
    """Return all events after one of them, page by page, as somebody who polls reads them."""
    found = list[dict[str, Any]]()
    while True:
        page = client.get("/api/events", query_string={"after": after, "limit": 7, **query}).json
        assert page is not None
        found += page["items"]
        if after == page["next_after"]:
            return found
        after = page["next_after"]


def wait_for_events(client: FlaskClient, count: int) -> list[dict[str, Any]]:
    """Return all events as soon as there are `count` of them."""
    until(lambda: len(events_after(client)) >= count)
    return events_after(client)


def types_of(events: list[dict[str, Any]]) -> list[str]:
    """Return what happened, in short."""
    return [event["type"] for event in events]


def sell_at_random(client: FlaskClient, products: list[str], steps: int) -> None:
    """Do whatever a shop does, some of which is refused."""
    dice = Random(7)  # noqa: S311 - no secret
    holds, purchases = ["0" * 24], ["0" * 24]
    for _ in range(steps):
        line = {"product_id": dice.choice(products), "quantity": dice.randint(1, 3)}
        lines = [line, {"product_id": dice.choice(products), "quantity": 1}]
        back = {"lines": [line], "reason": "x", "restock": dice.random() < 0.5}
        delta = {"delta": dice.choice([-2, 3]), "reason": "correction"}
        hold, bought = dice.choice(holds), dice.choice(purchases)
        path, body = dice.choice(
            [
                (f"products/{line['product_id']}/purchase", {"quantity": line["quantity"]}),
                (f"products/{line['product_id']}/adjustments", delta),
                ("purchases", {"lines": lines}),
                ("reservations", {"lines": lines, "ttl_seconds": 600}),
                (f"reservations/{hold}/commit", dice.choice([None, {"lines": [line]}])),
                (f"reservations/{hold}/release", None),
                (f"purchases/{bought}/returns", back),
            ]
        )
        answer = client.post(f"/api/{path}", json=body)
        assert answer.status_code != 500
        if answer.status_code == 201 and path == "reservations":
            holds.append(answer.get_json()["id"])
        elif answer.status_code == 201 and path.endswith(("purchase", "purchases", "commit")):
            purchases.append(answer.get_json()["id"])


def test_all_that_happened_is_told_once(
    client: FlaskClient, create: Create, books: Books, feed: FeedRepository
) -> None:
    """Whatever a shop does is told once, numbered without a gap, in the order of each ledger."""
    products = [create(stock=8, low_stock_threshold=3)["id"] for _ in range(3)]
    sell_at_random(client, products, 150)
    held = {"lines": [{"product_id": create()["id"], "quantity": 1}], "ttl_seconds": 1}
    assert client.post("/api/reservations", json=held).status_code == 201
    until(lambda: books.database["reservations"].find_one({"state": "expired"}) is not None)
    until(lambda: sum(expected(books.database).values()) == feed.read_until()[0])
    events = events_after(client)
    assert Counter(map(about, events)) == expected(books.database)
    assert set(types_of(events)) == set(EventType)
    assert [event["sequence"] for event in events] == [*range(1, len(events) + 1)]
    assert len({event["id"] for event in events}) == len(events)
    versions = defaultdict(list)
    for event in events:
        if (version := event["data"].get("stock_version")) is not None:
            versions[event["product_id"]].append(version)
    assert all(seen == sorted(seen) for seen in versions.values())


def test_events_say_how_it_was(client: FlaskClient, create: Create, feed: FeedRepository) -> None:
    """An event shows what it is about as it was then, whatever has become of it by now."""
    product = create(stock=5, low_stock_threshold=2)
    line = {"product_id": product["id"], "quantity": 3}
    held = client.post("/api/reservations", json={"lines": [line], "ttl_seconds": 60}).json
    assert held is not None
    bought = client.post(f"/api/reservations/{held['id']}/commit").json
    assert bought is not None
    back = {"lines": [line], "reason": "too small"}
    assert client.post(f"/api/purchases/{bought['id']}/returns", json=back).status_code == 201
    events = wait_for_events(client, 5)
    by_type = {event["type"]: event["data"] for event in events}
    assert by_type["reservation.held"] == held
    assert by_type["purchase.created"] == bought
    assert by_type["reservation.committed"] == held | {
        "state": "committed",
        "ended_at": bought["created_at"],
        "purchase_id": bought["id"],
    }
    assert by_type["stock.low"]["availability"] == "low_stock"
    assert by_type["purchase.returned"]["lines"][0]["remaining"] == 0
    assert feed.read_until()[0] == 5


def test_what_happened_before_is_not_told(
    client: FlaskClient, create: Create, settings: Settings
) -> None:
    """Events begin when somebody first derives them: a shop's past floods nobody."""
    product = create()
    buy = f"/api/products/{product['id']}/purchase"
    assert client.post(buy, json={"quantity": 1}).status_code == 201
    page = client.get("/api/events").json
    assert page == {"items": [], "next_after": 0, "read_at": None}
    with mongo.connect(settings) as mongo_client:
        database = mongo.open_database(mongo_client, settings)
        feed = FeedRepository(database, mongo.Transactions(mongo_client))
        with working(mongo_client, database, settings):
            until(lambda: feed.read_until()[1] is not None)
            bought = client.post(buy, json={"quantity": 2}).json
            (event,) = wait_for_events(client, 1)
    assert event["data"] == bought


def test_rows_are_told_in_their_order(
    client: FlaskClient, create: Create, books: Books, feed: FeedRepository
) -> None:
    """A row that comes into the ledger before its predecessor is told after it."""
    product = create()
    until(lambda: feed.positions([product["id"]]) != {})
    first = {
        "_id": ObjectId(),
        "product_id": ObjectId(product["id"]),
        "version": Int64(2),
        "balance": Int64(0),
        "held_balance": Int64(0),
        "location": "default",
        "kind": "adjustment",
        "delta": Int64(-5),
        "at": mongo.DatabaseClock(books.database).now(),
    }
    second = first | {"_id": ObjectId(), "version": Int64(3), "balance": Int64(5), "delta": 5}
    books.database["movements"].insert_one(second)
    until(lambda: feed.positions_behind() == {product["id"]: 3})
    assert events_after(client) == []
    books.database["movements"].insert_one(first)
    assert types_of(wait_for_events(client, 2)) == ["stock.out", "stock.back"]
    until(lambda: feed.positions_behind() == {})


def test_two_who_derive_tell_nothing_twice(
    client: FlaskClient, create: Create, books: Books, settings: Settings, feed: FeedRepository
) -> None:
    """Who is overtaken while it derives finds out when it writes; the other one goes on."""
    product = create(stock=1000)
    buy = f"/api/products/{product['id']}/purchase"
    with (
        mongo.connect(settings) as mongo_client,
        working(mongo_client, mongo.open_database(mongo_client, settings), settings),
    ):
        for _ in range(6):
            for _ in range(4):
                assert client.post(buy, json={"quantity": 1}).status_code == 201
            # As if whoever leads had been frozen for longer than its lease.
            books.database["event_feed"].update_one(
                {}, [{"$set": {"owner": None, "until": "$$NOW"}}]
            )
        until(lambda: feed.read_until()[0] == 24)
    events = events_after(client)
    assert Counter(map(about, events)) == expected(books.database)
    assert [event["sequence"] for event in events] == [*range(1, 25)]


def lost_token(database: Database[Document]) -> dict[str, str]:
    """Return where a stream cannot go on, because that is not in the oplog."""
    with database.with_options(read_concern=mongo.MAJORITY).watch() as stream:
        database["anything"].insert_one({})
        place = stream.next()["_id"]["_data"]
    return {"_data": place[:-6] + ("01" if place[-6:-4] == "00" else "00") + place[-4:]}


def test_lost_history_is_made_up_for(
    client: FlaskClient,
    create: Create,
    books: Books,
    settings: Settings,
) -> None:
    """If the change stream knows no more what came next, all products are looked at."""
    known, unknown = create(stock=9)["id"], create(stock=9)["id"]
    buy = "/api/products/{}/purchase"
    with mongo.connect(settings) as mongo_client:
        database = mongo.open_database(mongo_client, settings)
        feed = FeedRepository(database, mongo.Transactions(mongo_client))
        with working(mongo_client, database, settings):
            until(lambda: feed.read_until()[1] is not None)
            bought = client.post(buy.format(known), json={"quantity": 1}).get_json()
            wait_for_events(client, 1)
        lost = lost_token(database)
        back = {"lines": [{"product_id": known, "quantity": 1}], "reason": "x", "restock": False}
        for product_id in (known, unknown):
            assert client.post(buy.format(product_id), json={"quantity": 2}).status_code == 201
        returns = f"/api/purchases/{bought['id']}/returns"
        assert client.post(returns, json=back).status_code == 201
        until(lambda: books.count("movements") == 5)
        database["event_feed"].update_one({}, {"$set": {"token": lost}})
        with working(mongo_client, database, settings):
            until(lambda: feed.read_until()[0] == 4)
    assert Counter(map(about, events_after(client))) == expected(books.database)


def test_documents_are_waited_for(
    client: FlaskClient, create: Create, books: Books, feed: FeedRepository
) -> None:
    """A sale whose purchase is not there yet is told when it is."""
    product, other = create(), create()
    books.database["event_feed"].update_one({}, {"$set": {"owner": "a test"}})
    lines = [{"product_id": one["id"], "quantity": 1} for one in (product, other)]
    bought = client.post("/api/purchases", json={"lines": lines}).get_json()
    document = books.database["purchases"].find_one_and_delete({})
    assert document is not None
    books.database["event_feed"].update_one({}, [{"$set": {"owner": None, "until": "$$NOW"}}])
    until(lambda: feed.positions_behind() != {})
    assert events_after(client) == []
    books.database["purchases"].insert_one(document)
    (event,) = wait_for_events(client, 1)
    assert event["data"] == bought


def test_events_can_be_narrowed(client: FlaskClient, create: Create, feed: FeedRepository) -> None:
    """By type and by product; where nothing is left, `next_after` goes on all the same."""
    first, second = create(stock=1)["id"], create()["id"]
    for product_id in (first, second):
        assert client.post(f"/api/products/{product_id}/purchase", json={"quantity": 1}).json
    wait_for_events(client, 3)
    assert feed.read_until()[0] == 3
    assert types_of(events_after(client, types="stock.out,stock.low")) == ["stock.out"]
    (event,) = events_after(client, product_id=second)
    assert event["product_id"] == second
    nothing = client.get("/api/events?types=stock.back").get_json()
    assert (nothing["items"], nothing["next_after"]) == ([], 3)
    newest = client.get("/api/events?after=newest").get_json()
    assert (newest["items"], newest["next_after"]) == ([], 3)


def test_forgotten_events_are_told_of(
    client: FlaskClient, create: Create, books: Books, feed: FeedRepository
) -> None:
    """Who was away for longer than events are kept is told so, and where to begin."""
    product = create()
    for _ in range(3):
        bought = client.post(f"/api/products/{product['id']}/purchase", json={"quantity": 1})
        assert bought.status_code == 201
    wait_for_events(client, 3)
    assert feed.read_until()[0] == 3
    books.database["events"].delete_many({"_id": {"$lte": 2}})
    problem = assert_problem(client.get("/api/events?after=1"), 410, "events_forgotten")
    assert problem["kept_after"] == 2
    assert len(events_after(client, 2)) == 1
    assert len(events_after(client, 0)) == 1
    books.database["events"].delete_many({})
    problem = assert_problem(client.get("/api/events?after=1"), 410, "events_forgotten")
    assert problem["kept_after"] == 3


@pytest.mark.parametrize(
    "query",
    [
        "after=-1",
        "after=1",
        "after=x",
        f"after={2**53}",
        "types=stock",
        "types=",
        "limit=0",
    ],
)
def test_senseless_questions_are_refused(client: FlaskClient, query: str) -> None:
    """Numbers that no event has, and types that there are not."""
    assert_problem(client.get(f"/api/events?{query}"), 422, "validation_failed")


def test_events_end(books: Books) -> None:
    """They are kept for as long as it says, and then MongoDB removes them."""
    index = books.database["events"].index_information()["expiry"]
    assert timedelta(seconds=index["expireAfterSeconds"]) == timedelta(
        seconds=limits.EVENT_KEEP_SECONDS
    )
