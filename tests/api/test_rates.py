"""Limits of rates over HTTP: who is counted how, what is refused, and what clients hear of it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from inventory import limits
from inventory.api.context import context_of
from inventory.api.contract import contract_of
from inventory.api.problems import RateLimited
from inventory.api.rates import HEADERS, network_of
from inventory.app import close_app, create_app
from inventory.bookkeeping import opened
from inventory.domain.keys import ANYBODY, Principal, Scope, new_secret
from inventory.settings import Settings
from tests.api.support import Books, assert_problem

Open = Callable[..., Flask]
Create = Callable[..., dict[str, Any]]

NOWHERE = "/api/products/66f1c0ffee66f1c0ffee0001"


@pytest.fixture(name="open_app")
def _open_app(settings: Settings) -> Iterator[Open]:
    """Open an app with limits, over empty stores."""
    apps: list[Flask] = []

    def open_app(**changes: Any) -> Flask:
        apps.append(create_app(replace(settings, **changes)))
        return apps[-1]

    yield open_app
    for app in apps:
        close_app(app)


def statuses(client: FlaskClient, times: int, path: str = NOWHERE, **sent: Any) -> list[int]:
    """Read a path several times; return the statuses."""
    return [client.get(path, **sent).status_code for _ in range(times)]


def of(address: str) -> dict[str, Any]:
    """Return what makes a request come from an address."""
    return {"environ_base": {"REMOTE_ADDR": address}}


def test_requests_beyond_the_limit_are_refused(open_app: Open) -> None:
    """Answers count down, whatever they say; then comes a 429 that says when there is room."""
    client = open_app(rate_per_address=4).test_client()
    answers = [
        client.get(NOWHERE),
        client.get("/api/products"),
        client.post("/api/products", data=b"{"),
        client.get("/api/products?limit=x"),
        client.get("/api/products"),
    ]
    assert [answer.status_code for answer in answers] == [404, 200, 415, 422, 429]
    told = [[answer.headers[name] for name in HEADERS[:2]] for answer in answers]
    assert told == [["4", "3"], ["4", "2"], ["4", "1"], ["4", "0"], ["4", "0"]]
    assert all(0 < int(answer.headers[HEADERS[2]]) <= 120 for answer in answers)
    problem = assert_problem(answers[-1], 429, "rate_limited")
    wait = answers[-1].headers["Retry-After"]
    assert 0 < int(wait) <= 75
    assert f"in {wait} s" in problem["detail"]
    assert answers[-1].headers["X-Request-ID"] == problem["request_id"]
    assert not any("Retry-After" in answer.headers for answer in answers[:-1])


def test_a_refusal_comes_before_the_body(open_app: Open) -> None:
    """Nothing of a request beyond the limit is looked at."""
    client = open_app(rate_per_address=1).test_client()
    client.get(NOWHERE)
    for sent in ({"data": b"{"}, {"json": {"name": 1}}, {"data": b"x" * 100_000}):
        assert_problem(client.post("/api/products", **sent), 429, "rate_limited")


def test_a_refused_purchase_did_nothing(
    open_app: Open, create: Create, client: FlaskClient, books: Books
) -> None:
    """The stock stays as it is, and the same key later buys as if it came for the first time."""
    path = f"/api/products/{create(stock=5)['id']}/purchase"
    narrow = open_app(purchase_rate_per_address=2).test_client()
    bought = [
        narrow.post(path, json={"quantity": 1}, headers={"Idempotency-Key": f"k{number}"})
        for number in range(2)
    ]
    assert [answer.status_code for answer in bought] == [201, 201]
    before = books.digest()
    for number in range(2, 40):
        key = {"Idempotency-Key": f"k{number}"}
        assert_problem(narrow.post(path, json={"quantity": 1}, headers=key), 429, "rate_limited")
    assert books.digest() == before
    # A worker without limits stands for later.
    later = client.post(path, json={"quantity": 1}, headers={"Idempotency-Key": "k2"})
    assert later.status_code == 201
    assert "Idempotent-Replayed" not in later.headers
    assert later.json is not None
    assert later.json["remaining_stock"] == 2


def test_what_takes_stock_is_limited_by_itself(open_app: Open, create: Create) -> None:
    """Purchases, carts and holds count together; reads and other changes go on."""
    id = create(stock=9)["id"]
    client = open_app(rate_per_address=100, purchase_rate_per_address=3).test_client()
    lines = {"lines": [{"product_id": id, "quantity": 1}]}
    bodies = {
        f"/api/products/{id}/purchase": {"quantity": 1},
        "/api/purchases": lines,
        "/api/reservations": lines | {"ttl_seconds": 60},
    }
    answers = [client.post(path, json=body) for path, body in bodies.items()]
    assert [answer.status_code for answer in answers] == [201] * 3
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["2", "1", "0"]
    for path, body in bodies.items():
        refused = client.post(path, json=body)
        assert_problem(refused, 429, "rate_limited")
        assert refused.headers["X-RateLimit-Limit"] == "3"
    received = {"delta": 1, "reason": "received"}
    assert client.post(f"/api/products/{id}/adjustments", json=received).status_code == 201
    read = client.get(f"/api/products/{id}")
    assert (read.status_code, read.json and read.json["stock"]) == (200, 7)
    # Three that were refused are not counted among all, either.
    assert read.headers["X-RateLimit-Remaining"] == "95"


def test_operators_are_never_limited(open_app: Open) -> None:
    """Health, metrics and documents are answered however often they are asked for."""
    app = open_app(rate_per_address=1)
    client = app.test_client()
    assert statuses(client, 2) == [404, 429]
    free = ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/problems/rate_limited"]
    for path in free:
        answers = [client.get(path) for _ in range(3)]
        assert {answer.status_code for answer in answers} == {200}
        assert not any(name in answer.headers for answer in answers for name in HEADERS)
    counted = re.search(
        r"^inventory_requests_limited_total (\S+)$", client.get("/metrics").text, re.M
    )
    assert counted is not None
    assert float(counted[1]) == 1


def test_only_what_needs_no_store_is_free(app: Flask) -> None:
    """Every operation under /api is limited, and nothing else is.

    But for the overview, which is made once for all who ask.
    """
    for rule in app.url_map.iter_rules():
        promised = contract_of(app.view_functions[rule.endpoint])
        limited = promised is not None and RateLimited in promised.implied_problems()
        assert limited == (rule.rule.startswith("/api/") and rule.rule != "/api/overview")


def test_without_limits_nobody_is_told_of_them(app: Flask, client: FlaskClient) -> None:
    """Where none is set, which is the default, no answer speaks of limits."""
    assert not context_of(app).rates.limits_requests
    answer = client.get(NOWHERE)
    assert not any(name in answer.headers for name in HEADERS)


def test_an_ipv6_network_is_one_client(open_app: Open) -> None:
    """All addresses of a /64 have one limit; others, and IPv4, have their own."""
    client = open_app(rate_per_address=2).test_client()
    assert statuses(client, 1, **of("2001:db8:1:2::1")) == [404]
    assert statuses(client, 1, **of("2001:db8:1:2:ffff:ffff:ffff:ffff")) == [404]
    assert statuses(client, 1, **of("2001:db8:1:2:3:4:5:6")) == [429]
    assert statuses(client, 3, **of("2001:db8:1:3::1")) == [404, 404, 429]
    assert statuses(client, 2, **of("192.0.2.1")) == [404, 404]
    assert statuses(client, 1, **of("::ffff:192.0.2.1")) == [429]
    assert statuses(client, 1, **of("192.0.2.2")) == [404]


@pytest.mark.parametrize(
    "address, client",
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:4711", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0::1", "2001:db8::/64"),
        ("[2001:db8::1]", "2001:db8::/64"),
        ("[2001:db8::1]:4711", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("fe80::2%eth1", "fe80::/64"),
        ("unknown", "unknown"),
        ("", ""),
        ("1.2.3.4.5", "1.2.3.4.5"),
    ],
)
def test_addresses_are_read_as_proxies_write_them(address: str, client: str) -> None:
    """Neither a port, nor brackets, nor a zone makes another client."""
    assert network_of(address) == client


def test_long_addresses_are_cut(open_app: Open) -> None:
    """What a proxy passes on as an address may be anything; little of it is kept."""
    app = open_app(rate_per_address=1, trusted_proxies=1)
    client = app.test_client()
    long = "x" * limits.RATE_ADDRESS_CHARACTERS_MAX
    assert statuses(client, 1, headers={"X-Forwarded-For": long + "y" * 5_000}) == [404]
    assert statuses(client, 1, headers={"X-Forwarded-For": long + "z" * 5_000}) == [429]


def test_behind_a_proxy_its_clients_count(open_app: Open) -> None:
    """The address is what the trusted proxy says; what a client claims before it is nothing."""
    client = open_app(rate_per_address=2, trusted_proxies=1).test_client()
    for claimed in ("", "203.0.113.1, ", "203.0.113.2, "):
        last = statuses(client, 1, headers={"X-Forwarded-For": f"{claimed}192.0.2.1"})
    assert last == [429]
    assert statuses(client, 1, headers={"X-Forwarded-For": "192.0.2.2"}) == [404]


def test_without_a_trusted_proxy_the_peer_counts(open_app: Open) -> None:
    """Nobody chooses another address by a header."""
    client = open_app(rate_per_address=2).test_client()
    answers = [
        client.get(NOWHERE, headers={"X-Forwarded-For": f"192.0.2.{number}"}).status_code
        for number in range(3)
    ]
    assert answers == [404, 404, 429]


def admitted(
    app: Flask, client: str | None, address: str, *, takes_stock: bool, secret: bool = False
) -> bool:
    """Tell whether a request from an address is admitted, with a client's key or without any."""
    principal = ANYBODY
    if client is not None:
        principal = Principal(client, frozenset(), publishable=not secret, key_id="1")
    with app.test_request_context("/", environ_base={"REMOTE_ADDR": address}):
        try:
            context_of(app).rates.admit(principal, takes_stock=takes_stock)
        except RateLimited:
            return False
        return True


