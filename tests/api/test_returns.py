"""Returns over HTTP: never more than was bought, on sale again or not."""

from functools import partial
from typing import Any

import pytest
from flask.testing import FlaskClient

from inventory import limits
from tests.api.conftest import Create
from tests.api.support import Books, assert_problem, together


def give_back(
    client: FlaskClient,
    purchase: dict[str, Any],
    *lines: tuple[dict[str, Any], int],
    key: str | None = None,
    **more: Any,
) -> Any:
    """Give units of a purchase back."""
    body = {
        "lines": [{"product_id": p["id"], "quantity": quantity} for p, quantity in lines],
        "reason": "too small",
    }
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post(
        f"/api/purchases/{purchase['id']}/returns", json=body | more, headers=headers
    )


def buy(client: FlaskClient, *lines: tuple[dict[str, Any], int]) -> dict[str, Any]:
    """Buy a cart."""
    wanted = [{"product_id": product["id"], "quantity": quantity} for product, quantity in lines]
    answer = client.post("/api/purchases", json={"lines": wanted, "customer_id": "ann"})
    assert answer.status_code == 201
    bought: dict[str, Any] = answer.get_json()
    return bought


def test_a_return(client: FlaskClient, books: Books, create: Create) -> None:
    """Units come back to the stock, with a movement that says whose they were and why."""
    product = create(stock=5)
    bought = buy(client, (product, 3))
    answer = give_back(client, bought, (product, 2))
    assert answer.status_code == 201
    back = answer.json
    assert back == {
        "id": back["id"],
        "purchase_id": bought["id"],
        "lines": [{"product_id": product["id"], "quantity": 2, "remaining": 1}],
        "reason": "too small",
        "restocked": True,
        "created_at": back["created_at"],
    }
    row = client.get(f"/api/products/{product['id']}/movements").get_json()["items"][0]
    assert (row["kind"], row["delta"], row["reason"]) == ("return", 2, "too small")
    assert (row["purchase_id"], row["customer_id"]) == (bought["id"], "ann")
    assert books.counters(product["id"])[0] == 4
    books.assert_exact(product["id"])
    (line,) = client.get(f"/api/purchases/{bought['id']}").get_json()["lines"]
    assert line["returned"] == 2


def test_what_is_broken_is_not_sold_again(
    client: FlaskClient, books: Books, create: Create
) -> None:
    """Without restocking the units are counted as returned, and the stock stays as it is."""
    product = create(stock=5)
    bought = buy(client, (product, 3))
    assert give_back(client, bought, (product, 3), restock=False).json["restocked"] is False
    assert books.counters(product["id"]) == (2, 2)
    assert_problem(give_back(client, bought, (product, 1)), 409, "return_exceeds_purchased")


def test_a_return_of_more_than_was_bought(
    client: FlaskClient, books: Books, create: Create
) -> None:
    """Nobody gives back more than was bought and not given back yet, by no line and by no sum."""
    product, other, never = create(stock=5), create(stock=5), create(stock=5)
    bought = buy(client, (product, 3), (other, 1))
    give_back(client, bought, (product, 2))
    before = books.counters(product["id"])
    for lines, excess in (
        ([(product, 2)], [(product["id"], 2, 1)]),
        ([(product, 1), (product, 1)], [(product["id"], 2, 1)]),
        ([(product, 1), (other, 2), (never, 1)], [(other["id"], 2, 1), (never["id"], 1, 0)]),
    ):
        problem = assert_problem(give_back(client, bought, *lines), 409, "return_exceeds_purchased")
        told = [(row["product_id"], row["requested"], row["remaining"]) for row in problem["lines"]]
        assert told == excess
    assert books.counters(product["id"]) == before
    assert books.count("returns") == 1


def test_returns_at_the_same_moment(client: FlaskClient, books: Books, create: Create) -> None:
    """Of many who give the same units back at once, as many succeed as there are units."""
    product = create(stock=5)
    bought = buy(client, (product, 3))
    app = client.application
    calls = [partial(give_back, app.test_client(), bought, (product, 1)) for _ in range(8)]
    answers = together(calls)
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 5
    assert books.counters(product["id"])[0] == 5
    books.assert_exact(product["id"])


def test_a_return_is_taken_once(client: FlaskClient, books: Books, create: Create) -> None:
    """A return that is sent again with its key changes nothing more."""
    product = create(stock=5)
    bought = buy(client, (product, 3))
    first = give_back(client, bought, (product, 1), key="k")
    again = give_back(client, bought, (product, 1), key="k")
    assert (again.json, again.headers["Idempotent-Replayed"]) == (first.json, "true")
    assert books.counters(product["id"])[0] == 3
    assert books.count("returns") == 1


def test_returns_to_a_deleted_product(client: FlaskClient, create: Create) -> None:
    """What was bought can be given back after the product has left the catalogue."""
    product = create(stock=5)
    bought = buy(client, (product, 2))
    client.delete(f"/api/products/{product['id']}", headers={"If-Match": "*"})
    assert give_back(client, bought, (product, 1)).status_code == 201
    row = client.get(f"/api/products/{product['id']}/movements").get_json()["items"][0]
    assert (row["kind"], row["balance"]) == ("return", 4)
    assert client.get(f"/api/products/{product['id']}").status_code == 404


def test_a_return_beyond_what_is_counted(
    client: FlaskClient, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stock that is as high as it is counted takes nothing back."""
    product = create(stock=5)
    bought = buy(client, (product, 2))
    monkeypatch.setattr(limits, "STOCK_MAX", 4)
    assert_problem(give_back(client, bought, (product, 2)), 409, "stock_limit_exceeded")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"lines": [], "reason": "x"},
        {"lines": [{"product_id": "x", "quantity": 0}], "reason": "x"},
        {"lines": [{"product_id": "x", "quantity": 1}]},
        {"lines": [{"product_id": "x", "quantity": 1}], "reason": ""},
        {"lines": [{"product_id": "x", "quantity": 1}], "reason": "x" * 65},
        {"lines": [{"product_id": "x", "quantity": 1}], "reason": "x", "restock": "true"},
        {"lines": [{"product_id": "x", "quantity": 1}], "reason": "x", "restock": 1},
        {"lines": [{"product_id": "x", "quantity": 1}], "reason": "x", "restock": None},
        {"lines": [{"sku": "x", "quantity": 1}], "reason": "x"},
        {"lines": [{"product_id": "x", "quantity": 1}] * 101, "reason": "x"},
    ],
)
def test_what_no_return_is(client: FlaskClient, create: Create, body: Any) -> None:
    """A return without lines, without a reason or with nonsense in it is refused."""
    bought = buy(client, (create(), 1))
    answer = client.post(f"/api/purchases/{bought['id']}/returns", json=body)
    assert_problem(answer, 422, "validation_failed")
