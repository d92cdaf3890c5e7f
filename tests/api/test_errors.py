"""Problem documents: one shape for every error, no word of what lies beneath."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pymongo.errors import OperationFailure

from inventory.app import close_app, create_app
from inventory.settings import Settings
from tests.api.conftest import Create
from tests.api.support import PROBLEM_MEMBERS, assert_problem

NEW_ID = re.compile(r"[0-9a-f]{32}")


@pytest.mark.parametrize("method, path, allowed", [
    ("PUT", "/api/products", {"GET", "HEAD", "OPTIONS", "POST"}),
    ("DELETE", "/api/products", {"GET", "HEAD", "OPTIONS", "POST"}),
    ("POST", "/api/products/x", {"GET", "HEAD", "OPTIONS", "PATCH", "DELETE"}),
    ("PUT", "/api/products/x", {"GET", "HEAD", "OPTIONS", "PATCH", "DELETE"}),
    ("GET", "/api/products/x/purchase", {"OPTIONS", "POST"}),
    ("GET", "/api/products/x/adjustments", {"OPTIONS", "POST"}),
    ("POST", "/api/products/x/stock", {"GET", "HEAD", "OPTIONS"}),
    ("DELETE", "/api/products/x/movements", {"GET", "HEAD", "OPTIONS"}),
    ("DELETE", "/api/purchases/x", {"GET", "HEAD", "OPTIONS"}),
    ("POST", "/healthz", {"GET", "HEAD", "OPTIONS"}),
    ("TRACE", "/api/products", {"GET", "HEAD", "OPTIONS", "POST"}),
])  # fmt: skip
def test_a_method_that_is_not_allowed(
    client: FlaskClient, method: str, path: str, allowed: set[str]
) -> None:
    """A method that a resource does not have is refused with the list of those that it has."""
    answer = client.open(path, method=method)
    assert_problem(answer, 405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize("path", [
    "/", "/api", "/api/", "/api/products/", "//api/products", "/api//products", "/API/products",
    "/api/products/x/", "/api/products/x/buy", "/api/reservations/x/extend", "/api/products/a/b/c",
    "/api/products/..%2f..%2fetc%2fpasswd", "/api/%F0%9F%A6%84", "/%00", "/%ff",
])  # fmt: skip
def test_a_path_that_leads_nowhere(client: FlaskClient, path: str) -> None:
    """An address without a resource gets a problem document of its own, not a page."""
    for method in ("GET", "POST", "DELETE"):
        # The client takes what follows two slashes for a host.
        answer = client.open(path, method=method, headers={"Host": "localhost"})
        assert_problem(answer, 404, "not_found")


@pytest.mark.parametrize("sent", [
    "a", "request-1", "0123456789abcdef", "a.b:c/d+e=f_g", "x" * 128,
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
])  # fmt: skip
def test_a_sane_request_id_is_kept(client: FlaskClient, sent: str) -> None:
    """A request keeps the id that its caller gave it, in the answer and in a problem."""
    headers = {"X-Request-ID": sent}
    for path in ("/healthz", "/api/products", "/api/products/x"):
        answer = client.get(path, headers=headers)
        assert answer.headers["X-Request-ID"] == sent
    assert assert_problem(answer, 404, "product_not_found")["request_id"] == sent


@pytest.mark.parametrize("sent", [
    None, "", " ", "x" * 129, "a b", "a\tb", 'a"b', "<script>", "é", "a;b", "a,b", "{}", "a\x1bb",
])  # fmt: skip
def test_any_other_request_id_is_replaced(client: FlaskClient, sent: str | None) -> None:
    """A request id that could do harm in a log is replaced by a new one, each time another."""
    headers = {} if sent is None else {"X-Request-ID": sent}
    answers = [client.get("/api/products/x", headers=headers) for _ in range(2)]
    ids = [answer.headers["X-Request-ID"] for answer in answers]
    assert all(NEW_ID.fullmatch(id) for id in ids)
    assert len(set(ids)) == 2
    for answer, id in zip(answers, ids, strict=True):
        assert assert_problem(answer, 404, "product_not_found")["request_id"] == id


def test_the_members_of_problems(client: FlaskClient, create: Create) -> None:
    """Each problem has the documented members, its own facts beside them, and nothing more."""
    product = create(stock=1, max_per_order=2, sku="A-1")
    path = f"/api/products/{product['id']}"
    facts = {"product_id", "requested"}
    cap = {"name": "Cap", "price": "5", "stock": 1}
    change = {"delta": 1, "reason": "found"}
    stale = {"If-Match": '"9-9"'}
    for answer, status, code, more in [
        (client.get("/api/products/x"), 404, "product_not_found", {"product_id", "product_ids"}),
        (client.get("/api/purchases/x"), 404, "purchase_not_found", {"purchase_id"}),
        (
            client.post(f"{path}/purchase", json={"quantity": 2}),
            409, "insufficient_stock",
            {*facts, "available", "held", "next_release_at", "lines"},
        ),
        (
            client.post(f"{path}/purchase", json={"quantity": 3}),
            409, "purchase_limit_exceeded", {*facts, "limit", "already", "window_seconds"},
        ),
        (
            client.post(f"{path}/adjustments", json=change | {"expected_stock": 9}),
            409, "stale_stock", {"product_id", "expected", "available"},
        ),
        (client.post("/api/products", json=cap | {"sku": "A-1"}), 409, "duplicate_sku", {"sku"}),
        (
            client.patch(path, json={"name": "Cap"}, headers=stale),
            412, "stale_version", {"current_version"},
        ),
        (client.patch(path, json={"name": "Cap"}), 428, "precondition_required", set()),
        (client.post("/api/products", json={}), 422, "validation_failed", {"errors"}),
        (client.post("/api/products", data=b""), 415, "unsupported_media_type", set()),
        (
            client.post("/api/products", data=b"{", content_type="application/json"),
            400, "malformed_json", set(),
        ),
    ]:  # fmt: skip
        problem = assert_problem(answer, status, code)
        assert problem.keys() == PROBLEM_MEMBERS | more
        assert problem["title"]
        assert problem["detail"]


class Broken:
    """An app with routes that fail in ways that nobody has foreseen."""

    SECRET = "secret-of-the-database"  # noqa: S105 - it is a word to look for

    def __init__(self, app: Flask) -> None:
        app.add_url_rule("/broken/mistake", view_func=self.mistake)
        app.add_url_rule("/broken/driver", view_func=self.driver)
        self.client = app.test_client()

    def mistake(self) -> Any:
        raise RuntimeError(self.SECRET)

    def driver(self) -> Any:
        raise OperationFailure(self.SECRET, 13, {"errmsg": self.SECRET})


@pytest.fixture(name="broken")
def _broken(settings: Settings) -> Iterator[Broken]:
    app = create_app(settings)
    yield Broken(app)
    close_app(app)


@pytest.mark.parametrize("path", ["/broken/mistake", "/broken/driver"])
def test_a_mistake_of_ours(broken: Broken, path: str, caplog: pytest.LogCaptureFixture) -> None:
    """What nobody has foreseen is a 500 that says nothing of what went wrong."""
    answer = broken.client.get(path, headers={"X-Request-ID": "request-1"})
    problem = assert_problem(answer, 500, "internal_server_error")
    assert problem.keys() == PROBLEM_MEMBERS
    assert problem["request_id"] == answer.headers["X-Request-ID"] == "request-1"
    shown = answer.get_data(as_text=True) + str(answer.headers)
    for word in (Broken.SECRET, "RuntimeError", "OperationFailure", "Traceback", ".py", "pymongo"):
        assert word not in shown
    assert not [record for record in caplog.records if Broken.SECRET in record.getMessage()]
