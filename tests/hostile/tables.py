"""Files of rows that no spreadsheet and no shop would write, in each form that an import takes.

`BROKEN` cannot be read to the end; of `WRONG` no row can be done, but each can be told.
"""

import gzip
import json

from inventory.limits import BODY_BYTES_MAX, IMPORT_ROWS_MAX
from tests.hostile.documents import NO_NUMBERS, NO_UTF_8, NO_VALUES

CSV, NDJSON, JSON = "text/csv", "application/x-ndjson", "application/json"
HEAD = b"sku,name,price,stock\r\n"
GOOD = b"GOOD,Cap,5,3\r\n"
ROW = '{"sku":"GOOD","name":"Cap","price":"5","stock":3}'
# As many as a body of this length could have.
_LONG = 300_000


def _tables() -> dict[str, bytes]:
    return {
        "nothing": b"",
        "no names": b"\r\n\r\n",
        "a row without names": GOOD,
        "names of others": b"id;sku;name\r\n1;2;3\r\n",
        "a name twice": b"sku,name,sku\r\na,b,c\r\n",
        "names that are operators": b"$where,__proto__,_id\r\n1,2,3\r\n",
        "a million columns": b"," * 1_000_000 + b"\r\n",
        "thousands of columns": b"sku," * 16_000 + b"\r\n",
        "a quote that never ends": HEAD + GOOD + b'BAD,"Cap,5,3\r\n' + GOOD * 9_000,
        "a quote in the middle": HEAD + GOOD + b'BAD,"Cap"s,5,3\r\n',
        "a quote behind a quote": HEAD + GOOD + b'BAD,"Cap""",5,3\r\nX,"a"b"\r\n',
        "a giant cell": HEAD + GOOD + b"BAD," + b"x" * _LONG + b",5,3\r\n",
        "a giant quoted cell": HEAD + GOOD + b'BAD,"' + b"x\n" * _LONG + b'",5,3\r\n',
        "a giant line": HEAD + GOOD + b"," * _LONG,
        "repeated for ever": HEAD + b'"' + b'""' * _LONG + b'",a,5,3\r\n',
        "UTF-16": HEAD.decode().encode("utf-16") + GOOD.decode().encode("utf-16-le"),
        "UTF-32": (HEAD + GOOD).decode().encode("utf-32"),
        "Latin-1": HEAD + GOOD + b"BAD,Caf\xe9,5,3\r\n",
        "compressed": gzip.compress(HEAD + GOOD),
        "a spreadsheet": b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00",
        "an image": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
        "two marks of bytes": b"\xef\xbb\xbf\xef\xbb\xbf" + HEAD + GOOD,
        "NUL in the names": b"sku\x00,name,price,stock\r\n" + GOOD,
        **{f"{name} in a cell": HEAD + GOOD + b"BAD," + what for name, what in NO_UTF_8.items()},
    }


def _wrong_tables() -> dict[str, bytes]:
    return {
        "NUL in a cell": HEAD + b"BAD,C\x00ap,5,3\r\n",
        "NUL alone": HEAD + b"\x00\r\n",
        "escapes of a terminal": HEAD + b"BAD,\x1b[31mCap,5,3\r\n",
        "too few cells": HEAD + b"BAD\r\n",
        "too many cells": HEAD + b"BAD" + b"," * 60_000 + b"\r\n",
        "semicolons": HEAD + b"BAD;Cap;5;3\r\n",
        "tabs": HEAD + b"BAD\tCap\t5\t3\r\n",
        "numbers as people write them": HEAD + b'BAD,Cap,"1.000,50",3\r\n',
        "a currency in the price": HEAD + b"BAD,Cap,$5,3\r\n",
        "a number that is too large": HEAD + b"BAD,Cap,5," + b"9" * 5_000 + b"\r\n",
        "digits of others": HEAD + "BAD,Cap,5,\u0663\r\n".encode(),
        "a fraction of a unit": HEAD + b"BAD,Cap,5,1.5\r\n",
        "nothing but commas": HEAD + b",,,\r\n" * 50,
        "attributes that are none": b"sku,name,price,stock,attributes\r\nBAD,Cap,5,3,[]\r\n",
        "attributes that nest": b"sku,name,price,stock,attributes\r\nBAD,Cap,5,3,"
        + b"[" * 30_000
        + b"\r\n",
        "operators for attributes": b"sku,name,price,stock,attributes\r\n"
        b'BAD,Cap,5,3,"{""$where"": ""1""}"\r\n',
        "too many tags": b"sku,name,price,stock,tags\r\nBAD,Cap,5,3," + b"a;" * 20_000 + b"\r\n",
    }


def _arrays() -> dict[str, bytes]:
    good = ROW.encode()
    return {
        "nothing": b"",
        "an object": good,
        "rows without an array": good + b"," + good,
        "an array without an end": b"[" + good + b",",
        "an array that nobody needs": b"[" * 60_000,
        "brackets that do not fit": b"[" + good + b"}",
        "something behind": b"[" + good + b"]" + good,
        "a comma too many": b"[" + good + b",]",
        "a giant row": b'[{"sku":"' + b"x" * _LONG + b'"}]',
        "a row that nests": b'[{"a":' + b"[" * 9 + b"]" * 9 + b"}]",
        "a row of many values": b'[{"a":[' + b"0," * 2_000 + b"0]}]",
        "nothing but space": b"[" + b" " * _LONG + b"]",
        "an open text": b'[{"sku":"' + b"x" * 60_000,
        "backslashes": b'["' + b"\\" * 60_001,
        "compressed": gzip.compress(b"[" + good + b"]"),
        "a mark of bytes": b"\xef\xbb\xbf[" + good + b"]",
        "names twice": b'[{"sku":"A","sku":"B"}]',
        **{f"the value {text}": f"[{ROW},{text}]".encode() for text in (*NO_VALUES, *NO_NUMBERS)},
        **{f"{name} in a text": b'[{"sku":"' + what + b'"}]' for name, what in NO_UTF_8.items()},
    }


def _wrong_lines() -> dict[str, bytes]:
    return {
        "an array": f"[{ROW}]".encode(),
        "a giant line": b'{"sku":"' + b"x" * _LONG + b'"}',
        "a line as long as may be": json.dumps({"unknown": "x" * (BODY_BYTES_MAX - 20)}).encode(),
        "an object over two lines": b'{"sku":\n"A"}',
        "half of a pair": b'{"sku":"\\ud800"}',
        "nothing but nulls": b"null\n" * 200,
        "NUL": b"\x00",
        "thousands of names": json.dumps({f"n{n}": 0 for n in range(900)}).encode(),
        **{f"the value {text!r}": text.encode() for text in (*NO_VALUES, *NO_NUMBERS)},
        **{f"{name} in a text": b'{"sku":"' + what + b'"}' for name, what in NO_UTF_8.items()},
    }


BROKEN = {CSV: _tables(), JSON: _arrays()}
WRONG = {CSV: _wrong_tables(), NDJSON: _wrong_lines()}
TOO_MANY = {
    CSV: b"sku\r\n" + b"A\r\n" * (IMPORT_ROWS_MAX + 1),
    NDJSON: b"1\n" * (IMPORT_ROWS_MAX + 1),
    JSON: b"[" + b"1," * IMPORT_ROWS_MAX + b"1]",
}
