"""Messages whose lines are malformed, or claim to come from elsewhere or to go elsewhere."""

from tests.hostile.messages import BODY, length, request

NO_HEADERS = (
    b"X: a\r\n b", b"X: a\r\n\tb", b"X : a", b"X\t: a", b": a", b"X", b"X y: a", b"X(y): a",
    b"X\x00: a", b"X: a\x00b", b"X: a\x01b", b"X: a\x7fb", b"X: a\x0bb", b"X: a\rb", b"X: a\nb",
    b"X: a\r", b"\xc3\xa9: a", b"X[]: a", b"X: a\x1b[31m", b'"X": a', b"X/y: a",
)  # fmt: skip
HEADERS = (
    b"X: caf\xc3\xa9", b"X: \xff\xfe", b"X:", b"X:a", b"X: a\tb", b"X: " + b" " * 1_000,
    b"!#$%&'*+-.^_`|~: a",
)  # fmt: skip
REQUEST_LINES = (
    b"GET /PATH", b"GET", b"", b"GET  /PATH HTTP/1.1", b"GET /PATH  HTTP/1.1",
    b"GET\t/PATH\tHTTP/1.1", b"GET /PATH HTTP/1.1 ", b"GET /PATH x HTTP/1.1",
    b"GET /PATH HTTP/2.0", b"GET /PATH HTTP/3", b"GET /PATH HTTP/0.9", b"GET /PATH HTTP/1.10",
    b"GET /PATH HTTP/11", b"GET /PATH HTTP/1.", b"GET /PATH http/1.1", b"GET /PATH HTTPS/1.1",
    b"GET /PATH ICY/1.1", b"GET /PATH RTSP/1.0", b"get /PATH HTTP/1.1", b"G\x00T /PATH HTTP/1.1",
    b"G(T /PATH HTTP/1.1", b"GET /PATH\x00 HTTP/1.1", b"GET /PATH\x01 HTTP/1.1",
    b"GET /PATH\x7f HTTP/1.1", b"GET /PATH\rX HTTP/1.1", b"GET /PATH\xff HTTP/1.1",
    b"GET /PATH\xc3\xa9 HTTP/1.1", b"GET * HTTP/1.1", b"GET shop HTTP/1.1",
    b"GET shop:80 HTTP/1.1", b"GET ../PATH HTTP/1.1", b"CONNECT shop:80 HTTP/1.1",
    b"CONNECT /PATH HTTP/1.1", b"GET http:/PATH HTTP/1.1", b"GET ftp://shop/PATH HTTP/1.1",
    b"GET http:///PATH HTTP/1.1", b"GET http://[::1/PATH HTTP/1.1",
    b"GET http://a@shop/PATH HTTP/1.1", b"GET /PATH%00 HTTP/1.1", b"GET /PATH%zz HTTP/1.1",
    b"GET /PATH%0d%0aX:%20y HTTP/1.1", b"GET /PATH" + b"a" * 9_000 + b" HTTP/1.1",
    b"GET /PATH?" + b"a" * 9_000 + b" HTTP/1.1", b"GET /PATH/.. HTTP/1.1",
    b"GET /../PATH HTTP/1.1", b"GET /%2e%2e/PATH HTTP/1.1", b"GET /..%2f..%2fetc/passwd HTTP/1.1",
    b"GET //PATH HTTP/1.1", b"GET /PATH/ HTTP/1.1", b"GET /PATH# HTTP/1.1",
    b"GET /PATH#/metrics HTTP/1.1", b"GET /PATH;a HTTP/1.1", b"GET /PATH\\ HTTP/1.1",
    b"OPTIONS * HTTP/1.1", b"GET http://shop/PATH HTTP/1.1", b"GET http://other/PATH HTTP/1.1",
    b"GET HTTP://other:99/PATH HTTP/1.1", b"GET https://other/PATH HTTP/1.1",
    b"GET /PATH HTTP/1.0", b"GET /PATH HTTP/1.1", b"GET /PATH HTTP/1.9", b"BREW /PATH HTTP/1.1",
    b"GETGETGETGETGETGETGETGET /PATH HTTP/1.1",
)  # fmt: skip
HOSTS = (
    b"", b"Host: shop\r\nHost: other\r\n", b"Host:\r\n", b"Host: shop:99999\r\n", b"Host: a b\r\n",
    b"Host: a/b\r\n", b"Host: shop\x00\r\n", b"Host: a@b\r\n", b"Host: ..\r\n",
    b"Host: shop, other\r\n",
)  # fmt: skip
CLAIMS = (
    b"X-Original-URL: /metrics", b"X-Rewrite-URL: /metrics", b"X-Original-URI: /metrics",
    b"X-HTTP-Method-Override: DELETE", b"X-Method-Override: DELETE", b"X-Forwarded-Prefix: /api",
    b"X-Forwarded-Host: other", b"X-Forwarded-Host: a\tb", b"X-Forwarded-Proto: https",
    b"X-Forwarded-Proto: javascript", b"X-Forwarded-Port: 99999", b"X-Forwarded-Port: a",
    b"X-Forwarded-For: 6.6.6.6", b"X-Forwarded-For: 6.6.6.6, 7.7.7.7", b"X-Forwarded-For: ,",
    b"X-Forwarded-For: \xff", b"Forwarded: for=6.6.6.6;host=other;proto=https",
    b'Forwarded: for="[', b"Via: 1.1 other", b"Proxy: http://other/", b"X-Real-IP: 6.6.6.6",
    b"True-Client-IP: 6.6.6.6", b"SCRIPT_NAME: /api", b"SCRIPT_NAME: /elsewhere",
    b"Script-Name: /api", b"PATH_INFO: /metrics", b"Path-Info: /metrics",
    b"X_Forwarded_For: 6.6.6.6", b"REMOTE_ADDR: 6.6.6.6", b"REQUEST_METHOD: DELETE",
    b"Connection: close, X-Forwarded-For", b"Connection: Content-Length",
    b"Connection: Transfer-Encoding, close", b"Connection: Content-Type", b"Connection: Host",
    b"Connection: keep-alive, X-Request-ID", b"Connection: \xff", b"Keep-Alive: timeout=999999",
    b"Proxy-Connection: close", b"Trailer: Content-Length", b"TE: trailers", b"X-Request-ID: a b",
    b"X-Request-ID: a\tb", b"X-Request-ID: caf\xc3\xa9", b"X-Request-ID: a%0d%0ab",
    b"X-Request-ID: a\r\nX-Request-ID: b", b"User-Agent: \x1b[31m".replace(b"\x1b", b"%1b"),
    b"Accept: */*;q=\xff", b"Cookie: a=b; a=c", b"Range: bytes=0-,5-", b'If-Match: "',
    b"Authorization: Basic \xff", b"Content-Encoding: identity", b"HTTP2-Settings: a",
    b"X-Accel-Redirect: /metrics",
)  # fmt: skip
TABLE_6 = (
    (b"X-Forwarded-Proto: https", b"X-Forwarded-SSL: off"),
    (b"X-Forwarded-Proto: http", b"X-Forwarded-Protocol: ssl"),
)  # fmt: skip


