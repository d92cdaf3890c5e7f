"""JSON that is broken, endless, deep or ambiguous, as the body of every operation that has one.

It is refused with a problem document, changes nothing, and costs no more than a good body does.
"""

import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from flask import Flask

from inventory.limits import BODY_BYTES_MAX, JSON_NESTING_MAX, JSON_VALUES_MAX
from tests.api.conftest import Create
from tests.api.support import Books
from tests.hostile.asking import Answer
from tests.hostile.documents import documents, truncated
from tests.hostile.places import Operation
from tests.hostile.stage import Stage

REFUSED = (400, 422)
CODES = {"malformed_json", "validation_failed"}
DOCUMENTS_MIN = 250
# Calls that Python makes for a hostile body, in those for a good one of the same length.
COST_MAX = 2


@pytest.fixture(name="stage")
def _stage(app: Flask, create: Create) -> Stage:
    return Stage(app, create(name="Zqxjkv", sku="Zqxjkv-Q", stock=10**6))


def with_bodies(stage: Stage) -> Iterator[tuple[Operation, Any]]:
    """Yield the operations that have a body, with a good one."""
    found = [one for one in stage.operations if one.schema is not None]
    assert len(found) >= 11
    for operation in found:
        yield operation, stage.example(operation)


def refuse(stage: Stage, operation: Operation, body: bytes, what: str) -> Answer:
    """Send a body that has to be refused; return what is answered."""
    answer = stage.send(operation, raw=body).check()
    assert answer.status in REFUSED, (str(operation), what, answer)
    assert answer.json["code"] in CODES
    # Who sends much is not sent many times as much.
    assert len(answer.body) <= 2 * len(body) + 4_096, (str(operation), what, len(answer.body))
    return answer


def test_hostile_documents(stage: Stage, books: Books) -> None:
    """None of hundreds of hostile documents is taken by any operation, and nothing is changed."""
    before = books.digest()
    for operation, good in with_bodies(stage):
        bodies = documents(good)
        assert len(set(bodies.values())) >= DOCUMENTS_MIN, str(operation)
        for name, body in bodies.items():
            refuse(stage, operation, body, name)
    assert books.digest() == before


def test_bodies_that_are_cut_off(stage: Stage, books: Books) -> None:
    """A good body that ends too early, at whichever byte, is no body."""
    before = books.digest()
    for operation, good in with_bodies(stage):
        for body in truncated(good):
            answer = refuse(stage, operation, body, body.decode())
            assert answer.json["code"] == "malformed_json"
    assert books.digest() == before


def nested(levels: int) -> bytes:
    """Return an object that nests so deep, with a member that nobody knows."""
    return b'{"unknown": ' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


def listed(values: int) -> bytes:
    """Return an object of so many values, itself not counted."""
    return b'{"unknown": [' + b",".join([b"0"] * (values - 1)) + b"]}"


@pytest.mark.parametrize("make, most, excess", [
    (nested, JSON_NESTING_MAX, "nests deeper than 8 levels"),
    (listed, JSON_VALUES_MAX, "has more than 1000 values"),
])  # fmt: skip
def test_limits_of_documents(
    stage: Stage, make: Callable[[int], bytes], most: int, excess: str
) -> None:
    """At a limit a document is looked into; beyond it, it is refused for that reason."""
    for operation, _ in with_bodies(stage):
        answer = stage.send(operation, raw=make(most)).check()
        assert (answer.status, "unknown" in answer.json["errors"]) == (422, True)
        answer = stage.send(operation, raw=make(most + 1)).check()
        assert (answer.status, answer.json["code"]) == (400, "malformed_json")
        assert excess in answer.json["detail"]


def test_brackets_and_commas_in_a_text(stage: Stage) -> None:
    """What looks like structure inside of a text counts for nothing."""
    (create,) = [one for one in stage.operations if str(one) == "POST /api/products"]
    for text in ("[" * 9_000, "{,}" * 3_000, '"[' * 4_000, "\\[{" * 3_000, '\\"[,' * 2_000):
        body = {"name": "Cap", "price": "5", "stock": 1, "description": text}
        answer = stage.send(create, body).check()
        assert (answer.status, answer.json["description"]) == (201, text)


def costs(act: Callable[[], object]) -> int:
    """Return how many calls Python makes in `act`, of its own functions and of those in C."""
    calls = 0

    def count(_: object, event: str, __: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        act()
    finally:
        sys.setprofile(before)
    return calls


def test_no_document_costs_more_than_a_good_one(stage: Stage) -> None:
    """Whatever it holds, a body of 64 KiB makes no more work than a good one of that length."""
    (create,) = [one for one in stage.operations if str(one) == "POST /api/products"]
    texts = {f"a{number}": "x" * 900 for number in range(50)}
    good = {"name": "Cap", "price": "5", "description": "é" * 9_000, "attributes": texts}
    # The stock is missing, so that no database has a part in it.
    body = json.dumps(good, ensure_ascii=False).encode().ljust(BODY_BYTES_MAX)
    price = costs(lambda: refuse(stage, create, body, "good"))
    assert price > 50_000
    for operation, example in with_bodies(stage):
        for name, hostile in documents(example).items():
            spent = costs(partial(refuse, stage, operation, hostile, name))
            assert spent < COST_MAX * price, (str(operation), name, spent, price)
