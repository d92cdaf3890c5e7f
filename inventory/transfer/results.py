"""What became of the rows of an import, as one JSON document, in memory for a few of them."""

import tempfile
from collections.abc import Iterator, Sequence
from typing import IO, Self

from inventory import limits
from inventory.domain.imports import RowResult, Summary
from inventory.encoding import encode
from inventory.transfer.writing import result_of, summary_of

_CHUNK_BYTES = 64 * 1024


class Results:
    """Results in their order; above some kilobytes they wait in a file."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - close() does
            max_size=limits.IMPORT_MEMORY_BYTES
        )
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of them."""
        self._file.close()

    def take(self, results: Sequence[RowResult]) -> None:
        """Add results."""
        text = b",".join([encode(result_of(result)) for result in results])
        if text:
            self._size += self._file.write(b"," + text if self._size else text)

    def document(self, summary: Summary) -> tuple[int, Iterator[bytes]]:
        """Return the length of the whole document, and its parts."""
        head = encode(summary_of(summary))[:-1] + b',"results":['
        return len(head) + self._size + len(b"]}"), self._parts(head)

    def _parts(self, head: bytes) -> Iterator[bytes]:
        try:
            yield head
            self._file.seek(0)
            while part := self._file.read(_CHUNK_BYTES):
                yield part
            yield b"]}"
        finally:
            self.close()
