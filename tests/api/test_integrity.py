"""Checks of the books over HTTP: of one product, of all, of as many as there is time for."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from inventory import limits
from inventory.api.context import Context
from tests.api.support import Books, assert_problem

Create = Callable[..., dict[str, Any]]
RIGHT = {
    "ok": True,
    "complete": True,
    "problems": [],
    "problems_total": 0,
    "next_cursor": None,
    "units": None,
}


def spoil(books: Books) -> None:
    """Let the headroom of every product be one too much."""
    books.database["stock"].update_many({}, {"$inc": {"headroom": 1}})


def buy(client: FlaskClient, product_id: str, quantity: int = 1) -> str:
    """Buy some units; return the purchase's id."""
    response = client.post(f"/api/products/{product_id}/purchase", json={"quantity": quantity})
    assert response.status_code == 201
    id: str = response.get_json()["id"]
    return id


def check(client: FlaskClient, product_id: str) -> Any:
    """Return what a check of one product comes to."""
    return client.get(f"/api/products/{product_id}/integrity").get_json()


def units(stocked: int, sold: int, available: int, held: int) -> dict[str, int]:
    """Return what became of units, as a check tells it."""
    return {"stocked": stocked, "sold": sold, "available": available, "held": held}


def test_right_books(client: FlaskClient, create: Create) -> None:
    """What was sold, held and returned through the API leaves books that are right."""
    id = create()["id"]
    sold = buy(client, id, 2)
    back = {"lines": [{"product_id": id, "quantity": 1}], "reason": "too small"}
    assert client.post(f"/api/purchases/{sold}/returns", json=back).status_code == 201
    hold = {"lines": [{"product_id": id, "quantity": 1}], "ttl_seconds": 60}
    assert client.post("/api/reservations", json=hold).status_code == 201
    assert check(client, id) == {"checked": 1, **RIGHT, "units": units(6, 2, 3, 1)}
    create()
    assert client.get("/api/integrity").get_json() == {"checked": 2, **RIGHT}


def test_wrong_books(client: FlaskClient, create: Create, books: Books) -> None:
    """What is wrong is told with its code, its product, and a sentence."""
    wrong, right = create(stock=4)["id"], create()["id"]
    books.database["stock"].update_one({"available": 4}, {"$inc": {"held": 3}})
    expected = {
        "ok": False,
        "complete": True,
        "checked": 2,
        "problems": [
            {
                "code": "held_differs",
                "product_id": wrong,
                "detail": "Held: 3, where the books come to 0.",
            }
        ],
        "problems_total": 1,
        "next_cursor": None,
        "units": None,
    }
    assert client.get("/api/integrity").get_json() == expected
    assert check(client, wrong) == expected | {"checked": 1, "units": units(4, 0, 4, 3)}
    assert check(client, right) == {"checked": 1, **RIGHT, "units": units(5, 0, 5, 0)}


def test_deleted_products_are_checked(client: FlaskClient, create: Create) -> None:
    """A product that left the catalogue keeps its books, and they are checked."""
    id = create()["id"]
    buy(client, id)
    assert client.delete(f"/api/products/{id}", headers={"If-Match": "*"}).status_code == 204
    assert check(client, id) == {"checked": 1, **RIGHT, "units": units(5, 1, 4, 0)}
    assert client.get("/api/integrity").get_json() == {"checked": 1, **RIGHT}


@pytest.mark.parametrize("id", ["0" * 24, "f" * 24, "nothing"])
def test_products_that_never_were(client: FlaskClient, id: str) -> None:
    """There are no books of a product that never was."""
    assert_problem(client.get(f"/api/products/{id}/integrity"), 404, "product_not_found")


def test_very_many_problems_are_counted(
    client: FlaskClient, create: Create, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much is wrong the answer stays small and says how much there is."""
    monkeypatch.setattr(limits, "PROBLEMS_ANSWERED_MAX", 2)
    for _ in range(5):
        create()
    spoil(books)
    answer = client.get("/api/integrity").get_json()
    assert (len(answer["problems"]), answer["problems_total"], answer["ok"]) == (2, 5, False)


def test_a_check_that_has_no_time_left_goes_on_by_its_cursor(
    client: FlaskClient, create: Create, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Walking from cursor to cursor checks every product exactly once."""
    for _ in range(5):
        create()
    monkeypatch.setattr(limits, "CHECK_REQUEST_PRODUCTS", 2)
    auditing = installed(app).auditing
    spans: list[object] = []
    original = auditing._examine_next

    def one_span(high: str | None, deadline: float) -> Any:
        # The time is up after the first span of each check.
        spans.append(high)
        return original(high, deadline if len(spans) % 2 else 0.0)

    monkeypatch.setattr(auditing, "_examine_next", one_span)
    checked, cursor = [], ""
    while True:
        answer = client.get(f"/api/integrity{cursor}").get_json()
        assert answer["ok"]
        checked.append(answer["checked"])
        if answer["next_cursor"] is None:
            break
        assert not answer["complete"]
        cursor = f"?cursor={answer['next_cursor']}"
    assert (checked, answer["complete"]) == ([2, 2, 1], True)


def test_a_product_that_is_too_much_for_a_request(
    client: FlaskClient, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be checked in time is not said to be right, and the round does not go on."""
    id = create()["id"]
    monkeypatch.setattr(limits, "CHECK_REQUEST_SECONDS", -1.0)
    nothing = RIGHT | {"ok": False, "complete": False, "checked": 0}
    assert client.get(f"/api/products/{id}/integrity").get_json() == nothing
    assert client.get("/api/integrity").get_json() == nothing
    assert client.get(f"/api/integrity?cursor={id}").get_json() == nothing


def test_one_check_of_all_at_a_time(client: FlaskClient, app: Flask) -> None:
    """While a process checks all books it turns away whoever wants the same."""
    with installed(app).auditing._busy:
        response = client.get("/api/integrity")
    assert_problem(response, 503, "overloaded")
    assert client.get("/api/integrity").status_code == 200


def installed(app: Flask) -> Context:
    """Return what the views of the app call."""
    found: Context = app.extensions["inventory"]
    return found
