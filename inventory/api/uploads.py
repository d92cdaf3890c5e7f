"""Bodies that are too large for memory: received whole, into a file that goes with the request."""

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, cast

from flask import g, request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge, RequestTimeout

from inventory import limits
from inventory.api.problems import UnsupportedMediaType

_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """A body in a file, and the kind that it is of."""

    file: BinaryIO
    media_type: str
    digest: str

    @property
    def identity(self) -> list[str]:
        """What tells it from every other."""
        return [self.media_type, self.digest]


def receive(media_types: Sequence[str]) -> Upload:
    """Return the request's body, one of these kinds and in UTF-8; up to so many bytes it may have.

    Raises `UnsupportedMediaType`, `RequestEntityTooLarge`, `RequestTimeout`, `ClientDisconnected`.
    """
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype not in media_types or charset not in ("utf-8", "utf8"):
        raise UnsupportedMediaType(f"Send {' or '.join(media_types)}, in UTF-8.")
    if request.environ.get("HTTP_CONTENT_ENCODING") not in (None, "", "identity"):
        raise UnsupportedMediaType("Send the body without a Content-Encoding.")
    file = g.upload = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed with the request
        max_size=limits.IMPORT_MEMORY_BYTES
    )
    digest = _copy(cast(BinaryIO, file))
    return Upload(cast(BinaryIO, file), request.mimetype, digest)


def _copy(file: BinaryIO) -> str:
    """Copy the body to `file`; return its digest."""
    environ = request.environ
    declared = environ.get("CONTENT_LENGTH", "")
    known = declared.isdecimal() and "HTTP_TRANSFER_ENCODING" not in environ
    if known and int(declared) > limits.IMPORT_BYTES_MAX:
        raise RequestEntityTooLarge
    if not known and not environ.get("wsgi.input_terminated"):
        return hashlib.sha256().hexdigest()
    digest, size = hashlib.sha256(), 0
    while chunk := _read(_CHUNK_BYTES if not known else min(_CHUNK_BYTES, int(declared) - size)):
        size += len(chunk)
        if size > limits.IMPORT_BYTES_MAX:
            raise RequestEntityTooLarge
        digest.update(chunk)
        file.write(chunk)
    if known and size < int(declared):
        raise ClientDisconnected
    return digest.hexdigest()


def _read(count: int) -> bytes:
    try:
        chunk: bytes = request.environ["wsgi.input"].read(count) if count else b""
    except TimeoutError as error:
        raise RequestTimeout from error
    return chunk