def test_keys_and_addresses_have_limits_of_their_own(open_app: Open) -> None:
    """A key is limited wherever it comes from, an address whatever keys it has."""
    app = open_app(rate_per_key=3, rate_per_address=5, purchase_rate_per_key=1)
    here, there = "192.0.2.1", "192.0.2.2"
    assert admitted(app, "shop", here, takes_stock=True)
    assert not admitted(app, "shop", there, takes_stock=True)
    assert admitted(app, "shop", there, takes_stock=False)
    assert admitted(app, "shop", here, takes_stock=False)
    assert not admitted(app, "shop", there, takes_stock=False)
    assert admitted(app, "other", here, takes_stock=True)
    assert [admitted(app, None, here, takes_stock=False) for _ in range(3)] == [True, True, False]
    assert not admitted(app, "third", here, takes_stock=False)
    assert admitted(app, "third", there, takes_stock=False)


def test_a_secret_key_does_not_count_by_address(open_app: Open) -> None:
    """A shop's server sends for all shoppers; what it may is a matter of its key."""
    app = open_app(rate_per_key=3, rate_per_address=1)
    here = "192.0.2.1"

    def sent(client: str | None, *, secret: bool) -> bool:
        return admitted(app, client, here, takes_stock=False, secret=secret)

    assert [sent("shop", secret=True) for _ in range(4)] == [True, True, True, False]
    assert [sent("page", secret=False) for _ in range(2)] == [True, False]
    assert not sent(None, secret=False)


