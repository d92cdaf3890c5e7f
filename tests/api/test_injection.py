"""Operators, programs and commands in every place of every route: text, and never more than that.

The places come from the OpenAPI document, and so does what may be taken: what does not fit is
refused, and what fits is kept to the letter.
"""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask

from inventory import limits
from tests.api.conftest import Create
from tests.api.support import Books
from tests.hostile import injections
from tests.hostile.asking import Answer, ask
from tests.hostile.places import NAMES_OF_PRODUCTS, Pointer, names_a_product, put, value_at
from tests.hostile.stage import Stage

GROUPS = ("MONGO", "PROGRAMS", "REDIS", "SQL", "COMMANDS")
# A text that is a legitimate value of what is no text.
MEANT = {"0", "1.0", "true", "false"}
A_CURSOR = re.compile("0|[0-9a-f]{24}")


def test_the_corpus() -> None:
    """There are hundreds of payloads, and each of them is another one."""
    assert len(set(injections.PAYLOADS)) == len(injections.PAYLOADS) >= 250
    assert sum(len(getattr(injections, group)) for group in GROUPS) == len(injections.PAYLOADS)
    assert len(set(injections.SUFFIXES)) >= 20


@pytest.fixture(name="stage")
def _stage(app: Flask, create: Create, monkeypatch: pytest.MonkeyPatch) -> Stage:
    # Each payload makes a webhook.
    monkeypatch.setattr(limits, "WEBHOOKS_MAX", 10_000)
    return Stage(app, create(name="Zqxjkv", sku="Zqxjkv-Q", tags=["zqxjkv"], stock=10**6))


@pytest.fixture(name="payloads", params=GROUPS)
def _payloads(request: pytest.FixtureRequest) -> tuple[str, ...]:
    payloads: tuple[str, ...] = getattr(injections, request.param)
    return payloads


def meanings(payload: str) -> Iterator[Any]:
    """Yield a payload as text, and as the object or list that it says."""
    yield payload
    if payload[0] in "{[":
        try:
            yield json.loads(payload)
        except ValueError:
            return


def test_fields_of_bodies(stage: Stage, books: Books, payloads: tuple[str, ...]) -> None:
    """In a field that is no text a payload is refused, whether it comes as text or as an object."""
    before, calls = books.digest(), 0
    places = [(one, *place) for one in stage.operations for place in stage.body_places(one)]
    for place, (operation, at, schema) in enumerate(places):
        for number, payload in enumerate(payloads):
            # As an object it is put everywhere; as a text it meets every kind of place, because
            # each kind is in several bodies.
            for value in [*meanings(payload)][(place + number) % 3 > 0 :]:
                fits = stage.fits(schema, value)
                if fits and not names_a_product(at):
                    continue
                calls += 1
                answer = stage.send(operation, _spoilt(stage.example(operation), at, value))
                expected = (404, 409) if fits else (400, 422)
                assert answer.check().status in expected, (str(operation), at, value, answer)
    assert books.digest() == before
    assert calls > 25 * len(payloads)


def _spoilt(body: Any, at: Pointer, value: Any) -> Any:
    """Return a body with a value at a place; a line is to name its product once."""
    if names_a_product(at):
        line = body[at[0]][at[1]]
        for name in NAMES_OF_PRODUCTS:
            line.pop(name, None)
    return put(body, at, value)


def test_text_is_kept_to_the_letter(stage: Stage, books: Books, payloads: tuple[str, ...]) -> None:
    """In a text a payload is stored, answered and read again as it came, and does nothing else."""
    written = 0
    for operation in sorted(stage.operations, key=lambda one: one.method != "PATCH"):
        places = stage.texts(operation)
        for payload in payloads if places else ():
            body, filled = stage.filled(operation, places, payload)
            if not filled:
                continue
            answer = stage.send(operation, body).check()
            assert answer.status in (200, 201), (str(operation), payload, answer)
            written += 1
            assert [at for at in filled if value_at(answer.json, at) != payload] == []
            if "Location" in answer.headers:
                read = ask(stage.app, "GET", answer.headers["Location"])
                assert [at for at in filled if value_at(read.json, at) != payload] == []
        stage.reset()
    assert written > 3 * len(payloads)
    assert _untouched(stage, books)


def _untouched(stage: Stage, books: Books) -> bool:
    """Tell whether the books are right, and nobody bought or removed more than was asked for."""
    report = ask(stage.app, "GET", "/api/integrity").json
    assert (report["ok"], report["complete"]) == (True, True), report
    books.assert_exact(stage.product["id"])
    return books.count("products") >= 1


