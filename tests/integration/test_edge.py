"""nginx as it is deployed, before the real service: what it answers itself, and what it never does.

What reaches the service is counted in the service's own log.
"""

import subprocess
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from inventory.local.servers import Server
from loadtests import edge
from tests.integration.edges import (
    Front,
    assert_problem,
    await_second,
    edge_cache,
    reached,
    receive,
    send,
    within_a_second,
)
from tests.integration.processes import eventually, frozen

READERS = 50
TRIES = 20
MISSING = "/api/products/0123456789abcdef01234567"


def test_a_read_is_asked_once_a_second(front: Front, backend: Server) -> None:
    """Whatever the method and the encoding, one request fills the entry and the others meet it."""

    def read() -> tuple[str, list[requests.Response]]:
        path = front.create()
        return path, [
            front.get(path),
            front.get(path),
            front.call("HEAD", path),
            front.get(path, Accept_Encoding="identity"),
        ]

    path, answers = within_a_second(read)
    assert [edge_cache(answer) for answer in answers] == ["miss", "hit", "hit", "hit"]
    assert (reached(backend, path), reached(backend, path, "HEAD")) == (1, 0)
    assert [answer.text for answer in answers] == [*[answers[0].text] * 2, "", answers[0].text]
    assert {answer.headers["Content-Length"] for answer in answers} == {str(len(answers[0].text))}
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-cache"}


@pytest.mark.parametrize(
    "name, value",
    [
        ("Authorization", "Bearer key"),
        ("X_API_Key", "key"),
        ("Cookie", "theme=dark; inventory_session=token"),
        ("Cookie", "inventory_session="),
        ("Idempotency_Key", "key"),
        ("Cache_Control", "no-cache"),
        ("Cache_Control", "max-age=0, no-transform"),
        ("Cache_Control", "no-store"),
        ("Pragma", "no-cache"),
    ],
)
def test_some_readers_always_ask_the_service(front: Front, name: str, value: str) -> None:
    """Who has a key or a session, or wants it fresh, is shown the newest, others what is kept."""

    def read() -> list[tuple[str, int]]:
        path = front.create(stock=5)
        front.get(path)
        assert front.buy(path).status_code == 201
        answers = [front.get(path, **{name: value}), front.get(path)]
        return [(edge_cache(answer), answer.json()["stock"]) for answer in answers]

    assert within_a_second(read) == [("bypass", 4), ("hit", 5)]


def test_what_a_session_is_shown_is_never_kept(front: Front, backend: Server) -> None:
    """It fills no entry for others, and says that no other cache may keep it for them either."""

    def read() -> tuple[str, list[requests.Response]]:
        path, session = front.create(), {"Cookie": "inventory_session=token"}
        return path, [front.get(path, **session), front.get(path), front.get(path, **session)]

    path, answers = within_a_second(read)
    assert [edge_cache(answer) for answer in answers] == ["bypass", "miss", "bypass"]
    assert reached(backend, path) == 3
    told = [answer.headers["Cache-Control"] for answer in answers]
    assert told == ["private, no-cache", "no-cache", "private, no-cache"]


def test_other_cookies_are_nobodys(front: Front) -> None:
    """What a shop keeps in a browser for itself does not keep its shoppers from the microcache."""

    def read() -> list[requests.Response]:
        path = front.create()
        return [front.get(path, Cookie="cart=7"), front.get(path, Cookie="cart=8")]

    assert [edge_cache(answer) for answer in within_a_second(read)] == ["miss", "hit"]


def test_a_purchase_is_never_kept(front: Front, backend: Server) -> None:
    """Equal purchases are all carried out, and the stock is read from the database each time."""
    path = front.create(stock=5)
    answers = [front.buy(path) for _ in range(3)]
    assert [answer.json()["remaining_stock"] for answer in answers] == [4, 3, 2]
    stocks = [front.get(f"{path}/stock") for _ in range(3)]
    assert [answer.json()["available"] for answer in stocks] == [2, 2, 2]
    assert reached(backend, f"{path}/stock") == 3
    assert not any("X-Edge-Cache" in answer.headers for answer in (*answers, *stocks))


def test_limits_are_told_to_nobody_else(front: Front) -> None:
    """How one client stands with its limits is in no answer that others get as well."""

    def read() -> list[requests.Response]:
        path = front.create()
        return [front.get(path), front.get(path), front.get(path, Cache_Control="no-cache")]

    answers = within_a_second(read)
    assert [edge_cache(answer) for answer in answers] == ["miss", "hit", "bypass"]
    told = [sum(name.startswith("X-RateLimit-") for name in answer.headers) for answer in answers]
    assert told == [0, 0, 3]


def test_a_refusal_is_never_kept(front: Front, backend: Server) -> None:
    """Each problem document is about the one request that it names."""
    for _ in range(2):
        assert_problem(front.get(MISSING), 404, "product_not_found")
    assert reached(backend, MISSING) == 2


