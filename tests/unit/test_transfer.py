"""Files of rows: what is read of them, what is refused, and that what was written comes back."""

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from inventory import limits
from inventory.api.schemas.rows import MISSING
from inventory.domain.imports import Row, is_same
from inventory.domain.products import CustomerLimit, Product, Terms
from inventory.domain.stock import Snapshot
from inventory.errors import InvalidRow, InventoryError, MalformedTable
from inventory.services.surveying import Survey
from inventory.strict_json import NotJSON
from inventory.transfer import cells
from inventory.transfer.reading import Format, read_rows
from inventory.transfer.splitting import elements, lines
from inventory.transfer.writing import written

NOW = datetime(2026, 1, 31, tzinfo=UTC)
# Characters that mean something to somebody, and some that do not.
MARKS = some.text(some.sampled_from("=+-@'\"\t\r\n,;[]{}\\ \uff1da\u00e9\U0001f984"), max_size=8)
LINE = MARKS.map(lambda text: " ".join(text.split()) or "x")


def rows_of(text: str | bytes, form: Format = Format.CSV) -> list[Row]:
    """Return the rows of a text."""
    body = text if isinstance(text, bytes) else text.encode()
    return list(read_rows(io.BytesIO(body), form))


@given(MARKS)
def test_a_harmless_cell_comes_back(text: str) -> None:
    """No cell begins as a formula does, and each comes back to the letter."""
    cell = cells.harmless(text)
    assert cell[:1] not in set("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20") or not cell
    assert cells.original(cell) == text


@pytest.mark.parametrize("cell", ["'tis", "''", "'", "'90s", "a'=1", "1+1"])
def test_other_apostrophes_stay(cell: str) -> None:
    """What was never made harmless loses nothing."""
    assert cells.harmless(cell) == cells.original(cell) == cell


ATTRIBUTES = some.dictionaries(
    some.from_regex("[A-Za-z][A-Za-z0-9_-]{0,5}", fullmatch=True),
    MARKS | some.booleans() | some.integers(-(10**9), 10**9) | some.just(Decimal("1.50")),
    max_size=3,
)
TERMS = some.builds(
    Terms.of,
    name=LINE,
    price=some.decimals(0, 10**6, places=2),
    currency=some.just("EUR"),
    sku=some.none() | LINE,
    description=MARKS,
    tags=some.lists(LINE, max_size=3, unique=True).map(tuple),
    attributes=ATTRIBUTES,
    low_stock_threshold=some.integers(0, 9),
    oversell_limit=some.integers(0, 9),
    max_per_order=some.none() | some.integers(1, 9),
    max_per_customer=some.none() | some.just(CustomerLimit(2, 60)),
)


@settings(deadline=None, max_examples=60)
@given(some.lists(some.tuples(TERMS, some.integers(-9, 10**12)), max_size=4), some.booleans())
def test_an_export_comes_back(products: list[tuple[Terms, int]], as_table: bool) -> None:
    """Whatever products there are, each row of their export says exactly what they are."""
    form = Format.CSV if as_table else Format.NDJSON
    id = "66f1c0ffee66f1c0ffee0001"
    listing = [
        (Product(id, terms, 3, NOW, NOW), Snapshot.opening(id, terms, available, NOW))
        for terms, available in products
    ]
    rows = rows_of(b"".join(written([listing], form)), form)
    assert len(rows) == len(listing)
    for row, (product, stock) in zip(rows, listing, strict=True):
        assert row.faults is None
        assert (row.sku, row.values["id"]) == (product.terms.sku, id)
        assert is_same(row.terms(product.terms), product.terms)
        # Nothing is left of what it was before, so it really says all.
        blank = Terms(name="?", price=Decimal(1), sku=product.terms.sku)
        assert is_same(row.terms(blank), product.terms)
        assert row.values["stock"] == stock.available
        assert not row.moves_stock
        row.require_version(product)


