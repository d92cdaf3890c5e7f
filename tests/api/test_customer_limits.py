"""How many units one customer may have within a window of time, whatever way they go."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from flask.testing import FlaskClient

from tests.api.conftest import Create
from tests.api.support import Books, assert_problem, together

TWO_A_DAY = {"quantity": 2, "window_seconds": 86_400}


def buy(client: FlaskClient, product: dict[str, Any], quantity: int, who: str | None) -> Any:
    """Buy units of one product."""
    body = {"quantity": quantity, "customer_id": who}
    return client.post(f"/api/products/{product['id']}/purchase", json=body)


def ask(
    client: FlaskClient, path: str, who: str | None, *wanted: tuple[dict[str, Any], int]
) -> Any:
    """Ask for a cart or a hold."""
    lines = [{"product_id": product["id"], "quantity": quantity} for product, quantity in wanted]
    body = {"lines": lines, "customer_id": who}
    return client.post(path, json=body | ({"ttl_seconds": 60} if "reserv" in path else {}))


def test_a_limit_counts_everything(client: FlaskClient, books: Books, create: Create) -> None:
    """Purchases, carts and open holds count together, for each customer and product."""
    product, other = create(stock=99, max_per_customer=TWO_A_DAY), create(stock=99)
    assert buy(client, product, 1, "ann").status_code == 201
    held = ask(client, "/api/reservations", "ann", (product, 1), (other, 5)).json
    for answer in (
        buy(client, product, 1, "ann"),
        ask(client, "/api/purchases", "ann", (product, 1), (other, 1)),
        ask(client, "/api/reservations", "ann", (product, 1)),
    ):
        problem = assert_problem(answer, 409, "purchase_limit_exceeded")
        assert (problem["requested"], problem["limit"], problem["already"]) == (1, 2, 2)
        assert problem["window_seconds"] == 86_400
    assert buy(client, product, 2, "bob").status_code == 201
    assert buy(client, other, 9, "ann").status_code == 201
    # What is given back of a hold may be had once more; what is committed counts once.
    client.post(f"/api/reservations/{held['id']}/release")
    held = ask(client, "/api/reservations", "ann", (product, 1)).json
    assert client.post(f"/api/reservations/{held['id']}/commit").status_code == 201
    assert_problem(buy(client, product, 1, "ann"), 409, "purchase_limit_exceeded")
    books.assert_exact(product["id"])


def test_nobody_is_nobody(client: FlaskClient, create: Create) -> None:
    """Who wants units of a limited product has to say for whom, whatever way they go."""
    product, other = create(stock=9, max_per_customer=TWO_A_DAY), create(stock=9)
    for answer in (
        buy(client, product, 1, None),
        ask(client, "/api/purchases", None, (other, 1), (product, 1)),
        ask(client, "/api/reservations", None, (product, 1)),
    ):
        problem = assert_problem(answer, 422, "customer_id_required")
        assert problem["product_id"] == product["id"]


def test_a_crowd_of_one(client: FlaskClient, books: Books, create: Create) -> None:
    """One customer who asks in many ways at once gets what one customer may have."""
    product, other = create(stock=99, max_per_customer=TWO_A_DAY), create(stock=99)
    app = client.application

    def one_way(way: int) -> Any:
        asking = app.test_client()
        if way % 3 == 0:
            return buy(asking, product, 1, "ann")
        path = "/api/purchases" if way % 3 == 1 else "/api/reservations"
        return ask(asking, path, "ann", (product, 1), (other, 1))

    answers = together([partial(one_way, way) for way in range(12)])
    assert sorted(answer.status_code for answer in answers) == [201] * 2 + [409] * 10
    assert books.counters(product["id"])[0] == 97
    books.assert_exact(product["id"])


def test_the_window_moves_on(client: FlaskClient, books: Books, create: Create) -> None:
    """What was bought before the window does not count any more, an open hold does."""
    product = create(stock=99, max_per_customer=TWO_A_DAY)
    assert buy(client, product, 2, "ann").status_code == 201
    assert_problem(buy(client, product, 1, "ann"), 409, "purchase_limit_exceeded")
    yesterday = datetime.now(UTC) - timedelta(days=1, seconds=1)
    books.database["purchases"].update_many({}, {"$set": {"created_at": yesterday}})
    earlier = {"tail.$[].at": yesterday, "trimmed_at": yesterday}
    books.database["stock"].update_many({}, {"$set": earlier})
    held = ask(client, "/api/reservations", "ann", (product, 2))
    assert held.status_code == 201
    books.database["reservations"].update_many({}, {"$set": {"created_at": yesterday}})
    assert_problem(buy(client, product, 1, "ann"), 409, "purchase_limit_exceeded")


def test_a_limit_that_comes_later(client: FlaskClient, books: Books, create: Create) -> None:
    """What was bought before there was a limit counts, be it in the ledger by then or not."""
    product = create(stock=99)
    path = f"/api/products/{product['id']}"
    assert buy(client, product, 2, "ann").status_code == 201
    answer = client.patch(path, json={"max_per_customer": TWO_A_DAY}, headers={"If-Match": "*"})
    assert answer.status_code == 200
    # As if the process had died before it could archive the sale.
    books.database["purchases"].delete_many({})
    books.database["movements"].delete_many({"kind": "purchase"})
    assert_problem(buy(client, product, 1, "ann"), 409, "purchase_limit_exceeded")
    client.patch(path, json={"max_per_customer": None}, headers={"If-Match": "*"})
    assert buy(client, product, 1, "ann").status_code == 201
    assert client.get(f"{path}/movements").status_code == 200
    books.assert_exact(product["id"])


def test_sold_out_comes_before_the_limit_of_others(client: FlaskClient, create: Create) -> None:
    """Of a limited product as of any other no more is sold than there is."""
    product = create(stock=1, max_per_customer=TWO_A_DAY)
    assert_problem(buy(client, product, 2, "ann"), 409, "insufficient_stock")
    assert buy(client, product, 1, "ann").status_code == 201
    assert_problem(buy(client, product, 1, "bob"), 409, "insufficient_stock")
