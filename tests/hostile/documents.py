"""JSON that no library would write: broken, endless, deep, ambiguous, in other encodings.

`documents` returns what no body may be, by a name of each; none is longer than a body may be.
"""

import gzip
import json
from collections.abc import Iterator, Mapping
from typing import Any

from inventory.limits import BODY_BYTES_MAX, JSON_NESTING_MAX, JSON_VALUES_MAX

NO_VALUES = (
    "'a'", "a", "undefined", "True", "None", "nil", "nul", "truefalse", "/* */ 1", "1 // a",
    "# a\n1", "1,", ",1", "[1,]", "[,1]", "[1,,2]", "[1 2]", '["a" "b"]', "[1}", "{]", "{,}",
    "{1: 1}", "{a: 1}", "{'a': 1}", '{"a"}', '{"a":}', '{"a": 1,}', '{"a" 1}', '{"a"; 1}',
    '{"a": 1 "b": 2}', "{null: 1}", "{[]: 1}", "(1)", "<1>", "`a`", "1 || 1", "new Date()", "$a",
    "@a", "\\u0031", '"a', 'a"', '"a\nb"', '"a\tb"', '"a\x00b"', '"a\x1fb"', '"\\x41"', '"\\a"',
    '"\\u12"', '"\\u00g0"', '"\\U00000041"', '"\\ud8', '"\\', '"\\"', '"""a"""', "<!-- -->1",
    "!!str a", "&a 1", "*a", "|\n a", "- 1", "1;", "\x0c1", "\xa01", "\u20031",
)  # fmt: skip
NO_NUMBERS = (
    "NaN", "-NaN", "Infinity", "-Infinity", "inf", "0x10", "0o7", "0b1", "010", "-01", "+1", "--1",
    "1.", ".5", "-.5", "-", "1e", "1e+", "1.e1", "1_000", "1,000", "1'000", "1n", "1f", "1L",
    "1.0.0", "\u0661", "\uff11", "1/2", "1 000", "0xFFFFFFFFFFFFFFFF",
)  # fmt: skip
NO_NAMES = (
    "__proto__", "constructor", "prototype", "$gt", "$where", "a.b", "_id", "", " ", "\\u0000",
    "\\ud800", "\u202e", "\U0001f984", "_schema", "unknown ", "toString", "hasOwnProperty",
    "__class__", "self", "@type", "*",
)  # fmt: skip
AFTER = (
    "{}", "[]", "1", '"', "}", "]", ",", "x", "null", "\x00", "//", "\ufeff", "\x1a",
)  # fmt: skip
BEFORE = (
    "\x00", ")]}',\n", "while(1);", "\ufeff", "\x0b", "\xa0", "\u2028", "callback(", "--",
)  # fmt: skip
ENCODINGS = (
    "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "cp037", "utf-7",
)  # fmt: skip
EXTREMES = (
    "1e999999999", "-1e999999999", "1e-999999999", "1e99999999999999999999", "1e400", "-0.0", "-0",
    "1E+2",
)  # fmt: skip
TEXTS = (
    '"\\ud800"', '"\\udfff"', '"\\udc00\\ud800"', '"\\ud83d"', '"\\u0000"', '"\\uffff"', '""',
)  # fmt: skip
NO_UTF_8 = {
    "overlong NUL": b"\xc0\x80",
    "overlong slash": b"\xc0\xaf",
    "overlong quote": b"\xc0\xa2",
    "overlong in three": b"\xe0\x80\xaf",
    "overlong in four": b"\xf0\x80\x80\xaf",
    "half a pair": b"\xed\xa0\x80",
    "the other half": b"\xed\xb0\x80",
    "a pair of three each": b"\xed\xa0\xbd\xed\xb8\x80",
    "beyond Unicode": b"\xf4\x90\x80\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "six bytes": b"\xfc\x84\x80\x80\x80\x80",
    "a byte that none is": b"\xff",
    "another such byte": b"\xfe",
    "a continuation alone": b"\x80",
    "a start alone": b"\xc3",
    "two of three": b"\xe2\x82",
    "three of four": b"\xf0\x9f\x98",
    "Latin-1": b"caf\xe9",
}
# What costs a client few bytes.
CHEAP = {
    "zeros": "0",
    "texts": '""',
    "arrays": "[]",
    "objects": "{}",
    "nulls": "null",
    "truths": "true",
    "fractions": "0.5",
    "pairs": "[[],[]]",
    "members": '{"a":0}',
}


def documents(good: Any) -> dict[str, bytes]:
    """Return hostile documents, most of them made from one that is good."""
    text = json.dumps(good, ensure_ascii=False)
    found: dict[str, bytes] = {}
    for kind in (_endings, _encodings, _syntax, _numbers, _texts, _names, _sizes):
        for name, body in kind(text):
            assert len(body) <= BODY_BYTES_MAX, name
            assert name not in found, name
            found[name] = body
    return found


def truncated(good: Any) -> list[bytes]:
    """Return every beginning of a good document that is not all of it."""
    body = json.dumps(good).encode()
    return [body[:length] for length in range(1, len(body))]


def _member(text: str, value: str, name: str = "unknown") -> bytes:
    """Return an object with one member more, as it is written."""
    rest = text.strip()[1:-1].strip()
    return f'{{"{name}": {value}{", " if rest else ""}{rest}}}'.encode(errors="surrogatepass")


Documents = Iterator[tuple[str, bytes]]


def _endings(text: str) -> Documents:
    for after in AFTER:
        yield f"followed by {after!r}", f"{text}{after}".encode()
    yield "twice", f"{text}\n{text}".encode()
    yield "with a separator of records", f"\x1e{text}\n".encode()
    for before in BEFORE:
        yield f"preceded by {before!r}", f"{before}{text}".encode()