def test_cells_are_read_by_their_columns() -> None:
    """Numbers, lists and objects stand in cells as people and programs write them."""
    header = "sku,tags,attributes,max_per_customer,stock"
    customer = '"{""quantity"": 2, ""window_seconds"": 60}"'
    (row,) = rows_of(f'{header}\r\n A,"a; b ;c","{{""a"": 1.50}}",{customer},-3\r\n')
    assert row.values == {
        "sku": " A",
        "tags": ["a", "b", "c"],
        "attributes": {"a": Decimal("1.50")},
        "max_per_customer": CustomerLimit(2, 60),
        "stock": -3,
    }
    (row,) = rows_of('sku,tags\rA,"[""a;b"",""c""]"')
    assert row.values["tags"] == ["a;b", "c"]


@pytest.mark.parametrize("text, message", [
    ("", "The first line has to name the columns."),
    ("\n", "The first line has to name the columns."),
    ("sku,colour\n", "No such columns, or twice the same: 'colour'."),
    ("sku,name,sku\n", "No such columns, or twice the same: 'sku'."),
    ("sku;name\n", "No such columns, or twice the same: 'sku;name'."),
    ('sku\n"A', "Line 2 is not CSV"),
    ('sku\n"A"B\n', "Line 2 is not CSV"),
    (b"sku\ncaf\xe9\n", "The table is not UTF-8."),
    ("sku\nA".encode("utf-16"), "The table is not UTF-8."),
    ("sku\n" + "A" * 65_537, "A line has more than 65536 characters."),
    (",".join(["a"] * 30_000), "No such columns, or twice the same: 'a', 'a',"),
    ("sku\n\"" + "A\n" * 80_000, "Line 65"),
])  # fmt: skip
def test_a_table_that_is_none(text: str | bytes, message: str) -> None:
    """A file whose rows nobody can tell apart is refused as a whole, in few words."""
    with pytest.raises(MalformedTable) as raised:
        rows_of(text)
    assert raised.value.message.startswith(message)
    assert len(raised.value.message) < 200


@pytest.mark.parametrize("text, faults", [
    ("sku,name\nA\n", {"body": ["1 cells for 2 columns."]}),
    ("sku\nA,B\n", {"body": ["2 cells for 1 columns."]}),
    ("sku\nA\x00\n", {"sku": ["Control characters are not text."]}),
    ("sku,stock\nA,1.0\n", {"stock": ["Not a valid integer."]}),
    ("sku,price\nA,\"1,5\"\n", {"price": ["Not a valid amount."]}),
    ("sku,attributes\nA,{\n", {"attributes": ["Not an object."]}),
    ("sku,description\nA," + "x" * 60_000 + "\n",
     {"description": ["Length must be between 0 and 10000."]}),
])  # fmt: skip
def test_a_line_that_is_wrong(text: str, faults: dict[str, list[str]]) -> None:
    """What is wrong with one line is told of it, and the next one is read."""
    wrong, good = rows_of(text + "B" + "," * (text.partition("\n")[0].count(",")))
    assert wrong.faults == faults
    assert (good.number, good.sku, good.faults) == (2, "B", None)


def test_lines_of_json() -> None:
    """Each line is read by itself, whatever the ones before it were."""
    texts = [
        b'{"sku":"A"}',
        b"{",
        b'{"sku":"B"}\r',
        b"",
        b'"' + b"x" * 70_000 + b'"',
        b"\xff",
        b"[]",
    ]
    rows = rows_of(b"\xef\xbb\xbf" + b"\n".join([*texts, b'{"sku":"C"}']), Format.NDJSON)
    assert [(row.number, row.sku) for row in rows if row.faults is None] == [
        (1, "A"),
        (3, "B"),
        (7, "C"),
    ]
    assert [dict(row.faults or {}) for row in rows][3] == {"body": ["At most 65536 bytes a row."]}


@pytest.mark.parametrize("most", [limits.JSON_NESTING_MAX, limits.JSON_VALUES_MAX])
def test_a_row_is_limited_as_a_body_is(most: int) -> None:
    """A row that nests too deep or has too many values is refused; the number of rows is free."""
    deep = "[" * most + "]" * most if most < 10 else "[" + "0," * most + "0]"
    bad, good = rows_of('{"a":' + deep + '}\n{"sku":"A"}', Format.NDJSON)
    assert bad.faults is not None
    assert "body" in bad.faults
    assert good.faults is None
    with pytest.raises(NotJSON):
        rows_of('[{"a":' + deep + "}]", Format.JSON)
    assert len(rows_of(json.dumps([{"sku": "A"}] * 2_000), Format.JSON)) == 2_000


