"""Messages that are in doubt about where they end: by lengths, codings, chunks, methods."""

from tests.hostile.messages import (
    BODY,
    CHUNKED,
    GOOD_CHUNKS,
    HIDDEN,
    LAST,
    READ,
    chunk,
    length,
    request,
)

NO_LENGTHS = (
    b"+15", b"-15", b"-1", b"0x0f", b"0xf", b"017", b"1e1", b"15.0", b"1_5", b"15;a", b"15 15",
    b'"15"', b"", b"abc", b"15\x00", b"15\x0b", b"\xc2\xb9\xc2\xb5", b"\xb2", b"\xd9\xa1\xd9\xa5",
    b"NaN", b"15\x0c", b"\x0b15", b"15abc", b"1 5", b"18446744073709551631",
)  # fmt: skip
LENGTHS = (
    b"Content-Length:15", b"Content-Length:\t15 \t", b"content-length: 015", b"CONTENT-LENGTH: 15",
)  # fmt: skip
NO_LENGTH_HEADERS = (
    b"Content-Length : 15", b"Content-Length\t: 15", b"Content Length: 15",
    b"Content-Length\x00: 15", b"Content_Length: 15", b" Content-Length: 15",
    b"X: y\nContent-Length: 15", b"X: y\rContent-Length: 15", b"Content-Length:\r\n 15",
    b"Content-Length\r\n: 15", b"\xefContent-Length: 15", b"Content-Length\xa0: 15",
)  # fmt: skip
NO_CODINGS = (
    b"Transfer-Encoding: xchunked", b"Transfer-Encoding: chunkedx",
    b"Transfer-Encoding: x, chunked", b"Transfer-Encoding: chunked, x",
    b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: identity, chunked",
    b"Transfer-Encoding: identity", b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: gzip", b"Transfer-Encoding:",
    b"Transfer-Encoding: ,chunked", b"Transfer-Encoding: chunked;a=b",
    b'Transfer-Encoding: "chunked"', b"Transfer-Encoding: chunked\x0b",
    b"Transfer-Encoding: \x0bchunked", b"Transfer-Encoding: chunked\x00",
    b"Transfer-Encoding : chunked", b"Transfer-Encoding\t: chunked",
    b"Transfer-Encoding\x00: chunked", b" Transfer-Encoding: chunked",
    b"Transfer-Encoding:\r\n chunked", b"X: y\nTransfer-Encoding: chunked",
    b"X: y\rTransfer-Encoding: chunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
    b"Transfer-Encoding: x\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", b"Transfer-Encoding\xa0: chunked",
    b"Transfer-Encoding: chun\xc2\xadked", b"Transfer-Encoding: chunk",
    b"Transfer-Encoding: \xef\xbb\xbfchunked",
)  # fmt: skip
OTHER_HEADERS = (
    b"Transfer_Encoding: chunked", b"X-Transfer-Encoding: chunked", b"TE: chunked",
    b"Transfer: chunked",
)  # fmt: skip
SIZES = (
    b"F", b"0f", b"000000000000000f", b"f;a", b"f;a=b", b'f;a="b;c"', b"f ;a=b", b"f;a=b;c=d",
)  # fmt: skip
NO_SIZES = (
    b"0xf", b"+f", b"-f", b"-1", b" f", b"", b"g", b"f.0", b"1_0", b"f\x00",
    b"\xef\xbc\x86", b"f,f", b"\x0bf", b"f;a\rb",
    b"f;\nGET / HTTP/1.1",
)  # fmt: skip
TRAILERS = (
    b"Content-Length: 5", b"Transfer-Encoding: chunked", b"Host: other", b"Authorization: a",
)  # fmt: skip
METHODS = (
    b"GET", b"HEAD", b"OPTIONS", b"DELETE", b"TRACE", b"PUT", b"QUERY",
)  # fmt: skip
OTHER_EXPECTATIONS = (
    b"Expect: 200-ok", b"Expect: 100-continue, 200-ok", b"Expect:",
)  # fmt: skip
# Some take these, and then it is as large as it says.
ODD_SIZES = (
    b"f ", b"f\t", b"f;", b"f;a=\x00", b'f;a="b', b"f;=b", b"f f",
)  # fmt: skip


def lengths() -> dict[str, bytes]:
    """Return messages that are in doubt about how long they are."""
    both = BODY + HIDDEN
    found = {
        "a length and chunks": request(length(LAST + HIDDEN), CHUNKED, body=LAST + HIDDEN),
        "chunks and a length": request(CHUNKED, length(BODY), body=GOOD_CHUNKS),
        "chunks and the length of a part": request(
            CHUNKED, b"Content-Length: 4", body=chunk(HIDDEN) + LAST
        ),
        "two lengths": request(length(BODY), length(both), body=both),
        "two lengths, the longer first": request(length(both), length(BODY), body=both),
        "the same length twice": request(length(BODY), length(BODY), body=BODY),
        "a list of lengths": request(b"Content-Length: 15, 15", body=BODY),
        "a list of two lengths": request(b"Content-Length: 15, 99", body=both),
    }
    for value in NO_LENGTHS:
        found[f"the length {value!r}"] = request(b"Content-Length: " + value, body=BODY)
    for line in LENGTHS:
        found[f"the header {line!r}"] = request(line, body=BODY)
    for line in NO_LENGTH_HEADERS:
        found[f"the header {line!r}"] = request(line, body=BODY)
    return found


