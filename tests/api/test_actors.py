"""Who did it: a movement names the key that asked for it, and none if nobody did."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId
from flask.testing import FlaskClient

from inventory.domain.keys import Scope
from inventory.services.keys import Keyring
from tests.api.conftest import Create
from tests.api.support import Books


@dataclass(frozen=True)
class Client:
    """Somebody with a key."""

    id: str
    headers: dict[str, str]
    http: FlaskClient

    def post(self, path: str, body: Any = None, key: str | None = None) -> Any:
        """Ask for a change; return what was answered."""
        headers = self.headers | ({"Idempotency-Key": key} if key else {})
        response = self.http.post(path, json={} if body is None else body, headers=headers)
        assert response.status_code < 300, response.get_json()
        return response.get_json()

    def product(self, **fields: Any) -> str:
        """Create a product; return its id."""
        body = {"name": "Air Runner", "price": "19.90", "stock": 9} | fields
        return str(self.post("/api/products", body)["id"])

    def actors(self, product_id: str) -> list[tuple[str, str | None]]:
        """Return kind and actor of a product's movements, the oldest first."""
        path = f"/api/products/{product_id}/movements"
        rows = self.http.get(path, headers=self.headers).get_json()["items"]
        return [(row["kind"], row["actor"]) for row in reversed(rows)]


Known = Callable[[str], Client]


@pytest.fixture(name="known")
def _known(guarded: FlaskClient, keyring: Keyring) -> Known:
    """Give somebody a key that may do everything."""

    def known(name: str) -> Client:
        key, secret = keyring.issue(name, [Scope.ADMIN])
        return Client(key.id, {"Authorization": f"Bearer {secret}"}, guarded)

    return known


def lines(*product_ids: str) -> list[dict[str, Any]]:
    """Return a line with one unit of each product."""
    return [{"product_id": id, "quantity": 1} for id in product_ids]


def test_a_purchase_and_an_adjustment_name_their_keys(known: Known) -> None:
    """Each movement names the key of its own request, the opening stock included."""
    ann, ben = known("ann"), known("ben")
    id = ann.product()
    ben.post(f"/api/products/{id}/purchase", {"quantity": 1})
    adjusted = ann.post(f"/api/products/{id}/adjustments", {"delta": 2, "reason": "found"})
    assert adjusted["actor"] == ann.id
    assert ann.actors(id) == [("opening", ann.id), ("purchase", ben.id), ("adjustment", ann.id)]


def test_a_product_that_was_created_under_a_key_names_it_too(known: Known) -> None:
    """It makes no difference to the opening stock whether the request could be repeated."""
    ann = known("ann")
    created = ann.post("/api/products", {"name": "Cap", "price": "5", "stock": 1}, key="c")
    assert ann.actors(created["id"]) == [("opening", ann.id)]


def test_a_cart_and_what_comes_back_of_it_name_their_keys(known: Known) -> None:
    """Every line of a cart, and every return."""
    ann, ben = known("ann"), known("ben")
    first, second = ann.product(), ann.product()
    cart = ben.post("/api/purchases", {"lines": lines(first, second)})
    back = {"lines": lines(first), "reason": "too small"}
    ann.post(f"/api/purchases/{cart['id']}/returns", back)
    assert ann.actors(first)[1:] == [("purchase", ben.id), ("return", ann.id)]
    assert ann.actors(second)[1:] == [("purchase", ben.id)]


def test_a_limited_product_names_its_buyer_as_well(known: Known) -> None:
    """What the counters alone cannot decide is put down to the same key as what they can."""
    ann, ben = known("ann"), known("ben")
    id = ann.product(max_per_customer={"quantity": 2, "window_seconds": 60})
    ben.post(f"/api/products/{id}/purchase", {"quantity": 1, "customer_id": "c"})
    assert ann.actors(id)[1:] == [("purchase", ben.id)]


def test_a_hold_and_its_ends_name_their_keys(known: Known) -> None:
    """Whoever held, bought or released; who buys a part of a hold releases the rest of it."""
    ann, ben = known("ann"), known("ben")
    id = ann.product()
    wanted = {"lines": [{"product_id": id, "quantity": 2}], "ttl_seconds": 60}
    bought, released = (ann.post("/api/reservations", wanted)["id"] for _ in range(2))
    ben.post(f"/api/reservations/{bought}/commit", {"lines": lines(id)})
    ben.post(f"/api/reservations/{released}/release")
    assert ann.actors(id)[1:] == [
        ("hold", ann.id),
        ("hold", ann.id),
        ("release", ben.id),
        ("commit", ben.id),
        ("release", ben.id),
    ]


def test_nobody_lets_a_hold_run_out(known: Known, books: Books) -> None:
    """Time did, also where it was a request that noticed; what that bought is its own."""
    ann, ben = known("ann"), known("ben")
    id = ann.product()
    held = ann.post("/api/reservations", {"lines": lines(id), "ttl_seconds": 60})
    past = datetime.now(UTC) - timedelta(seconds=1)
    books.database["reservations"].update_one(
        {"_id": ObjectId(held["id"])}, {"$set": {"expires_at": past}}
    )
    bought = ben.post(f"/api/reservations/{held['id']}/commit")
    assert bought["reacquired"]
    assert ann.actors(id)[1:] == [("hold", ann.id), ("expiry", None), ("purchase", ben.id)]


def test_a_stocktake_names_its_key(known: Known) -> None:
    """The difference was found by whoever counted."""
    ann, ben = known("ann"), known("ben")
    id = ann.product()
    ben.post("/api/stocktakes", {"lines": [{"product_id": id, "counted": 7}]})
    assert ann.actors(id)[1:] == [("stocktake", ben.id)]


def test_an_import_names_its_key(known: Known) -> None:
    """New products and changed ones alike."""
    ann, ben = known("ann"), known("ben")
    old = ann.product(sku="OLD")
    rows = [{"sku": "OLD", "stock": 4}, {"sku": "NEW", "name": "Cap", "price": "5", "stock": 3}]
    done = ben.post("/api/products/bulk", rows)
    new = done["results"][1]["id"]
    assert ann.actors(old)[1:] == [("adjustment", ben.id)]
    assert ann.actors(new) == [("opening", ben.id)]


def test_a_replay_names_whoever_asked_first(known: Known) -> None:
    """A second key of the same client that repeats a request takes nothing and signs nothing."""
    first, second = known("shop"), known("shop")
    id = first.product()
    for client in (first, second):
        answered = client.post(
            f"/api/products/{id}/adjustments", {"delta": 1, "reason": "found"}, key="once"
        )
        assert answered["actor"] == first.id
    assert first.actors(id)[1:] == [("adjustment", first.id)]


def test_who_need_not_say_who_they_are_are_nobody(client: FlaskClient, create: Create) -> None:
    """Where no keys are asked for, no movement names one."""
    id = create()["id"]
    client.post(f"/api/products/{id}/purchase", json={"quantity": 1})
    client.post("/api/stocktakes", json={"lines": [{"product_id": id, "counted": 1}]})
    rows = client.get(f"/api/products/{id}/movements").get_json()["items"]
    assert [row["actor"] for row in rows] == [None] * 3
