"""Reservations over HTTP: what is held, for how long, and what becomes of it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from bson import ObjectId
from flask.testing import FlaskClient

from inventory import limits
from tests.api.conftest import Create
from tests.api.support import Books, assert_problem, together

Expire = Callable[[str], None]


def hold(
    client: FlaskClient, *lines: tuple[dict[str, Any], int], key: str | None = None, **more: Any
) -> Any:
    """Ask for units to be held for a minute, unless told otherwise."""
    wanted = [{"product_id": product["id"], "quantity": quantity} for product, quantity in lines]
    headers = {} if key is None else {"Idempotency-Key": key}
    body = {"lines": wanted, "ttl_seconds": 60} | more
    return client.post("/api/reservations", json=body, headers=headers)


def act(client: FlaskClient, id: str, what: str, body: Any = None, key: str | None = None) -> Any:
    """Commit or release a reservation."""
    headers = {} if key is None else {"Idempotency-Key": key}
    path = f"/api/reservations/{id}/{what}"
    return client.post(path, headers=headers, **({} if body is None else {"json": body}))


def counters(client: FlaskClient, product: dict[str, Any]) -> tuple[int, int]:
    """Return what can be bought of a product, and what is held of it."""
    stock = client.get(f"/api/products/{product['id']}/stock").get_json()
    return stock["available"], stock["held"]


def kinds(client: FlaskClient, product: dict[str, Any]) -> list[tuple[str, int, int]]:
    """Return kind and both changes of a product's movements, the oldest first."""
    rows = client.get(f"/api/products/{product['id']}/movements").get_json()["items"][::-1]
    return [(row["kind"], row["delta"], row["held_delta"]) for row in rows]


@pytest.fixture(name="expire")
def _expire(books: Books) -> Expire:
    """Let a reservation have run out a second ago, without anybody having noticed."""

    def expire(id: str) -> None:
        past = datetime.now(UTC) - timedelta(seconds=1)
        changed = books.database["reservations"].update_one(
            {"_id": ObjectId(id)}, {"$set": {"expires_at": past}}
        )
        assert changed.modified_count == 1

    return expire


def test_a_hold(client: FlaskClient, create: Create) -> None:
    """Held units cannot be bought by others; a refusal says when they may come free."""
    product, other = create(stock=5), create(stock=5)
    answer = hold(client, (product, 3), (other, 1), customer_id="ann", reference="cart 7")
    assert answer.status_code == 201
    held = answer.json
    assert (held["state"], held["customer_id"], held["reference"]) == ("held", "ann", "cart 7")
    assert [(row["product_id"], row["quantity"]) for row in held["lines"]] == [
        (product["id"], 3),
        (other["id"], 1),
    ]
    assert client.get(answer.headers["Location"]).get_json() == held
    assert counters(client, product) == (2, 3)
    shown = client.get(f"/api/products/{product['id']}").get_json()
    assert (shown["stock"], shown["held"]) == (2, 3)
    path = f"/api/products/{product['id']}/purchase"
    problem = assert_problem(client.post(path, json={"quantity": 3}), 409, "insufficient_stock")
    assert (problem["available"], problem["held"]) == (2, 3)
    assert problem["next_release_at"] == held["expires_at"]
    assert client.post(path, json={"quantity": 2}).status_code == 201


def test_a_hold_is_for_all_lines_or_none(client: FlaskClient, create: Create) -> None:
    """One line that cannot be had keeps the others from being held."""
    product, short = create(stock=5), create(stock=1)
    problem = assert_problem(hold(client, (product, 1), (short, 2)), 409, "insufficient_stock")
    assert [row["product_id"] for row in problem["lines"]] == [short["id"]]
    assert counters(client, product) == (5, 0)
    hold(client, (short, 1))
    again = assert_problem(hold(client, (product, 1), (short, 2)), 409, "insufficient_stock")
    assert again["lines"][0]["next_release_at"] is not None


