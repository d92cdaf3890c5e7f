"""What becomes of each message, at the service itself and at nginx before it.

A message that no table here names is refused by both. nginx never hands a message on as it came: it
writes each anew, with one length, line ends that are some, and headers of its own. So where the two
differ there is nothing for a hidden request to hide in.
"""

from collections.abc import Iterator

from tests.hostile import framing, heads

GROUPS = {
    "lengths": framing.lengths(),
    "codings": framing.codings(),
    "chunks": framing.chunks(),
    "methods": framing.methods(),
    "lines": heads.lines(),
    "targets": heads.targets(),
    "claims": heads.claims(),
}
# Odd, but understood by both in the same way. So is all that only claims something in a header.
SERVED = (
    "the header b'Content-Length:15'", "the header b'content-length: 015'",
    "the header b'CONTENT-LENGTH: 15'", "the header b'Transfer_Encoding: chunked' beside a length",
    "the header b'X-Transfer-Encoding: chunked' beside a length",
    "the header b'TE: chunked' beside a length", "the header b'Transfer: chunked' beside a length",
    "the header b'Transfer-Encoding: CHUNKED'", "the header b'transfer-encoding:chunked'",
    "chunks: one chunk", "chunks: two chunks", "chunks: a last chunk of many zeros",
    "chunks: trailers", "chunks: the size b'F'", "chunks: the size b'0f'",
    "chunks: the size b'000000000000000f'", "chunks: the size b'f;a'", "chunks: the size b'f;a=b'",
    'chunks: the size b\'f;a="b;c"\'', "chunks: the size b'f ;a=b'",
    "chunks: the size b'f;a=b;c=d'", "b'GET' with a body", "b'GET' with chunks",
    "b'HEAD' with a body", "b'HEAD' with chunks", "b'OPTIONS' with a body",
    "b'OPTIONS' with chunks", "b'DELETE' with a body", "b'DELETE' with chunks",
    "b'TRACE' with a body", "b'TRACE' with chunks", "b'PUT' with a body", "b'PUT' with chunks",
    "b'QUERY' with a body", "b'QUERY' with chunks", "two sales, one behind the other",
    "a sale behind a read", "a read, a length of none, a sale", "an upgrade to b'h2c'",
    "an upgrade to b'web'", "the header b'Expect: 100-continue'",
    "the header b'Expect: 100-Continue'", "an empty line before", "the header b'X: caf\\xc3\\xa9'",
    "the header b'X: \\xff\\xfe'", "the header b'X:'", "the header b'X:a'",
    "the header b'X: a\\tb'", "the header b'X:                  '",
    'the header b"!#$%&\'*+-.^_`|~: a"', "the request line b'CONNECT shop:80 HTTP/1.1'",
    "the request line b'GET ftp://shop/PATH HTTP/1.1'",
    "the request line b'GET /PATH%0d%0aX:%20y HTTP/1.1'",
    "the request line b'GET /PATH/.. HTTP/1.1'", "the request line b'GET //PATH HTTP/1.1'",
    "the request line b'GET /PATH/ HTTP/1.1'", "the request line b'GET /PATH# HTTP/1.1'",
    "the request line b'GET /PATH#/metrics HTTP/1.1'", "the request line b'GET /PATH;a HTTP/1.1'",
    "the request line b'GET /PATH\\\\ HTTP/1.1'",
    "the request line b'GET http://shop/PATH HTTP/1.1'",
    "the request line b'GET http://other/PATH HTTP/1.1'",
    "the request line b'GET HTTP://other:99/PATH HTTP/1.1'",
    "the request line b'GET https://other/PATH HTTP/1.1'",
    "the request line b'GET /PATH HTTP/1.0'", "the request line b'GET /PATH HTTP/1.1'",
    "the request line b'GET /PATH HTTP/1.9'", "the request line b'BREW /PATH HTTP/1.1'",
)  # fmt: skip
# Understood by the service, which is not to be met without nginx by strangers. nginx is stricter.
NGINX_REFUSES = (
    "the header b'Content-Length:\\t15 \\t'",
    "the header b'Transfer-Encoding: identity, chunked' alone",
    "the header b'Transfer-Encoding: gzip, chunked' alone",
    "the header b'Transfer-Encoding:\\tchunked \\t'", "99 headers", "headers of 40,000 bytes",
    "the request line b'CONNECT /PATH HTTP/1.1'", "the request line b'GET http:///PATH HTTP/1.1'",
    "the request line b'GET http://a@shop/PATH HTTP/1.1'",
    "the request line b'GET /PATH%00 HTTP/1.1'", "the request line b'GET /PATH%zz HTTP/1.1'",
    "the request line b'GET /../PATH HTTP/1.1'", "the request line b'GET /%2e%2e/PATH HTTP/1.1'",
    "the request line b'GET /..%2f..%2fetc/passwd HTTP/1.1'",
    "the request line b'OPTIONS * HTTP/1.1'", "the host b''", "the host b'Host:\\r\\n'",
    "the host b'Host: shop:99999\\r\\n'", "the host b'Host: a b\\r\\n'",
    "the host b'Host: a/b\\r\\n'", "the host b'Host: a@b\\r\\n'", "the host b'Host: ..\\r\\n'",
    "the host b'Host: shop, other\\r\\n'",
)  # fmt: skip
# Refused by the service, and never seen by it: nginx understands these, and writes them anew.
# A line that ends with a bare LF ends with CR LF then.
BARE_LINE_ENDS = (
    "the header b'X: y\\nContent-Length: 15'",
    "the header b'X: y\\nTransfer-Encoding: chunked' alone", "every line ends with LF",
    "the request line ends with LF", "the head ends with LF LF", "a line ends with CR CR LF",
    "an LF before", "many empty lines before", "the line b'X: a\\nb'", "the line b'X: a\\r'",
)  # fmt: skip
# Trailers are dropped unread.
TRAILERS = (
    "chunks: a request as a trailer", "chunks: a trailer without a colon",
    "chunks: a trailer with a space before its colon", "chunks: the trailer b'Content-Length: 5'",
    "chunks: the trailer b'Transfer-Encoding: chunked'", "chunks: the trailer b'Host: other'",
    "chunks: the trailer b'Authorization: a'",
)  # fmt: skip
# So are the extensions of chunks, with the chunks: the body is sent on with a length.
EXTENSIONS = (
    "chunks: the size b'f '", "chunks: the size b'f\\t'", "chunks: the size b'f;'",
    "chunks: the size b'f;a=\\x00'", 'chunks: the size b\'f;a="b\'', "chunks: the size b'f;=b'",
    "chunks: the size b'f f'",
)  # fmt: skip
# A header whose name is none is dropped.
NO_NAMES = (
    "the line b'X'", "the line b'X(y): a'", "the line b'\\xc3\\xa9: a'", "the line b'X[]: a'",
    'the line b\'"X": a\'', "the line b'X/y: a'",
)  # fmt: skip
# What a client expects it is told by nginx, as far as it can be.
EXPECTATIONS = (
    "the header b'Expect: 200-ok'", "the header b'Expect: 100-continue, 200-ok'",
    "the header b'Expect:'",
)  # fmt: skip
# The request line is written with one space, and with the version that nginx speaks.
SPACES = (
    "the request line b'GET  /PATH HTTP/1.1'", "the request line b'GET /PATH  HTTP/1.1'",
    "the request line b'GET /PATH HTTP/1.1 '", "the request line b'GET /PATH HTTP/1.10'",
)  # fmt: skip
NGINX_MENDS = (
    *BARE_LINE_ENDS, *TRAILERS, *EXTENSIONS, *NO_NAMES, *EXPECTATIONS, *SPACES,
)  # fmt: skip


def is_served(name: str) -> bool:
    """Tell whether the service itself understands a message."""
    return name in SERVED or name in NGINX_REFUSES or name in GROUPS["claims"]


def messages() -> Iterator[tuple[str, bytes]]:
    """Yield every message with its name."""
    for group in GROUPS.values():
        yield from group.items()
