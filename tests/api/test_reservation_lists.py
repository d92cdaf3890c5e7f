"""Lists of reservations: what they show, in which order, and by which index."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product as combinations
from typing import Any

import pytest
from bson import ObjectId
from flask.testing import FlaskClient

from inventory.domain.reservations import State
from tests.api.conftest import Create
from tests.api.support import Books, assert_problem

CROWD = 300
Holds = Callable[..., dict[str, Any]]
STATES = [None, *map(str, State)]


@pytest.fixture(name="hold")
def _hold(client: FlaskClient) -> Holds:
    """Hold one unit of a product; end the hold, if told how."""

    def hold(product: dict[str, Any], customer: str | None, end: str = "") -> dict[str, Any]:
        line = {"product_id": product["id"], "quantity": 1}
        body = {"lines": [line], "ttl_seconds": 600, "customer_id": customer}
        held = client.post("/api/reservations", json=body).get_json()
        path = f"/api/reservations/{held['id']}"
        if end:
            assert client.post(f"{path}/{end}").status_code in (200, 201)
        answer: dict[str, Any] = client.get(path).get_json()
        return answer

    return hold


def run_out(books: Books, *held: dict[str, Any]) -> None:
    """Let holds have run out a second ago, with nobody there to notice."""
    ids = [ObjectId(one["id"]) for one in held]
    ended = datetime.now(UTC) - timedelta(seconds=1)
    books.database["reservations"].update_many(
        {"_id": {"$in": ids}}, {"$set": {"expires_at": ended}}
    )


def asked(**filters: str | None) -> str:
    """Return the query that asks for these filters."""
    return "&".join(f"{name}={value}" for name, value in filters.items() if value is not None)


def walk(client: FlaskClient, query: str) -> list[tuple[str, str]]:
    """Return the ids and states of all pages, in their order."""
    found: list[tuple[str, str]] = []
    cursor = ""
    while True:
        page = client.get(f"/api/reservations?limit=2&{query}{cursor}").get_json()
        found += [(one["id"], one["state"]) for one in page["items"]]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


def test_every_combination_of_filters(
    client: FlaskClient, books: Books, create: Create, hold: Holds
) -> None:
    """Each is shown once, as it is read alone, to whoever asks for its state of this moment."""
    first, second = create(stock=99), create(stock=99)
    made = [
        hold(product, customer, end)
        for product, customer, end in combinations(
            (first, second), ("ann", "bob", None), ("", "", "commit", "release")
        )
    ]
    run_out(books, *[one for one in made if one["state"] == "held"][::2])
    shown = [client.get(f"/api/reservations/{one['id']}").get_json() for one in made][::-1]
    assert {one["state"] for one in shown} == {"held", "expired", "committed", "released"}
    for state, product, customer in combinations(
        STATES, (None, first["id"]), (None, "ann", "nobody")
    ):
        expected = [
            (one["id"], one["state"])
            for one in shown
            if state in (None, one["state"])
            and product in (None, one["lines"][0]["product_id"])
            and customer in (None, one["customer_id"])
        ]
        query = asked(state=state, product_id=product, customer_id=customer)
        assert walk(client, query) == expected, query


def test_an_expiry_that_was_noticed_shows_once(
    client: FlaskClient, books: Books, create: Create, hold: Holds
) -> None:
    """Expired is what ran out, whether somebody has taken the units back already or not."""
    product = create(stock=1)
    held = hold(product, "ann")
    run_out(books, held)
    again = hold(product, "bob")
    assert again["state"] == "held"
    assert walk(client, "state=expired") == [(held["id"], "expired")]
    assert walk(client, "state=held") == [(again["id"], "held")]


@pytest.mark.parametrize(
    "query, field",
    [
        ("state=open", "state"),
        ("state=HELD", "state"),
        ("state=", "state"),
        ("state=held&state=held", "state"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("cursor=x", "cursor"),
        ("customer_id=", "customer_id"),
        ("product_id[$ne]=x", "product_id[$ne]"),
        ("since=2026", "since"),
    ],
)
def test_what_cannot_be_asked(client: FlaskClient, query: str, field: str) -> None:
    """A parameter that is unknown, repeated or out of bounds is refused and named."""
    answer = client.get(f"/api/reservations?{query}")
    assert assert_problem(answer, 422, "validation_failed")["errors"].keys() == {field}


def test_what_is_nobody_s(client: FlaskClient, create: Create, hold: Holds) -> None:
    """Of a product that never was, and of a customer who never came, there is an empty page."""
    hold(create(), "ann")
    for query in ("product_id=x", f"product_id={'0' * 24}", "customer_id=nobody"):
        assert client.get(f"/api/reservations?{query}").json == {"items": [], "next_cursor": None}


def test_every_list_has_an_index(
    client: FlaskClient, books: Books, create: Create, hold: Holds
) -> None:
    """However many others there are, in whatever state, a page looks at little more than it has."""
    product, other = create(stock=99), create(stock=99)
    kept = books.database["reservations"]
    for end in ("", "commit", "release"):
        like = hold(other, "bob", end)
        document = kept.find_one({"_id": ObjectId(like["id"])})
        assert document is not None
        # Nobody holds so much at the same time.
        others = {} if end else {"customer_id": "somebody else"}
        kept.insert_many([document | {"_id": ObjectId()} | others for _ in range(CROWD)])
    run_out(books, *[hold(product, "ann", end) for end in ("", "", "commit", "release")][:1])
    books.database.command("profile", 2)
    try:
        for state, whose, customer in combinations(
            STATES, (None, product["id"], other["id"]), (None, "ann", "bob")
        ):
            query = asked(state=state, product_id=whose, customer_id=customer)
            assert client.get(f"/api/reservations?limit=5&{query}").status_code == 200
    finally:
        books.database.command("profile", 0)
    seen = list(books.database["system.profile"].find({"command.find": "reservations"}))
    books.database["system.profile"].drop()
    lists = [op for op in seen if op["command"].get("sort") == {"_id": -1}]
    assert len(lists) >= len(STATES) * 9
    assert all(op["planSummary"].startswith("IXSCAN") for op in lists)
    # Who asks for one product of one customer looks at all that this customer has.
    both = {"customer_id", "lines.product_id"}
    broad = [op for op in lists if not both <= op["command"]["filter"].keys()]
    # A page, the one after it, and the hold that has run out and is passed over.
    assert max(op["docsExamined"] for op in broad) <= 5 + 1 + 1
    sorted_ = [op["command"]["filter"] for op in broad if op.get("hasSortStage")]
    assert all("$lte" in asked.get("expires_at", {}) for asked in sorted_)