def test_a_commit(client: FlaskClient, books: Books, create: Create) -> None:
    """A commit sells what is held at the price of that moment; repeated, it answers the same."""
    product, other = create(stock=5, price="2.50"), create(stock=5, price="1")
    held = hold(client, (product, 3), (other, 2), customer_id="ann", reference="cart 7").json
    client.patch(f"/api/products/{other['id']}", json={"price": "1.50"}, headers={"If-Match": "*"})
    answer = act(client, held["id"], "commit")
    assert answer.status_code == 201
    sold = answer.json
    assert sold["total"] == "10.50"
    assert (sold["reservation_id"], sold["reacquired"]) == (held["id"], False)
    assert (sold["customer_id"], sold["reference"]) == ("ann", "cart 7")
    assert [row["remaining_stock"] for row in sold["lines"]] == [2, 3]
    assert client.get(answer.headers["Location"]).get_json() == sold
    assert act(client, held["id"], "commit").json == sold
    assert act(client, held["id"], "commit", {}, key="late").json == sold
    assert counters(client, product) == (2, 0)
    assert kinds(client, product) == [("opening", 5, 0), ("hold", -3, 3), ("commit", 0, -3)]
    ended = client.get(f"/api/reservations/{held['id']}").get_json()
    assert (ended["state"], ended["purchase_id"]) == ("committed", sold["id"])
    assert books.count("purchases") == 1


def test_a_commit_of_some(client: FlaskClient, create: Create) -> None:
    """What is not wanted after all is on sale again in the same step."""
    product, other = create(stock=5), create(stock=5)
    held = hold(client, (product, 3), (other, 2)).json
    some = {"lines": [{"product_id": product["id"], "quantity": 1}]}
    sold = act(client, held["id"], "commit", some).json
    assert [(row["product_id"], row["quantity"]) for row in sold["lines"]] == [(product["id"], 1)]
    assert sold["remaining_stock"] == 4
    assert counters(client, product) == (4, 0)
    assert counters(client, other) == (5, 0)
    assert kinds(client, product)[-2:] == [("release", 2, -2), ("commit", 0, -1)]
    assert act(client, held["id"], "commit", some).json == sold
    more = {"lines": [{"product_id": product["id"], "quantity": 2}]}
    problem = assert_problem(act(client, held["id"], "commit", more), 409, "reservation_committed")
    assert problem["purchase_id"] == sold["id"]


def test_a_commit_of_more_than_is_held(client: FlaskClient, books: Books, create: Create) -> None:
    """Nobody gets more out of a reservation than is in it, by no product and by no sum."""
    product, other = create(stock=9), create(stock=9)
    held = hold(client, (product, 3)).json
    before = books.everything()
    for lines in (
        [{"product_id": product["id"], "quantity": 4}],
        [{"product_id": product["id"], "quantity": 2}] * 2,
        [{"product_id": other["id"], "quantity": 1}],
        [{"product_id": "x", "quantity": 1}],
    ):
        answer = act(client, held["id"], "commit", {"lines": lines})
        problem = assert_problem(answer, 409, "commit_exceeds_held")
        assert problem["lines"][0]["remaining"] in (3, 0)
    after = books.everything()
    assert {k: v for k, v in after.items() if k != "stock"} == {
        k: v for k, v in before.items() if k != "stock"
    }
    assert counters(client, product) == (6, 3)


def test_a_release(client: FlaskClient, create: Create) -> None:
    """A release puts the units on sale again, once; repeated, it answers the same."""
    product = create(stock=5)
    held = hold(client, (product, 3)).json
    answer = act(client, held["id"], "release")
    assert (answer.status_code, answer.json["state"]) == (200, "released")
    assert act(client, held["id"], "release").json == answer.json
    assert act(client, held["id"], "release", key="k").json == answer.json
    assert counters(client, product) == (5, 0)
    assert kinds(client, product) == [("opening", 5, 0), ("hold", -3, 3), ("release", 3, -3)]
    assert_problem(act(client, held["id"], "commit"), 409, "reservation_released")
    path = f"/api/reservations/{held['id']}"
    assert_problem(client.patch(path, json={"ttl_seconds": 9}), 409, "reservation_released")


