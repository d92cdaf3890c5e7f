"""Files of rows: what stands in them, row by row, in memory for one row at a time.

A row is limited as the body of a single call is. What is wrong with one row is told of that row;
what is wrong with the file as a whole, so that nobody can say where the next row begins, is raised.
"""

import csv
import io
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Any, BinaryIO

from marshmallow import Schema, ValidationError

from inventory import limits, strict_json
from inventory.api.schemas.faults import flat
from inventory.api.schemas.rows import ProductRowSchema
from inventory.domain.imports import Row
from inventory.errors import MalformedTable
from inventory.transfer.cells import unknown_columns, values_of
from inventory.transfer.splitting import elements, lines

_TOO_LARGE = f"At most {limits.BODY_BYTES_MAX} bytes a row."
_BYTE_ORDER_MARK = "\ufeff"
_SCHEMA: Schema = ProductRowSchema()


class Format(StrEnum):
    """How rows are written."""

    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"


def read_rows(file: BinaryIO, form: Format) -> Iterator[Row]:
    """Yield the rows of a file from its beginning; whoever waits has a turn now and then.

    Raises `strict_json.NotJSON` or `MalformedTable` for a file that cannot be read to its end.
    """
    file.seek(0)
    for row in _READERS[form](file):
        if row.number % limits.IMPORT_TURN_ROWS == 0:
            time.sleep(0)
        yield row


def _of_array(file: BinaryIO) -> Iterator[Row]:
    for number, element in enumerate(elements(file), 1):
        yield _checked(number, len(element), strict_json.parse(element))


def _of_lines(file: BinaryIO) -> Iterator[Row]:
    number = 0
    for line in lines(file):
        number += 1
        if line is None:
            yield Row(number, limits.BODY_BYTES_MAX, faults={"body": [_TOO_LARGE]})
            continue
        try:
            value = strict_json.parse(line)
        except strict_json.NotJSON as error:
            yield Row(number, len(line), faults={"body": [str(error)]})
        else:
            yield _checked(number, len(line), value)


def _of_table(file: BinaryIO) -> Iterator[Row]:
    table = _table(file)
    columns = [name.strip() for name in next(table, [])]
    if not columns:
        raise MalformedTable("The first line has to name the columns.")
    if wrong := unknown_columns(columns):
        shown = ", ".join(repr(name[: limits.SKU_CHARACTERS_MAX]) for name in wrong)
        raise MalformedTable(f"No such columns, or twice the same: {shown}.")
    number = 0
    for cells in table:
        if not cells:
            continue
        number += 1
        yield _of_cells(number, columns, cells)


def _of_cells(number: int, columns: list[str], cells: list[str]) -> Row:
    size = sum(map(len, cells)) + len(cells)
    if size > limits.BODY_BYTES_MAX:
        return Row(number, size, faults={"body": [_TOO_LARGE]})
    if len(cells) != len(columns):
        told = f"{len(cells)} cells for {len(columns)} columns."
        return Row(number, size, faults={"body": [told]})
    return _checked(number, size, values_of(columns, cells))


def _table(file: BinaryIO) -> Iterator[list[str]]:
    """Yield the cells of each line; quoted cells may span several."""
    reader = csv.reader(_text_lines(file), strict=True)
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise MalformedTable(f"Line {reader.line_num} is not CSV: {error}.") from error
        except UnicodeDecodeError as error:
            raise MalformedTable("The table is not UTF-8.") from error
        if cells is None:
            return
        yield cells


def _text_lines(file: BinaryIO) -> Iterator[str]:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    try:
        # The quotes of one cell may span several lines, but not more than a row may have.
        first = True
        while line := text.readline(limits.BODY_BYTES_MAX + 1):
            if len(line) > limits.BODY_BYTES_MAX:
                raise MalformedTable(f"A line has more than {limits.BODY_BYTES_MAX} characters.")
            yield line.removeprefix(_BYTE_ORDER_MARK) if first else line
            first = False
    finally:
        # It would close the file; which may be closed already, where nobody read to the end.
        with suppress(ValueError):
            text.detach()


def _checked(number: int, size: int, value: Any) -> Row:
    """Return a row with what it says, or with what is wrong with it."""
    try:
        return Row(number, size, _SCHEMA.load(value))
    except ValidationError as error:
        faults = flat(error.messages)
        return Row(number, size, _name_in(value, faults), dict(_some(faults)))


def _name_in(value: Any, faults: dict[str, list[str]]) -> dict[str, Any]:
    """Return what names the product in a row that is wrong otherwise, so that it can be told."""
    if not isinstance(value, dict):
        return {}
    return {
        name: value[name]
        for name in ("sku", "id")
        if name not in faults and isinstance(value.get(name), str)
    }


def _some(faults: dict[str, list[str]]) -> Sequence[tuple[str, list[str]]]:
    """Return faults by field; of very many the first, with names that are not too long."""
    items = list(faults.items())[: limits.FAULTS_TOLD_MAX]
    return [(name[: limits.FAULT_NAME_CHARACTERS_MAX], told) for name, told in items]


_READERS = {Format.JSON: _of_array, Format.NDJSON: _of_lines, Format.CSV: _of_table}
