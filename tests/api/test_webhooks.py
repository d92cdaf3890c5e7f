"""Webhooks through the API: made, edited, paused; what is told of their deliveries."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from inventory import limits
from tests.api.support import Books, assert_problem

URL = "https://shop.example/hooks/stock"


def make(client: FlaskClient, **fields: Any) -> Any:
    """Ask for a webhook."""
    return client.post("/api/webhooks", json={"url": URL} | fields)


def test_a_secret_is_shown_once(client: FlaskClient, books: Books) -> None:
    """The answers that make one show it, and are not to be kept; nothing else ever does."""
    made = make(client, types=["stock.out", "stock.low", "stock.out"], description="a\nb")
    shown = made.json
    first = shown.pop("secret")
    assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store")
    assert (shown["types"], shown["description"]) == (["stock.low", "stock.out"], "a\nb")
    path = made.headers["Location"]
    assert client.get(path).get_json() == shown
    assert client.get("/api/webhooks").get_json()["items"] == [shown]
    changed = client.post(f"{path}/secret")
    second = changed.get_json()["secret"]
    assert (changed.status_code, changed.headers["Cache-Control"]) == (200, "no-store")
    assert first != second
    for read in (path, "/api/webhooks", f"{path}/deliveries"):
        assert "whsec_" not in client.get(read).text
    (kept,) = books.database["webhook_endpoints"].find()
    assert [secret["value"] for secret in kept["secrets"]] == [second, first]


@pytest.mark.parametrize(
    "fields,field",
    [
        ({"url": "http://shop.example/"}, "url"),
        ({"url": "https://localhost/"}, "url"),
        ({"url": "https://169.254.169.254/"}, "url"),
        ({"url": "https://user:password@shop.example/"}, "url"),
        ({"url": "ftp://shop.example/"}, "url"),
        ({"url": f"https://shop.example/{'x' * 2_000}"}, "url"),
        ({"url": 1}, "url"),
        ({"url": None}, "url"),
        ({"types": ["test.ping"]}, "types.0"),
        ({"types": "stock.out"}, "types"),
        ({"types": ["stock.out"] * 50}, "types"),
        ({"description": "x" * 501}, "description"),
        ({"state": "paused"}, "state"),
        ({"secret": "whsec_AAAA"}, "secret"),
    ],
)
def test_what_makes_no_webhook(
    client: FlaskClient, books: Books, fields: dict[str, Any], field: str
) -> None:
    """What a webhook cannot be is refused by name, as new and as an edit; nothing is changed."""
    path = make(client).headers["Location"]
    before = books.digest()
    response = make(client, **fields)
    assert_problem(response, 422, "validation_failed")
    assert field in response.get_json()["errors"]
    if field != "state":
        response = client.patch(path, json=fields)
        assert_problem(response, 422, "validation_failed")
        assert field in response.get_json()["errors"]
    assert books.digest() == before


def test_an_edit_changes_what_it_says(client: FlaskClient) -> None:
    """And nothing else; pausing tells why and since when, resuming forgets it."""
    made = make(client, types=["stock.out"], description="x").json
    path = f"/api/webhooks/{made['id']}"
    same = {name: made[name] for name in made.keys() - {"secret", "updated_at"}}
    edited = client.patch(path, json={"url": f"{URL}/2"}).get_json()
    assert edited == same | {"url": f"{URL}/2", "updated_at": edited["updated_at"]}
    paused = client.patch(path, json={"state": "paused", "types": []}).get_json()
    assert (paused["state"], paused["paused_reason"], paused["types"]) == (
        "paused",
        "requested",
        [],
    )
    assert paused["paused_at"] == paused["updated_at"]
    resumed = client.patch(path, json={"state": "active"}).get_json()
    assert (resumed["state"], resumed["paused_reason"], resumed["paused_at"]) == (
        "active",
        None,
        None,
    )
    assert client.patch(path, json={}).get_json() == resumed


def test_there_are_not_too_many(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more than there may be is refused, until one is deleted; lists come page by page."""
    monkeypatch.setattr(limits, "WEBHOOKS_MAX", 3)
    made = [make(client).json["id"] for _ in range(3)]
    assert assert_problem(make(client), 409, "webhook_limit_reached")["limit"] == 3
    first = client.get("/api/webhooks?limit=2").get_json()
    assert [one["id"] for one in first["items"]] == made[:0:-1]
    rest = client.get(f"/api/webhooks?cursor={first['next_cursor']}").get_json()
    assert ([one["id"] for one in rest["items"]], rest["next_cursor"]) == (made[:1], None)
    assert client.delete(f"/api/webhooks/{made[0]}").status_code == 204
    assert make(client).status_code == 201


def test_deliveries_are_listed(client: FlaskClient, books: Books) -> None:
    """The newest first, page by page, by state, each to be read by itself and by no other path."""
    path = make(client).headers["Location"]
    other = make(client).headers["Location"]
    sent = [client.post(f"{path}/test") for _ in range(3)]
    assert {response.status_code for response in sent} == {202}
    ids = [response.get_json()["id"] for response in sent]
    first = client.get(f"{path}/deliveries?limit=2").get_json()
    assert [one["id"] for one in first["items"]] == ids[:0:-1]
    rest = client.get(f"{path}/deliveries?cursor={first['next_cursor']}").get_json()
    assert [one["id"] for one in rest["items"]] == ids[:1]
    assert client.get(f"{path}/deliveries?state=failed").get_json()["items"] == []
    assert len(client.get(f"{path}/deliveries?state=waiting").get_json()["items"]) == 3
    ping = client.get(f"{path}/deliveries/{ids[0]}").get_json()
    assert (ping["type"], ping["state"], ping["attempts"]) == ("test.ping", "waiting", [])
    assert (ping["event_id"], ping["sequence"], ping["product_id"]) == (ids[0], None, None)
    for wrong in (f"{other}/deliveries/{ids[0]}", f"{path}/deliveries/{'0' * 24}"):
        assert_problem(client.get(wrong), 404, "delivery_not_found")
        assert_problem(client.post(f"{wrong}/redeliver"), 404, "delivery_not_found")
    assert client.delete(path).status_code == 204
    assert books.count("webhook_deliveries") == 0
    for unknown in (path, "/api/webhooks/none", "/api/webhooks/$ne"):
        assert_problem(client.get(unknown), 404, "webhook_not_found")
        assert_problem(client.post(f"{unknown}/test"), 404, "webhook_not_found")