def test_an_extension(client: FlaskClient, create: Create, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hold may be extended again and again, but not beyond its greatest life."""
    held = hold(client, (create(), 1)).json
    path = f"/api/reservations/{held['id']}"
    longer = client.patch(path, json={"ttl_seconds": 600}).get_json()
    before, after = (datetime.fromisoformat(one["expires_at"]) for one in (held, longer))
    gained = after - before
    assert timedelta(seconds=535) < gained < timedelta(seconds=545)
    monkeypatch.setattr(limits, "RESERVATION_LIFE_SECONDS_MAX", 700)
    longest = client.patch(path, json={"ttl_seconds": 800}).get_json()
    assert longest["expires_at"] == longest["extendable_until"]
    assert client.get(path).get_json() == longest


def test_an_expired_hold_is_no_hold(client: FlaskClient, create: Create, expire: Expire) -> None:
    """From the moment of its expiry on, everybody can have the units, and it shows as expired."""
    product = create(stock=5)
    held = hold(client, (product, 5)).json
    expire(held["id"])
    assert client.get(f"/api/reservations/{held['id']}").get_json()["state"] == "expired"
    assert_problem(
        client.patch(f"/api/reservations/{held['id']}", json={"ttl_seconds": 9}),
        410,
        "reservation_expired",
    )
    # Nobody has tidied up yet; the purchase itself does.
    bought = client.post(f"/api/products/{product['id']}/purchase", json={"quantity": 4})
    assert bought.status_code == 201
    assert kinds(client, product) == [
        ("opening", 5, 0),
        ("hold", -5, 5),
        ("expiry", 5, -5),
        ("purchase", -4, 0),
    ]
    assert act(client, held["id"], "release").json["state"] == "expired"
    assert counters(client, product) == (1, 0)


@pytest.mark.parametrize("path", ["/api/purchases", "/api/reservations"])
def test_carts_and_holds_reclaim_as_well(
    client: FlaskClient, create: Create, expire: Expire, path: str
) -> None:
    """Whatever needs the units of an expired hold takes them back first."""
    product, other = create(stock=2), create(stock=9)
    held = hold(client, (product, 2), (other, 1)).json
    expire(held["id"])
    lines = [{"product_id": p["id"], "quantity": 1} for p in (product, other)]
    more = {"ttl_seconds": 60} if path == "/api/reservations" else {}
    assert client.post(path, json={"lines": lines} | more).status_code == 201
    left = (1, 1) if more else (1, 0)
    assert counters(client, product) == left
    assert client.get(f"/api/reservations/{held['id']}").get_json()["state"] == "expired"


def test_a_late_commit(client: FlaskClient, books: Books, create: Create, expire: Expire) -> None:
    """Who commits too late gets the units if they can still be had, and is told so."""
    product = create(stock=5)
    held = hold(client, (product, 3)).json
    expire(held["id"])
    sold = act(client, held["id"], "commit")
    assert sold.status_code == 201
    assert (sold.json["reacquired"], sold.json["reservation_id"]) == (True, held["id"])
    assert act(client, held["id"], "commit").json == sold.json
    assert kinds(client, product)[2:] == [("expiry", 3, -3), ("purchase", -3, 0)]
    assert counters(client, product) == (2, 0)
    assert books.count("purchases") == 1


def test_a_commit_that_is_too_late(client: FlaskClient, create: Create, expire: Expire) -> None:
    """Once the units are sold to others the reservation is gone, for this key and for good."""
    product = create(stock=5)
    held = hold(client, (product, 3)).json
    expire(held["id"])
    path = f"/api/products/{product['id']}"
    assert client.post(f"{path}/purchase", json={"quantity": 4}).status_code == 201
    first = act(client, held["id"], "commit", key="k")
    problem = assert_problem(first, 410, "reservation_expired")
    assert [(row["requested"], row["available"]) for row in problem["lines"]] == [(3, 1)]
    client.post(f"{path}/adjustments", json={"delta": 9, "reason": "received"})
    again = act(client, held["id"], "commit", key="k")
    assert (again.json, again.headers["Idempotent-Replayed"]) == (first.json, "true")
    assert act(client, held["id"], "commit", key="another").json["reacquired"] is True


def test_a_late_commit_takes_back_what_else_has_expired(
    client: FlaskClient, create: Create, expire: Expire
) -> None:
    """A late commit is not refused for want of units whose own hold has run out."""
    product = create(stock=3)
    held = hold(client, (product, 3)).json
    expire(held["id"])
    # Somebody else takes the units, and lets them run out, too.
    other = hold(client, (product, 3)).json
    assert_problem(act(client, held["id"], "commit"), 410, "reservation_expired")
    expire(other["id"])
    assert act(client, held["id"], "commit").json["reacquired"] is True
    assert counters(client, product) == (0, 0)


def test_holds_of_deleted_products_end(client: FlaskClient, create: Create) -> None:
    """What was promised before a product was deleted can still be sold or given back."""
    sold, freed = create(stock=5), create(stock=5)
    holds = [hold(client, (product, 2)).json["id"] for product in (sold, freed)]
    for product in (sold, freed):
        client.delete(f"/api/products/{product['id']}", headers={"If-Match": "*"})
    assert act(client, holds[0], "commit").status_code == 201
    assert act(client, holds[1], "release").json["state"] == "released"
    assert client.get(f"/api/products/{freed['id']}").status_code == 404
    assert_problem(hold(client, (sold, 1)), 404, "product_not_found")


def test_one_winner(client: FlaskClient, books: Books, create: Create) -> None:
    """Of commits and releases at the same moment one has its way, and all others hear of it."""
    app = client.application
    for _ in range(5):
        product = create(stock=5)
        held = hold(client, (product, 3)).json
        calls = [
            partial(act, app.test_client(), held["id"], what) for what in ("commit", "release") * 3
        ]
        answers = together(calls)
        codes = {answer.status_code for answer in answers}
        ended = client.get(f"/api/reservations/{held['id']}").get_json()["state"]
        assert codes == ({201, 409} if ended == "committed" else {200, 409})
        assert counters(client, product) == ((2, 0) if ended == "committed" else (5, 0))
        bodies = [str(answer.json) for answer in answers if answer.status_code in (200, 201)]
        assert len(bodies) == 3
        assert len(set(bodies)) == 1
        books.assert_exact(product["id"])


def test_an_expiry_and_a_commit_race(
    client: FlaskClient, books: Books, create: Create, expire: Expire
) -> None:
    """A late commit and a buyer of the same units: one of them gets them."""
    app = client.application
    for _ in range(5):
        product = create(stock=3)
        held = hold(client, (product, 3)).json
        expire(held["id"])

        path = f"/api/products/{product['id']}/purchase"
        calls: list[Callable[[], Any]] = [
            partial(app.test_client().post, path, json={"quantity": 3}),
            partial(act, app.test_client(), held["id"], "commit"),
        ]
        codes = sorted(answer.status_code for answer in together(calls))
        assert codes in ([201, 409], [201, 410])
        assert counters(client, product) == (0, 0)
        books.assert_exact(product["id"])


def test_a_hold_is_answered_exactly_once(client: FlaskClient, books: Books, create: Create) -> None:
    """A hold that is sent again with its key is the same hold, as it was answered first."""
    product = create(stock=9)
    first = hold(client, (product, 2), key="k")
    act(client, first.json["id"], "release")
    again = hold(client, (product, 2), key="k")
    assert (again.json, again.headers["Idempotent-Replayed"]) == (first.json, "true")
    assert_problem(hold(client, (product, 3), key="k"), 422, "idempotency_key_reused")
    assert books.count("reservations") == 1


@pytest.mark.parametrize("id", ["x", "66f1c0ffee66f1c0ffee0001", "66F1C0FFEE66F1C0FFEE0001"])
def test_a_reservation_that_is_not_there(client: FlaskClient, id: str) -> None:
    """Unknown and malformed ids are not found, whatever is asked of them."""
    path = f"/api/reservations/{id}"
    answers: list[Any] = [client.get(path), client.patch(path, json={"ttl_seconds": 1})]
    answers += [act(client, id, "commit"), act(client, id, "release", key="k")]
    for answer in answers:
        assert_problem(answer, 404, "reservation_not_found")


def test_what_no_commit_or_release_takes(client: FlaskClient, books: Books, create: Create) -> None:
    """A body that says something else is refused, and the hold stays as it is."""
    held = hold(client, (create(), 1)).json
    before = books.digest()
    for what, body in (
        ("commit", {"lines": []}),
        ("commit", {"lines": None}),
        ("commit", {"line": 1}),
        ("commit", []),
        ("release", {"lines": []}),
        ("release", "x"),
    ):
        assert_problem(act(client, held["id"], what, body), 422, "validation_failed")
    path = f"/api/reservations/{held['id']}"
    for ttl in (0, -1, 86_401, True, 1.0, "1", 2**70, None):
        assert_problem(client.patch(path, json={"ttl_seconds": ttl}), 422, "validation_failed")
    assert_problem(client.post(f"{path}/commit", data=b"{}"), 415, "unsupported_media_type")
    assert books.digest() == before
