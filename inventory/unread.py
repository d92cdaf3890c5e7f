"""What gunicorn answers to a request that it cannot read, in the form of all errors of the API.

gunicorn's own answer is a page for people, and it repeats what it could not make sense of. Such a
request never reaches the service, so here is no path, and an id that no log of the service knows.
Knows gunicorn, not the service.
"""

import json
import random
import re
from collections.abc import Mapping
from typing import Any

from gunicorn import util

# gunicorn calls what it cannot do a bad request as well.
_TITLES: Mapping[int, str] = {500: "Internal Server Error", 501: "Not Implemented"}
_DETAILS: Mapping[int, str] = {
    403: "The request may not come this way.",
    414: "The address of the request is too long.",
    417: "What the Expect header asks for cannot be done.",
    431: "The headers of the request are too large, or there are too many of them.",
    500: "Something went wrong that the service did not foresee; its logs say what.",
    501: "The request uses a transfer coding that is not known here.",
}
_NOT_HTTP = "The request is not valid HTTP."


def write_error(connection: Any, status: int, reason: str, _message: str) -> None:
    """Answer with a problem document; takes the place of `gunicorn.util.write_error`."""
    title = _TITLES.get(status, reason)
    code = re.sub(r"[^a-z]+", "_", title.lower())
    request_id = f"{random.getrandbits(128):032x}"  # nosec B311 # unique, not secret
    document = {
        "type": f"/problems/{code}",
        "title": title,
        "status": status,
        "detail": _DETAILS.get(status, _NOT_HTTP),
        "instance": "",
        "code": code,
        "request_id": request_id,
    }
    body = json.dumps(document, separators=(",", ":"))
    head = (
        f"HTTP/1.1 {status} {title}\r\n"
        "Connection: close\r\n"
        "Content-Type: application/problem+json\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        f"Content-Length: {len(body)}\r\n"
        f"X-Request-ID: {request_id}\r\n"
        "\r\n"
    )
    util.write_nonblock(connection, (head + body).encode("latin-1"))
