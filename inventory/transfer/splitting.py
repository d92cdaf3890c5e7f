"""Where one row ends and the next begins, in JSON of any length: bytes in, bytes out.

Looks at strings, brackets and commas only; whether a row is JSON, whoever parses it finds out.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO

from inventory import limits
from inventory.strict_json import NotJSON

_CHUNK_BYTES = 64 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_TOO_LARGE = f"A row has more than {limits.BODY_BYTES_MAX} bytes."
_SPACE = b" \t\r\n"
# A whole string, a bracket, or a comma; a quotation mark alone begins a string that goes on.
_MARK = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["\[\]{},]', re.DOTALL)
_OPENING, _CLOSING, _COMMA, _QUOTE = b"[{", b"]}", b",", b'"'


def elements(file: BinaryIO) -> Iterator[bytes]:
    """Yield the elements of a JSON array, each as it is written; raise `NotJSON` if it is none."""
    buffer = file.read(_CHUNK_BYTES).lstrip(_SPACE)
    if not buffer.startswith(b"["):
        raise NotJSON("The body is not an array of rows.")
    yield from _Splitter(file, buffer[1:]).elements()


class _Splitter:
    """The rest of an array, of which as much is held as one element needs."""

    def __init__(self, file: BinaryIO, buffer: bytes) -> None:
        self._file = file
        self._buffer = buffer
        # Where in the buffer to look on, and how many brackets are open there.
        self._at = 0
        self._depth = 0
        self._count = 0

    def elements(self) -> Iterator[bytes]:
        """Yield what is left of them."""
        while True:
            found = _MARK.search(self._buffer, self._at)
            mark = found.group() if found else b""
            if found is None or mark == _QUOTE:
                self._read_on(found.start() if found else len(self._buffer))
                continue
            self._at = found.end()
            if mark in _OPENING:
                self._depth += 1
            elif mark in _CLOSING and self._depth:
                self._depth -= 1
            elif not self._depth and mark in (_COMMA, b"]", b"}"):
                last = mark != _COMMA
                if mark == b"}":
                    raise NotJSON("The array ends with another bracket than it began with.")
                yield from self._cut(found.start(), last=last)
                if last:
                    self._end()
                    return

    def _cut(self, end: int, *, last: bool) -> Iterator[bytes]:
        element = self._buffer[:end].strip(_SPACE)
        self._buffer = self._buffer[self._at :]
        self._at = 0
        if not element and not (last and not self._count):
            raise NotJSON("There is nothing between two commas of the array.")
        if len(element) > limits.BODY_BYTES_MAX:
            raise NotJSON(_TOO_LARGE)
        if element:
            self._count += 1
            yield element

    def _read_on(self, at: int) -> None:
        if len(self._buffer) > limits.BODY_BYTES_MAX:
            raise NotJSON(_TOO_LARGE)
        more = self._file.read(_CHUNK_BYTES)
        if not more:
            raise NotJSON("The array has no end.")
        self._buffer += more
        self._at = at

    def _end(self) -> None:
        """Raise `NotJSON` if anything but space follows the array."""
        rest = self._buffer
        while rest:
            if rest.strip(_SPACE):
                raise NotJSON("Something follows the array of rows.")
            rest = self._file.read(_CHUNK_BYTES)


def lines(file: BinaryIO) -> Iterator[bytes | None]:
    """Yield the lines that are not empty; None for each that is longer than a row may be."""
    first = True
    while line := file.readline(limits.BODY_BYTES_MAX + 2):
        whole = line.endswith(b"\n") or len(line) <= limits.BODY_BYTES_MAX + 1
        if not whole:
            while rest := file.readline(_CHUNK_BYTES):
                if rest.endswith(b"\n"):
                    break
            yield None
            continue
        text = (line.removeprefix(_BYTE_ORDER_MARK) if first else line).strip(_SPACE)
        first = False
        if text:
            yield text if len(text) <= limits.BODY_BYTES_MAX else None
