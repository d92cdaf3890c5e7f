"""Text that deceives, hides or never ends, in every field that takes text.

It is kept to the letter or refused, and answered as JSON that no browser takes for a page. What it
looks like is the business of whoever shows it.
"""

import json
import time
from urllib.parse import quote

import pytest
from flask import Flask

from inventory import limits
from tests.api.conftest import Create
from tests.api.support import Books
from tests.hostile import texts
from tests.hostile.asking import Answer, ask
from tests.hostile.places import Operation, Pointer, put, value_at
from tests.hostile.stage import Stage

HOLDER = "@@@"
# What ten thousand characters may cost, in seconds of CPU. They cost a few milliseconds, and a
# second or more where the time grows with their square.
CPU_SECONDS_MAX = 0.25


@pytest.fixture(name="stage")
def _stage(app: Flask, create: Create, monkeypatch: pytest.MonkeyPatch) -> Stage:
    # Each payload makes a webhook.
    monkeypatch.setattr(limits, "WEBHOOKS_MAX", 10_000)
    return Stage(app, create(name="Zqxjkv", sku="Zqxjkv-Q", stock=10**6))


def test_the_corpus() -> None:
    """There are dozens of texts of either kind, and each is another one."""
    assert len(set(texts.TEXTS.values())) == len(texts.TEXTS) >= 50
    assert len(set(texts.NO_TEXTS.values())) == len(texts.NO_TEXTS) >= 60


def test_texts_are_kept_to_the_letter(stage: Stage) -> None:
    """Whatever is text comes back as the same characters, in JSON and as nothing but JSON."""
    kept = texts.TEXTS | texts.LAYOUTS
    written = 0
    for operation in sorted(stage.operations, key=lambda one: one.method != "PATCH"):
        for name, text in kept.items():
            body, filled = stage.filled(operation, stage.texts(operation), text)
            if filled:
                answer = stage.send(operation, body)
                _assert_kept(answer, name, text, filled)
                written += len(filled)
                if "Location" in answer.headers:
                    read = ask(stage.app, "GET", answer.headers["Location"])
                    _assert_kept(read, name, text, filled)
        stage.reset()
    assert written > 15 * len(kept)


def _assert_kept(answer: Answer, name: str, text: str, places: list[Pointer]) -> None:
    assert answer.check().status in (200, 201), (name, answer)
    assert answer.headers["Content-Type"] == "application/json"
    assert [at for at in places if value_at(answer.json, at) != text] == [], name
    # As itself, not in another form that looks the same.
    assert json.dumps(text, ensure_ascii=False)[1:-1].encode() in answer.body or "\\" in text


def test_what_is_no_text_is_refused(stage: Stage, books: Books) -> None:
    """Control characters and halves of pairs are refused by name, in every field and spelling."""
    before, calls = books.digest(), 0
    for operation in stage.operations:
        for at, schema in stage.texts(operation):
            several_lines = stage.fits(schema, "a\nb")
            refused = texts.NO_TEXTS | ({} if several_lines else texts.NO_LINES)
            for name, text in refused.items():
                calls += 1
                _assert_refused(stage, operation, at, (name, text))
    assert books.digest() == before
    assert calls > 20 * len(texts.NO_TEXTS)


def _assert_refused(
    stage: Stage, operation: Operation, at: Pointer, named: tuple[str, str]
) -> None:
    name, text = named
    body = json.dumps(put(stage.example(operation), at, HOLDER)).replace(HOLDER, text)
    answer = stage.send(operation, raw=body.encode()).check()
    assert answer.status == 422, (str(operation), at, name, answer)
    (field,) = answer.json["errors"]
    assert field.split(".")[: len(at)] == [str(step) for step in at][: len(field.split("."))]


def test_skus_are_compared_letter_by_letter(stage: Stage, create: Create) -> None:
    """Two skus that only look the same are two skus: they belong to other systems, as they are."""
    alike = ["caf\u00e9", "cafe\u0301", "CAF\u00c9", "caf\u00e9\u200b", "\u0441af\u00e9"]
    ids = [create(sku=sku)["id"] for sku in alike]
    for sku, id in zip(alike, ids, strict=True):
        found = ask(stage.app, "GET", f"/api/products?sku={quote(sku)}").json["items"]
        assert [(item["id"], item["sku"]) for item in found] == [(id, sku)]
        again = ask(stage.app, "POST", "/api/products", _product(sku=sku)).check()
        assert (again.status, again.json["code"], again.json["sku"]) == (409, "duplicate_sku", sku)


def _product(**fields: str) -> bytes:
    return json.dumps(
        {"name": "Cap", "price": "5", "stock": 1} | fields, ensure_ascii=False
    ).encode()


def test_words_are_found_however_they_are_composed(stage: Stage, create: Create) -> None:
    """A search is for people: it finds a word in whichever form its letters were written."""
    ids = {create(name=f"{name} bag")["id"] for name in ("Caf\u00e9", "Cafe\u0301", "\uff23afe")}
    for asked in ("cafe", "caf\u00e9", "cafe\u0301", "CAFE"):
        found = ask(stage.app, "GET", f"/api/products?q={quote(asked)}").check().json["items"]
        assert {item["id"] for item in found} == ids
    for nothing in ("\u200b", "\u0301", "\U0001f984", "!", "\u202e"):
        found = ask(stage.app, "GET", f"/api/products?q={quote(nothing)}").check().json["items"]
        assert found == []


@pytest.mark.parametrize("text", [
    "a" + "\u0315\u0300" * 5_000, "\u0f73" * 10_000, "\ufdfa" * 10_000, "\u1fb7" * 10_000,
    "a\u0301" * 5_000, "\U0001f468\u200d" * 5_000, "\u202e\u202d" * 5_000, "a " * 5_000,
], ids=[
    "marks", "marks of marks", "long", "Greek", "accents", "joined", "overrides", "words",
])  # fmt: skip
def test_text_without_end(stage: Stage, text: str) -> None:
    """The longest description costs the same, whatever it is made of."""
    text = text[: limits.DESCRIPTION_CHARACTERS_MAX]
    body = _product(description=text)
    assert len(text) >= limits.DESCRIPTION_CHARACTERS_MAX - 1
    began = time.process_time()
    answer = ask(stage.app, "POST", "/api/products", body).check()
    spent = time.process_time() - began
    assert (answer.status, answer.json["description"]) == (201, text)
    assert spent < CPU_SECONDS_MAX
