"""Files that are no imports: refused as a whole, or row by row, and never with an effect."""

import json

import pytest
from flask import Flask

from inventory.limits import IMPORT_PATH
from tests.api.support import Books
from tests.hostile import injections, tables, texts
from tests.hostile.asking import Answer, ask

REFUSED = (400, 422)
CODES = {"malformed_json", "malformed_csv", "validation_failed"}


def send(app: Flask, body: bytes, media_type: str, query: str = "") -> Answer:
    """Send a file; assert that nothing breaks, and that the answer is not many times as large."""
    headers = {"Content-Type": media_type}
    answer = ask(app, "POST", f"{IMPORT_PATH}?{query}", body, headers).check()
    assert len(answer.body) <= 250 * (body.count(b"\n") + 1) + 2 * len(body) + 4_096
    return answer


@pytest.mark.parametrize("media_type", tables.BROKEN)
def test_broken_files(app: Flask, settings: object, books: Books, media_type: str) -> None:
    """A file that nobody can read to its end is refused, good rows at its beginning included."""
    before = books.digest()
    for name, body in tables.BROKEN[media_type].items():
        for query in ("", "on_error=reject_failed"):
            answer = send(app, body, media_type, query)
            assert answer.status in REFUSED, (name, answer)
            assert answer.json["code"] in CODES, name
            assert len(answer.body) < 4_096, name
    assert books.digest() == before


@pytest.mark.parametrize("media_type", tables.WRONG)
def test_files_of_wrong_rows(app: Flask, settings: object, books: Books, media_type: str) -> None:
    """A row that nobody can do is told, and does not keep the next one from being done."""
    before = books.count("products")
    for name, body in tables.WRONG[media_type].items():
        answer = send(app, body, media_type, "on_error=reject_failed")
        assert answer.status == 207, (name, answer)
        assert {result["outcome"] for result in answer.json["results"]} == {"failed"}, name
        assert all(result["errors"] for result in answer.json["results"]), name
    assert books.count("products") == before
    good = tables.ROW.encode() if media_type == tables.NDJSON else tables.GOOD
    wrong = b"\n".join([*tables.WRONG[media_type].values(), b""])
    if media_type == tables.NDJSON:
        answer = send(app, wrong + good, media_type, "on_error=reject_failed")
        assert answer.json["results"][-1]["outcome"] == "created"


@pytest.mark.parametrize("media_type", tables.TOO_MANY)
def test_too_many_rows(app: Flask, settings: object, books: Books, media_type: str) -> None:
    """One row more than an import may have is one too many, whatever the rows are."""
    before = books.digest()
    answer = send(app, tables.TOO_MANY[media_type], media_type)
    assert (answer.status, answer.json["errors"]) == (422, {"body": ["At most 25000 rows."]})
    assert books.digest() == before


def test_payloads_in_cells(app: Flask, settings: object, books: Books) -> None:
    """Operators, programs and formulas in cells are text, and come out of an export harmless."""
    kept = [one for one in injections.PAYLOADS if one.isprintable() and len(one) <= 60]
    kept += [text for text in texts.TEXTS.values() if len(text) <= 60]
    assert len(kept) > 250
    rows = [
        {"sku": f"P-{n}", "name": text, "price": "1", "stock": 1} for n, text in enumerate(kept)
    ]
    made = send(app, _lines(rows), tables.NDJSON)
    assert made.status == 200, made
    table = ask(app, "GET", "/api/products/export?format=csv").body
    cells = [cell.strip('"') for line in table.decode().splitlines() for cell in line.split(",")]
    assert not [cell for cell in cells if cell[:1] in tuple("=+@\t") and cell]
    before = books.digest()
    again = send(app, table, tables.CSV, "dry_run=true")
    assert {result["outcome"] for result in again.json["results"]} == {"unchanged"}
    assert books.digest() == before


def _lines(rows: list[dict[str, object]]) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


@pytest.mark.parametrize("media_type", [
    "", "text/plain", "application/octet-stream", "multipart/form-data; boundary=x",
    "text/csv; charset=utf-16", "application/json; charset=latin-1",
    "application/vnd.ms-excel", "text/csv, application/json",
])  # fmt: skip
def test_other_kinds_of_files(app: Flask, settings: object, media_type: str) -> None:
    """What is neither JSON nor CSV, or in another encoding, is not looked into."""
    assert send(app, tables.HEAD + tables.GOOD, media_type).status == 415
