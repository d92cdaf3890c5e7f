"""Rehearsals over HTTP: how one goes, what it leaves behind, and how it ends when it cannot end."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId
from flask import Flask
from flask.testing import FlaskClient

from inventory.api.context import context_of
from inventory.domain.keys import Scope
from inventory.services.keys import Keyring
from tests.api.conftest import Create
from tests.api.support import Books, assert_problem

PATH = "/api/rehearsals"
# Enough to see it in the middle.
LONG = {"buyers": 500, "stock": 10_000, "quantity_max": 5, "impatience": 1}
SECONDS_MAX = 60
Read = Callable[[], dict[str, Any]]


def begin(client: FlaskClient, **plan: Any) -> dict[str, Any]:
    """Begin a rehearsal; return it as answered."""
    response = client.post(PATH, json=plan)
    assert response.status_code == 202, response.get_json()
    begun: dict[str, Any] = response.get_json()
    assert response.headers["Location"] == f"{PATH}/{begun['id']}"
    return begun


def ended(client: FlaskClient, id: str, **sent: Any) -> dict[str, Any]:
    """Return a rehearsal once it is over."""
    deadline = time.monotonic() + SECONDS_MAX
    while True:
        one: dict[str, Any] = client.get(f"{PATH}/{id}", **sent).get_json()
        if one["state"] != "running":
            return one
        assert time.monotonic() < deadline, one


def lost(books: Books, product_id: str, *, seconds: float = -1.0) -> str:
    """Leave a rehearsal as a worker leaves it that dies, which is held for so long yet."""
    now = datetime.now(UTC)
    id = ObjectId()
    books.database["rehearsals"].insert_one(
        {
            "_id": id,
            "turn": 1,
            "product_id": ObjectId(product_id),
            "plan": {"buyers": 2, "stock": 1, "quantity_max": 1, "impatience": 0.0},
            "state": "running",
            "started_at": now,
            "held_until": now + timedelta(seconds=seconds),
            "ended_at": None,
            "figures": {"orders": 2, "sold": 1},
            "verdict": None,
        }
    )
    return str(id)


def failed(rehearsal: dict[str, Any]) -> set[str]:
    """Return the names of the checks that a rehearsal has not passed."""
    return {check["name"] for check in rehearsal["verdict"]["checks"] if not check["ok"]}


def test_a_rehearsal_sells_what_there_is_and_proves_it(client: FlaskClient) -> None:
    """Without a word it is a hundred buyers for fifty units: all are sold, and the books agree."""
    response = client.post(PATH)
    assert response.status_code == 202
    begun = response.get_json()
    assert (begun["state"], begun["ended_at"], begun["verdict"]) == ("running", None, None)
    plan = {"buyers": 100, "stock": 50, "quantity_max": 1, "impatience": 0.3}
    assert {name: begun[name] for name in plan} == plan
    done = ended(client, begun["id"])
    assert done["state"] == "done"
    assert failed(done) == set()
    verdict = done["verdict"]
    told = {name: verdict[name] for name in ("ok", "sold", "left", "stocked")}
    assert told == {"ok": True, "sold": 50, "left": 0, "stocked": 50}
    figures = done["figures"]
    counts = {"orders": 100, "sold": 50, "refused": 50, "repeated": 30, "units_sold": 50}
    assert {name: figures[name] for name in counts} == counts
    assert 0 < figures["p50_ms"] <= figures["p99_ms"]
    assert figures["seconds"] > 0
    assert figures["purchases_per_second"] > 0
    assert done["started_at"] < done["ended_at"]


def test_its_product_leaves_the_shop_and_keeps_its_history(
    client: FlaskClient, books: Books
) -> None:
    """Nobody finds the product afterwards; its ledger is whole, and its books can be checked."""
    begun = begin(client, buyers=20, stock=30, quantity_max=2)
    product = f"/api/products/{begun['product_id']}"
    shown = client.get(product)
    if shown.status_code == 200:
        assert shown.get_json()["tags"] == ["rehearsal"]
    done = ended(client, begun["id"])
    assert_problem(client.get(product), 404, "product_not_found")
    assert client.get("/api/products").get_json()["items"] == []
    rows = client.get(f"{product}/movements?limit=100").get_json()["items"]
    assert (
        [row["kind"] for row in rows].count("purchase") == done["figures"]["sold"] == len(rows) - 1
    )
    assert {row["reference"] for row in rows[:-1]} == {f"rehearsal {begun['id']}"}
    assert client.get(f"{product}/integrity").get_json()["ok"]
    assert client.get("/api/integrity").get_json()["ok"]


def test_whoever_asked_for_it_signs_it(guarded: FlaskClient, keyring: Keyring) -> None:
    """All movements of a rehearsal are put down to the key that began it."""
    key, secret = keyring.issue("operator", [Scope.ADMIN])
    headers = {"Authorization": f"Bearer {secret}"}
    begun = guarded.post(PATH, json={"buyers": 3, "stock": 2}, headers=headers).get_json()
    assert ended(guarded, begun["id"], headers=headers)["verdict"]["ok"]
    path = f"/api/products/{begun['product_id']}/movements"
    rows = guarded.get(path, headers=headers).get_json()["items"]
    assert [row["actor"] for row in rows] == [key.id] * 3


@pytest.mark.parametrize(
    "field, bad",
    [
        ("buyers", [0, 501, 1.5, True, "5", None]),
        ("stock", [0, 10_001]),
        ("quantity_max", [0, 6]),
        ("impatience", [-0.1, 1.1, True, "0.5", None, 10**400, -(10**400)]),
        ("patience", [1]),
    ],
)
def test_what_cannot_be_rehearsed_is_refused(
    client: FlaskClient, books: Books, field: str, bad: list[Any]
) -> None:
    """Numbers out of range, no numbers, and fields that there are not: nothing begins."""
    for value in bad:
        problem = assert_problem(client.post(PATH, json={field: value}), 422, "validation_failed")
        assert list(problem["errors"]) == [field]
    assert books.count("rehearsals") == 0


def test_there_is_one_at_a_time(client: FlaskClient, create: Create, books: Books) -> None:
    """While one runs, wherever that is, another one is refused with its id, and sells nothing."""
    id = lost(books, create()["id"], seconds=60)
    problem = assert_problem(client.post(PATH), 409, "rehearsal_running")
    assert problem["rehearsal_id"] == id
    assert client.get(f"{PATH}/{id}").get_json()["state"] == "running"
    assert (books.count("rehearsals"), books.count("products")) == (1, 1)


def test_what_a_dead_worker_leaves_is_cleared_away_by_the_next(
    client: FlaskClient, create: Create, books: Books
) -> None:
    """It shows as abandoned by itself; the next one takes its product out of the shop."""
    orphan = create()["id"]
    id = lost(books, orphan)
    before = client.get(f"{PATH}/{id}").get_json()
    assert (before["state"], before["verdict"]) == ("abandoned", None)
    assert before["ended_at"] is not None
    assert (before["figures"]["orders"], before["figures"]["sold"]) == (2, 1)
    begun = begin(client, buyers=2, stock=1)
    assert_problem(client.get(f"/api/products/{orphan}"), 404, "product_not_found")
    assert client.get(f"{PATH}/{id}").get_json() == before
    assert ended(client, begun["id"])["verdict"]["ok"]


def test_what_a_dead_worker_leaves_goes_by_itself(
    app: Flask, client: FlaskClient, create: Create, books: Books
) -> None:
    """Nobody has to begin another one for the product to leave the shop; once is enough."""
    orphan, rehearsing = create()["id"], context_of(app).rehearsing
    id = lost(books, orphan)
    rehearsing.tidy()
    assert_problem(client.get(f"/api/products/{orphan}"), 404, "product_not_found")
    assert not rehearsing.tidy()
    kept = books.database["rehearsals"].find_one({"_id": ObjectId(id)})
    assert kept is not None
    assert (kept["state"], "turn" in kept, kept["ended_at"]) == (
        "abandoned",
        False,
        kept["held_until"],
    )


def test_one_whose_product_was_never_made_holds_up_nobody(
    client: FlaskClient, books: Books
) -> None:
    """A worker may die before the product is there."""
    lost(books, "0" * 24)
    assert ended(client, begin(client, buyers=1)["id"])["verdict"]["ok"]


def test_a_worker_that_ends_leaves_nothing_in_the_shop(app: Flask, client: FlaskClient) -> None:
    """Whoever stops it gets no verdict, and the product is gone when the worker is."""
    begun = begin(client, **LONG)
    context_of(app).rehearsing.stop()
    over = client.get(f"{PATH}/{begun['id']}").get_json()
    assert (over["state"], over["verdict"]) == ("abandoned", None)
    assert_problem(client.get(f"/api/products/{begun['product_id']}"), 404, "product_not_found")
    assert client.get(f"/api/products/{begun['product_id']}/integrity").get_json()["ok"]


def test_whoever_is_taken_for_dead_gives_up(app: Flask, client: FlaskClient, books: Books) -> None:
    """A worker that was frozen for too long tells nothing any more, and clears away its product."""
    begun = begin(client, **LONG)
    past = datetime.now(UTC) - timedelta(seconds=1)
    books.database["rehearsals"].update_one(
        {"_id": ObjectId(begun["id"])}, {"$set": {"held_until": past}}
    )
    product = f"/api/products/{begun['product_id']}"
    deadline = time.monotonic() + SECONDS_MAX
    while client.get(product).status_code == 200:
        assert time.monotonic() < deadline
    over = client.get(f"{PATH}/{begun['id']}").get_json()
    assert (over["state"], over["verdict"]) == ("abandoned", None)
    assert ended(client, begin(client, buyers=1)["id"])["verdict"]["ok"]


def test_what_happens_besides_fails_the_verdict(client: FlaskClient) -> None:
    """Units that come from elsewhere while it runs are found, and the verdict says where."""
    begun = begin(client, **LONG)
    path = f"/api/products/{begun['product_id']}/adjustments"
    assert client.post(path, json={"delta": 3, "reason": "found"}).status_code == 201
    done = ended(client, begun["id"])
    assert done["verdict"]["ok"] is False
    assert failed(done) == {"units_add_up", "nothing_else_is_recorded"}


def test_rehearsals_are_listed_the_newest_first(client: FlaskClient) -> None:
    """Page by page, each as it is read by itself."""
    ids = []
    for _ in range(3):
        ids.append(begin(client, buyers=1)["id"])
        ended(client, ids[-1])
    page = client.get(f"{PATH}?limit=2").get_json()
    assert [one["id"] for one in page["items"]] == ids[:0:-1]
    rest = client.get(f"{PATH}?limit=2&cursor={page['next_cursor']}").get_json()
    assert (rest["items"], rest["next_cursor"]) == (
        [client.get(f"{PATH}/{ids[0]}").get_json()],
        None,
    )


def test_what_there_is_not_is_not_found(client: FlaskClient) -> None:
    """Nor is what is no id at all."""
    for id in ("0" * 24, "x"):
        assert_problem(client.get(f"{PATH}/{id}"), 404, "rehearsal_not_found")