def _encodings(text: str) -> Documents:
    for name in ENCODINGS:
        encoded = (text + "+AD4-" if name == "utf-7" else text).encode(name)
        yield f"in {name}", encoded
    for name, what in NO_UTF_8.items():
        yield f"in a text: {name}", _member(text, '"@"').replace(b"@", what)
        yield f"in a name: {name}", _member(text, "1", "@").replace(b"@", what)
    yield "packed", gzip.compress(text.encode(), mtime=0)
    yield "CBOR", b"\xa1\x68quantity\x01"
    yield "MessagePack", b"\x81\xa8quantity\x01"
    yield "BSON", b"\x13\x00\x00\x00\x10quantity\x00\x01\x00\x00\x00\x00"


def _syntax(text: str) -> Documents:
    for value in NO_VALUES:
        yield f"a value written {value!r}", _member(text, value)


def _numbers(text: str) -> Documents:
    for value in NO_NUMBERS:
        yield f"a number written {value}", _member(text, value)
    for value in EXTREMES:
        yield f"a number as large as {value}", _member(text, value)
    for digits in (4_301, 60_000):
        yield f"{digits} digits", _member(text, "9" * digits)
        yield f"{digits} digits behind the point", _member(text, "0." + "9" * digits)
        yield f"{digits} digits of an exponent", _member(text, "1e" + "9" * digits)
        yield f"{digits} zeros", _member(text, "1" + "0" * digits)
    for number in (2**31, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 2**70, 2**1_024):
        yield f"the number {str(number)[:25]}", _member(text, str(number))


def _texts(text: str) -> Documents:
    for value in TEXTS:
        yield f"a text {value}", _member(text, value)
    yield "a text as long as a body", _member(text, f'"{"x" * 60_000}"')
    yield "nothing but escapes", _member(text, '"' + "\\u0041" * 10_000 + '"')
    yield "escaped quotes without an end", _member(text, '"' + '\\"' * 30_000)
    yield "backslashes without an end", _member(text, '"' + "\\" * 60_001)
    yield "quotes", _member(text, '"' * 60_001)
    yield "spaces", b" " * BODY_BYTES_MAX
    yield "line ends", b"\r\n" * (BODY_BYTES_MAX // 2)
    yield "NULs", b"\x00" * BODY_BYTES_MAX


def _names(text: str) -> Documents:
    for name in NO_NAMES:
        yield f"a member named {name!r}", _member(text, "1", name)
    for name in json.loads(text):
        yield f"{name} twice", _member(text, json.dumps(json.loads(text)[name]), name)
        yield (
            f"{name} twice, once in escapes",
            _member(text, "1", f"\\u{ord(name[0]):04x}{name[1:]}"),
        )
        yield f"{name} in capitals", _member(text, "1", name.upper())
    yield "a name twice", _member(_member(text, "1").decode(), "1")
    yield "a name twice within", _member(text, '{"a": 1, "a": 2}')
    yield "a name twice deep within", _member(text, '[[{"a": {"b": 1, "\\u0062": 1}}]]')
    yield "a name as long as a body", _member(text, "1", "x" * 60_000)
    yield "names that are one in other hashes", _object(_equal_in_java(2_000))
    yield "names that are numbers", _object([str(n * (2**61 - 1)) for n in range(2_000)])


def _object(names: list[str]) -> bytes:
    return json.dumps(dict.fromkeys(names, 1)).encode()


def _equal_in_java(count: int) -> list[str]:
    """Return names that have one and the same hash in Java, and in all that count as it does."""
    return [f"{number:012b}".replace("0", "Aa").replace("1", "BB") for number in range(count)]


def _sizes(text: str) -> Documents:
    room = BODY_BYTES_MAX - len(text.encode()) - 100
    for depth in (JSON_NESTING_MAX, 100, 1_000, room // 2):
        yield f"arrays {depth} deep", _member(text, "[" * depth + "]" * depth)
    for depth in (JSON_NESTING_MAX, 100, 1_000, room // 6):
        yield f"objects {depth} deep", _member(text, '{"":' * depth + "1" + "}" * depth)
    yield "arrays that never end", b"[" * BODY_BYTES_MAX
    yield "arrays that never began", b"]" * BODY_BYTES_MAX
    yield "objects that never end", (b'{"":' * BODY_BYTES_MAX)[:BODY_BYTES_MAX]
    yield "both in turns", b'[{"":' * (BODY_BYTES_MAX // 5)
    for name, value in CHEAP.items():
        yield f"as many {name} as there is room for", _member(text, _list(value, room))
        yield (
            f"more {name} than there may be",
            _member(text, _list(value, len(value) * (JSON_VALUES_MAX + 1) + JSON_VALUES_MAX)),
        )
    for member in json.loads(text):
        yield (
            f"{member}: as many objects as there is room for",
            _only(text, member, _list("{}", room)),
        )
        yield (
            f"{member}: as many texts as there is room for",
            _only(text, member, _list('""', room)),
        )
    yield (
        "as many different members as there is room for",
        _object([f"{n:x}" for n in range(5_500)]),
    )
    yield "commas", _member(text, "[" + "," * room + "]")
    yield "colons", _member(text, "{" + ":" * room + "}")
    yield "numbers of many digits", _member(text, _list("9" * 4_300, room))


def _list(value: str, room: int) -> str:
    return "[" + ",".join([value] * max(1, room // (len(value) + 1))) + "]"


def _only(text: str, member: str, value: str) -> bytes:
    rest: Mapping[str, Any] = {k: v for k, v in json.loads(text).items() if k != member}
    return _member(json.dumps(rest), value, member)