def codings() -> dict[str, bytes]:
    """Return messages that are in doubt whether they are chunked: a short chunk, then a request."""
    smuggled = LAST + HIDDEN
    found = {}
    for line in NO_CODINGS:
        found[f"the header {line!r} beside a length"] = request(
            length(smuggled), line, body=smuggled
        )
        found[f"the header {line!r} alone"] = request(line, body=GOOD_CHUNKS)
    for line in OTHER_HEADERS:
        found[f"the header {line!r} beside a length"] = request(length(BODY), line, body=BODY)
    for line in (
        b"Transfer-Encoding: CHUNKED",
        b"transfer-encoding:chunked",
        b"Transfer-Encoding:\tchunked \t",
    ):
        found[f"the header {line!r}"] = request(line, body=GOOD_CHUNKS)
    found["chunks in HTTP/1.0"] = request(
        CHUNKED, body=smuggled, line=b"POST /PATH/purchase HTTP/1.0"
    )
    return found


def chunks() -> dict[str, bytes]:
    """Return messages whose chunks are malformed, and some whose chunks are only unusual."""
    found = {
        "one chunk": GOOD_CHUNKS,
        "two chunks": chunk(BODY[:5]) + chunk(BODY[5:]) + LAST,
        "a last chunk of many zeros": chunk(BODY) + b"0000\r\n\r\n",
        "trailers": chunk(BODY) + b"0\r\nX-Checked: yes\r\n\r\n",
        "no line end behind a chunk": chunk(BODY, end=b"") + LAST + HIDDEN,
        "a bare LF behind a chunk": chunk(BODY, end=b"\n") + LAST + HIDDEN,
        "a bare LF behind a size": b"f\n" + BODY + b"\r\n" + LAST + HIDDEN,
        "two letters behind a chunk": chunk(BODY, end=b"xx") + LAST + HIDDEN,
        "a chunk that is longer than its size": chunk(BODY + b"more", b"f") + LAST + HIDDEN,
        "a bare LF behind the last chunk": chunk(BODY) + b"0\n\n" + HIDDEN,
        "a bare CR behind the last chunk": chunk(BODY) + b"0\r\r" + HIDDEN,
        "a request as a trailer": chunk(BODY) + b"0\r\n" + HIDDEN,
        "a trailer with a bare LF": chunk(BODY) + b"0\r\nX: y\n\r\n\r\n" + HIDDEN,
        "a trailer without a colon": chunk(BODY) + b"0\r\nXy\r\n\r\n",
        "a trailer with a space before its colon": chunk(BODY) + b"0\r\nX : y\r\n\r\n",
    }
    for size in SIZES:
        found[f"the size {size!r}"] = chunk(BODY, size) + LAST
    for size in ODD_SIZES:
        found[f"the size {size!r}"] = chunk(BODY, size) + LAST
    for size in NO_SIZES:
        found[f"the size {size!r}"] = chunk(BODY, size) + LAST + HIDDEN
    for name in TRAILERS:
        found[f"the trailer {name!r}"] = chunk(BODY) + b"0\r\n" + name + b"\r\n\r\n"
    return {f"chunks: {name}": request(CHUNKED, body=body) for name, body in found.items()}


def methods() -> dict[str, bytes]:
    """Return messages that carry a body where none is expected, or more than one request."""
    found = {}
    for method in METHODS:
        line = method + b" /PATH HTTP/1.1"
        found[f"{method!r} with a body"] = request(length(HIDDEN), body=HIDDEN, line=line)
        found[f"{method!r} with chunks"] = request(CHUNKED, body=chunk(HIDDEN) + LAST, line=line)
        found[f"{method!r} with both"] = request(
            b"Content-Length: 5", CHUNKED, body=LAST + HIDDEN, line=line
        )
    good = request(length(BODY), body=BODY)
    found["two sales, one behind the other"] = good + good
    found["a sale behind a read"] = request(line=READ) + good
    found["a read, a length of none, a sale"] = request(b"Content-Length: 0", line=READ) + good
    for line in (
        b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
        b"Upgrade: websocket\r\nConnection: Upgrade",
    ):
        found[f"an upgrade to {line[9:12]!r}"] = request(line, length(BODY), body=BODY)
    found["h2c with prior knowledge"] = (
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
    )
    found["TLS"] = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"
    found["the PROXY protocol"] = b"PROXY TCP4 6.6.6.6 6.6.6.6 1 1\r\n" + request(line=READ)
    for line in (b"Expect: 100-continue", b"Expect: 100-Continue"):
        found[f"the header {line!r}"] = request(line, length(BODY), body=BODY)
    for line in OTHER_EXPECTATIONS:
        found[f"the header {line!r}"] = request(line, length(BODY), body=BODY)
    return found