def lines() -> dict[str, bytes]:
    """Return messages whose lines end otherwise, or hold what no line may hold."""
    good = request(length(BODY), body=BODY)
    found = {
        "every line ends with LF": good.replace(b"\r\n", b"\n"),
        "the request line ends with LF": good.replace(b"\r\n", b"\n", 1),
        "the head ends with LF LF": request(length(BODY))[:-4] + b"\n\n" + BODY,
        "a line ends with CR": good.replace(b"shop\r\n", b"shop\r"),
        "a line ends with CR CR LF": good.replace(b"shop\r\n", b"shop\r\r\n"),
        "an empty line before": b"\r\n" + good,
        "an LF before": b"\n" + good,
        "many empty lines before": b"\r\n" * 50 + good,
        "a space before": b" " + good,
        "a NUL before": b"\x00" + good,
        "a byte order mark before": b"\xef\xbb\xbf" + good,
        "a first header with a space before it": good.replace(b"Host", b" Host"),
    }
    for line in NO_HEADERS:
        found[f"the line {line!r}"] = request(line, length(BODY), body=BODY)
    for line in HEADERS:
        found[f"the header {line[:20]!r}"] = request(line, length(BODY), body=BODY)
    found["99 headers"] = request(*[b"X-%d: a" % n for n in range(95)], length(BODY), body=BODY)
    found["101 headers"] = request(*[b"X-%d: a" % n for n in range(99)], length(BODY), body=BODY)
    found["5,000 headers"] = request(
        *[b"X-%d: a" % n for n in range(5_000)], length(BODY), body=BODY
    )
    found["a header of 9,000 bytes"] = request(b"X: " + b"a" * 9_000, length(BODY), body=BODY)
    found["headers of 40,000 bytes"] = request(
        *[b"X: " + b"a" * 8_000] * 5, length(BODY), body=BODY
    )
    return found


def targets() -> dict[str, bytes]:
    """Return messages whose request line is malformed, or points somewhere in another way."""
    found = {}
    for line in REQUEST_LINES:
        shown = line if len(line) < 60 else line[:20] + b"..."
        found[f"the request line {shown!r}"] = request(line=line)
    for host in HOSTS:
        found[f"the host {host!r}"] = request(length(BODY), body=BODY, host=host)
    return found


def claims() -> dict[str, bytes]:
    """Return messages that claim to come from elsewhere, or to go elsewhere."""
    found = {}
    for line in CLAIMS:
        found[f"the header {line!r}"] = request(line, length(BODY), body=BODY)
    for lines in TABLE_6:
        found[f"the headers {lines!r}"] = request(*lines, length(BODY), body=BODY)
    return found