VALUES: some.SearchStrategy[Any] = some.recursive(
    some.none() | some.booleans() | some.integers() | MARKS,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(MARKS, inner, max_size=3),
    max_leaves=6,
)


@given(some.lists(VALUES, max_size=6), some.sampled_from([None, 1]), some.integers(1, 40))
def test_elements_are_found(values: list[Any], indent: int | None, step: int) -> None:
    """An array comes apart into its elements, wherever the pieces of the file end."""
    body = f" {json.dumps(values, indent=indent, ensure_ascii=False)} \n".encode()

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(step, size or 0) if self.tell() else max(step, 2))

    assert [json.loads(element) for element in elements(Slow(body))] == values


@pytest.mark.parametrize("text", [
    "", "{}", "[", "[1", "[1,", "[1,]", "[,1]", "[1,,2]", "[]]", "[] x", "[1}", '["a]', "[[1]", "1",
    "[" + " " * 140_000, "[1]" + " " * 70_000 + "x", "\ufeff[]",
])  # fmt: skip
def test_what_is_no_array(text: str) -> None:
    """What ends too early, too late or with the wrong bracket is no array."""
    with pytest.raises(NotJSON):
        list(elements(io.BytesIO(text.encode())))


def test_long_elements() -> None:
    """An element may have as many bytes as a body, and no more."""
    most = limits.BODY_BYTES_MAX - 2
    body = f'[1, "{"x" * most}", "{"y" * most}"]'.encode()
    assert [len(element) for element in elements(io.BytesIO(body))] == [1, most + 2, most + 2]
    for excess in (1, 10_000, 200_000):
        with pytest.raises(NotJSON):
            list(elements(io.BytesIO(f'["{"x" * (most + excess)}"]'.encode())))
    whole, too_long = b"x" * limits.BODY_BYTES_MAX, b"x" * (limits.BODY_BYTES_MAX + 1)
    text = b"\r\n".join([whole, too_long, b"a", b"x" * 300_000, b"b"])
    assert list(lines(io.BytesIO(text))) == [whole, None, b"a", None, b"b"]


def test_a_name_that_comes_again() -> None:
    """Rows that name the same product in the same way are found, and which was the first."""
    names = ["A", "B", "A", None, "\nA", "A", None]
    rows = [
        Row(number, 1, {} if name is None else {"sku": name})
        for number, name in enumerate(names, 1)
    ]
    survey = Survey.of(rows)
    marked = {row.number: row.faults for row in survey.marked(rows) if row.faults}
    assert marked == {number: {"sku": ["The same as in row 1."]} for number in (3, 6)}
    assert (survey.rows, survey.size) == (7, 7)


def test_a_row_says_what_is_missing_in_the_words_of_the_schema() -> None:
    """What only a new product lacks is told as a schema would tell it."""
    with pytest.raises(InvalidRow) as raised:
        Row(1, 1, {"sku": "A"}).terms(None)
    assert raised.value.details["errors"] == {"name": [MISSING], "price": [MISSING]}


@pytest.mark.parametrize("delta", [lambda row: row.delta(-1), lambda row: row.delta(10**12)])
def test_a_change_has_a_size(delta: Callable[[Row], int]) -> None:
    """A target that is further away than an adjustment may go is refused."""
    with pytest.raises(InventoryError):
        delta(Row(1, 1, {"sku": "A", "stock": 10**9}))


def test_tables_are_written_as_spreadsheets_read_them() -> None:
    """Lines end with CR LF, and a cell with a comma, a quote or a line break is quoted."""
    terms = Terms.of(name='A "b", c', price=Decimal(1), description="x\ny", sku="=1+1")
    id = "66f1c0ffee66f1c0ffee0001"
    listing = [(Product(id, terms, 1, NOW, NOW), Snapshot.opening(id, terms, 1, NOW))]
    text = b"".join(written([listing], Format.CSV)).decode()
    assert text.count("\r\n") == 2
    assert '"A ""b"", c","x\ny"' in text
    cells_read = list(csv.reader(io.StringIO(text, newline="")))[1]
    assert cells_read[1] == "'=1+1"