def test_conditional_reads_are_answered_from_the_cache(front: Front, backend: Server) -> None:
    """Who has the version that is kept hears 304; its ETag is strong, and good for an edit."""

    def read() -> tuple[str, list[requests.Response]]:
        path = front.create()
        first = front.get(path)
        etag = first.headers["ETag"]
        again = [front.get(path, If_None_Match=tag) for tag in (etag, '"other"')]
        return path, [first, *again]

    path, answers = within_a_second(read)
    assert [answer.status_code for answer in answers] == [200, 304, 200]
    assert [edge_cache(answer) for answer in answers] == ["miss", "hit", "hit"]
    assert reached(backend, path) == 1
    etag = answers[1].headers["ETag"]
    assert etag.startswith('"')
    assert front.get(path, If_None_Match=etag, Cache_Control="no-cache").status_code == 304
    edited = front.call("PATCH", path, {"name": "Sea Runner"}, If_Match=etag)
    assert (edited.status_code, edited.json()["name"]) == (200, "Sea Runner")


def test_the_second_after_readers_do_not_wait(front: Front, backend: Server) -> None:
    """While the next answer is fetched, even from a service that hangs, the last one is shown."""
    for _ in range(TRIES):
        path = front.create(stock=5)
        filled = int(time.time())
        front.get(path)
        assert front.buy(path).status_code == 201
        await_second(filled + 1)
        with frozen(backend):
            answer = front.get(path)
        if answer.status_code == 200 and edge_cache(answer) == "stale":
            break
    assert (edge_cache(answer), answer.json()["stock"]) == ("stale", 5)
    # Fetched by the one before, though that was answered long ago.
    eventually(lambda: front.get(path).json()["stock"] == 4, "it never learns of the sale")


def test_nothing_is_two_seconds_old(front: Front) -> None:
    """Who comes after a quiet time is shown what is true, not what was kept before it."""
    path = front.create(stock=5)
    front.get(path)
    filled = int(time.time())
    assert front.buy(path).status_code == 201
    await_second(filled + 2)
    answer = front.get(path)
    assert answer.json()["stock"] == 4
    assert edge_cache(answer) in ("expired", "miss")


def test_a_crowd_before_an_empty_cache_is_one_request(front: Front, backend: Server) -> None:
    """Of many who read something new at once one asks, and all get its answer."""
    # On a machine that is busy, the first answer may take longer than the others wait.
    for _ in range(TRIES):
        path = front.create()
        with ExitStack() as stack:
            connections = [stack.enter_context(front.connected()) for _ in range(READERS)]
            with frozen(backend):
                for connection in connections:
                    send(connection, path)
            answers = [receive(connection) for connection in connections]
        # At once: who comes in the next second asks again.
        asked = reached(backend, path)
        if asked == 1:
            break
    assert asked == 1
    kinds = Counter(headers["X-Edge-Cache"] for _, headers, _ in answers)
    assert (kinds["miss"], len(answers)) == (1, READERS)
    assert {(status, body["stock"]) for status, _, body in answers} == {(200, 100)}


def test_pages_are_compressed_and_products_are_not(front: Front, backend: Server) -> None:
    """One entry serves who takes gzip and who does not; a product's ETag has to stay strong."""
    for _ in range(5):
        path = front.create(description="x" * 1_500, tags=["compressed"])

    def read() -> list[requests.Response]:
        page = f"/api/products?tag=compressed&min_price={time.time_ns() % 80}"
        return [front.get(page, Accept_Encoding=wanted) for wanted in ("identity", "gzip")]

    before = reached(backend, "/api/products")
    plain, compressed = within_a_second(read)
    assert (edge_cache(plain), edge_cache(compressed)) == ("miss", "hit")
    assert reached(backend, "/api/products") > before
    assert "Content-Encoding" not in plain.headers
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert {plain.headers["Vary"], compressed.headers["Vary"]} == {"Accept-Encoding"}
    assert plain.json() == compressed.json()
    assert len(plain.json()["items"]) == 5
    assert "Content-Encoding" not in front.get(path, Accept_Encoding="gzip").headers


def test_the_switch_turns_it_off(backend: Server, tmp_path: Path) -> None:
    """Without the microcache every read reaches the service, and shows what was sold before it."""
    with edge.started(tmp_path, [backend], {"EDGE_MICROCACHE": "off"}) as server:
        front = Front(server.url)
        path = front.create(stock=5)
        for sold in range(3):
            answer = front.get(path)
            assert (edge_cache(answer), answer.json()["stock"]) == ("bypass", 5 - sold)
            assert answer.headers["Cache-Control"] == "no-cache"
            assert front.buy(path).status_code == 201
        assert reached(backend, path) == 3


@pytest.mark.parametrize(
    "switch, value, wanted",
    [
        ("EDGE_MICROCACHE", "maybe", "on or off"),
        ("EDGE_PURCHASES_BY_PRODUCT", "maybe", "on or off"),
        *(
            ("EDGE_SALES_AT_ONCE", value, "a number from 1 to 9999")
            for value in ("many", "0", "-1", "1.5", "10000", "1; rm")
        ),
    ],
)
def test_a_misspelt_switch_ends_the_start(
    switch: str, value: str, wanted: str, tmp_path: Path
) -> None:
    """Anything but what a switch may be is named, and nothing is started."""
    environ = {switch: value, "EDGE_API_SERVERS": "127.0.0.1:1"}
    ended = subprocess.run(
        ["/bin/sh", str(edge.CONFIGURE), str(tmp_path)],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode != 0
    assert f"{switch} is '{value}': say {wanted}" in ended.stderr