def test_wrong_keys_are_counted_against_their_address(
    open_app: Open, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the limit wrong keys are refused, and good ones hardly ever: addresses are shared."""
    app = open_app(auth="on", failed_login_rate=3)
    with opened(settings) as books:
        _, known = books.keyring.issue("known", [Scope.CATALOG_READ])
        _, unknown = books.keyring.issue("not yet known", [Scope.CATALOG_READ])

    def status(secret: str, address: str = "192.0.2.1") -> int:
        return (
            app.test_client()
            .get(
                "/api/products",
                headers={"X-API-Key": secret},
                environ_overrides={"REMOTE_ADDR": address},
            )
            .status_code
        )

    assert status(known) == 200
    wrong = ["rubbish", new_secret(publishable=False), known[:-1], "rubbish", ""]
    assert [status(secret) for secret in wrong] == [401, 401, 401, 429, 429]
    monkeypatch.setattr(limits, "SPARE_LOOKS_A_SECOND", 0)
    assert [status(known), status(unknown)] == [200, 429]
    assert [status(new_secret(publishable=False), "192.0.2.2")] == [401]
    monkeypatch.undo()
    assert [status(unknown), status(new_secret(publishable=False))] == [200, 429]


def test_a_limit_of_keys_alone_lets_others_pass(open_app: Open) -> None:
    """Who comes without a key is not counted where only keys have a limit."""
    app = open_app(rate_per_key=1)
    client = app.test_client()
    assert statuses(client, 3) == [404] * 3


def outcome(call: Callable[[], None]) -> str:
    """Return whether a call refuses."""
    try:
        call()
    except RateLimited as problem:
        return "refused" if 1 <= problem.retry_after_seconds <= 120 else "refused without an end"
    return "passed"


def test_wrong_keys_are_limited(open_app: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many wrong keys an address may show to all workers together; none is spared here."""
    monkeypatch.setattr(limits, "SPARE_LOOKS_A_SECOND", 0)
    one, other = open_app(failed_login_rate=20), open_app(failed_login_rate=20)
    told = []
    for number in range(22):
        app = (one, other)[number % 2]
        with app.test_request_context("/", **of("192.0.2.1")):
            told.append(outcome(context_of(app).rates.failed))
    assert told == ["passed"] * 20 + ["refused"] * 2
    for app in (one, other):
        rates = context_of(app).rates
        with app.test_request_context("/", **of("192.0.2.1")):
            assert outcome(rates.require_few_failures) == "refused"
        with app.test_request_context("/", **of("192.0.2.2")):
            assert outcome(rates.require_few_failures) == "passed"
            assert outcome(rates.failed) == "passed"


def test_wrong_keys_may_be_unlimited(open_app: Open) -> None:
    """Zero is no limit, of wrong keys as of all else."""
    app = open_app(failed_login_rate=0)
    with app.test_request_context("/", **of("192.0.2.1")):
        told = [outcome(context_of(app).rates.failed) for _ in range(50)]
        assert outcome(context_of(app).rates.require_few_failures) == "passed"
    assert told == ["passed"] * 50
