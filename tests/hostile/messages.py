"""Requests over HTTP, written byte by byte, so that they can be written wrongly.

A message asks for a sale of one unit, or for nothing. Many carry another request within, for seven
units, which must never be carried out. In a message PATH stands for the path of a product, and has
its length.
"""

PATH = b"/api/products/" + b"0" * 24
BODY = b'{"quantity": 1}'
HIDDEN_UNITS = 7
HIDDEN_BODY = b'{"quantity": 7}'
TYPE = b"Content-Type: application/json"
READ = b"GET /PATH HTTP/1.1"
CHUNKED = b"Transfer-Encoding: chunked"


def length(body: bytes) -> bytes:
    """Return the line that tells how long a body is."""
    return b"Content-Length: %d" % len(body)


def request(
    *lines: bytes,
    body: bytes = b"",
    line: bytes = b"POST /PATH/purchase HTTP/1.1",
    host: bytes = b"Host: shop\r\n",
) -> bytes:
    """Return a request with header lines as they are; /PATH in its first line is the product's."""
    head = b"".join(one + b"\r\n" for one in lines)
    return line.replace(b"/PATH", PATH) + b"\r\n" + host + TYPE + b"\r\n" + head + b"\r\n" + body


HIDDEN = request(length(HIDDEN_BODY), body=HIDDEN_BODY)


def chunk(data: bytes, size: bytes | None = None, end: bytes = b"\r\n") -> bytes:
    """Return a chunk of a body, with a line of its size as given."""
    return (b"%x" % len(data) if size is None else size) + b"\r\n" + data + end


LAST = b"0\r\n\r\n"
GOOD_CHUNKS = chunk(BODY) + LAST