def test_paths(stage: Stage, books: Books, payloads: tuple[str, ...]) -> None:
    """In a path a payload leads nowhere, once or twice encoded."""
    before, calls = books.digest(), 0
    for operation in stage.operations:
        for name in operation.parameters["path"]:
            for number, payload in enumerate(payloads):
                once = quote(payload, safe="")
                for part in (once, quote(once))[: 1 + (number % 4 == 0)]:
                    calls += 1
                    answer = stage.send(operation, path={name: part}).check()
                    assert answer.status in (404, 405), (str(operation), payload, answer)
    assert books.digest() == before
    assert calls > 15 * len(payloads)


def test_queries(stage: Stage, books: Books, payloads: tuple[str, ...]) -> None:
    """As value or name of a parameter a payload finds what has it to the letter: nothing."""
    before, calls = books.digest(), 0
    for operation in stage.operations:
        for name in operation.parameters["query"]:
            for payload in payloads:
                calls += 2
                found = stage.send(operation, query=f"{name}={quote(payload)}")
                _found_nothing(found.check(), name, payload)
                other = stage.send(operation, query=f"{quote(payload, safe='')}={name}")
                assert other.check().status == 422, (str(operation), payload, other)
    assert books.digest() == before
    assert calls > 30 * len(payloads)


def _found_nothing(answer: Answer, name: str, payload: str) -> None:
    a_cursor = name == "cursor" and A_CURSOR.fullmatch(payload)
    if answer.status == 422 or payload in MEANT or a_cursor:
        return
    assert answer.status == 200, (name, payload, answer)
    assert answer.json["items"] == [], (name, payload)
    assert not answer.json.get("next_cursor"), (name, payload)


def test_parameters_that_want_to_be_objects(stage: Stage) -> None:
    """A name in the syntax of nested parameters is a name that no parameter has."""
    calls = 0
    for operation in stage.operations:
        for name in operation.parameters["query"]:
            for suffix in injections.SUFFIXES:
                for shown in (name + suffix, quote(name + suffix, safe="%+ ")):
                    calls += 1
                    query = f"{shown.replace(' ', '%20')}=Zqxjkv-Q"
                    answer = stage.send(operation, query=query).check()
                    assert answer.status == 422, (str(operation), query, answer)
    assert calls >= 20 * 2 * 15


def test_headers(stage: Stage, books: Books, payloads: tuple[str, ...]) -> None:
    """In a header a payload names no version, no request and nobody; each meets every header."""
    kinds = {name for operation in stage.operations for name in operation.parameters["header"]}
    assert kinds >= {"X-Request-ID", "Idempotency-Key", "If-Match", "If-None-Match"}
    for name in sorted(kinds):
        able = [one for one in stage.operations if name in one.parameters["header"]]
        for number, payload in enumerate(payloads):
            # The rest of what a header cannot hold the server in front of the app refuses.
            value = quote(payload, safe="".join(map(chr, range(32, 127))))[:4_000]
            if (name, value) in {("If-Match", "*"), ("If-None-Match", "*")}:
                continue
            operation = able[number % len(able)]
            answer = stage.send(operation, headers={name: value}).check()
            _stays_what_it_is(answer, name, value)
    assert _untouched(stage, books)


def _stays_what_it_is(answer: Answer, name: str, value: str) -> None:
    if name == "If-Match":
        assert answer.status == 412, (value, answer)
    elif name == "If-None-Match":
        assert answer.status in (200, 404), (value, answer)
    id = answer.headers["X-Request-ID"]
    assert id.isascii()
    assert (name == "X-Request-ID" and id == value) or (len(id) == 32 and id.isalnum())


def test_keys(stage: Stage, books: Books, payloads: tuple[str, ...]) -> None:
    """As an Idempotency-Key a payload is one key and no pattern: each sells once."""
    path = f"/api/products/{stage.product['id']}/purchase"
    keys = [quote(one, safe="".join(map(chr, range(33, 127))))[:255] for one in payloads]
    before = books.counters(stage.product["id"])[0]
    for key in keys * 2:
        answer = ask(stage.app, "POST", path, b'{"quantity": 1}', {"Idempotency-Key": key})
        assert answer.check().status == 201, (key, answer)
    sold = before - books.counters(stage.product["id"])[0]
    assert sold == len(set(keys))
