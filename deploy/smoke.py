"""Make a purchase through a running deployment, as a customer would; exit 1 if anything is wrong.

    python3 deploy/smoke.py http://127.0.0.1:8080 [seconds to wait until it is ready]

Where requests need an API key, INVENTORY_API_KEY names one with the scopes catalog:read,
catalog:write, stock:purchase and stock:write. Needs nothing but Python. Leaves one product behind,
named after itself.
"""

import http.client
import json
import os
import sys
import time
import uuid
from typing import Any
from urllib.parse import urlsplit

WAIT_SECONDS_DEFAULT = 90.0
TIMEOUT_SECONDS = 10.0
EVENT_SECONDS_MAX = 20.0
BODY_BYTES_MAX = 64 * 1024
API_KEY = os.environ.get("INVENTORY_API_KEY", "")


class Answer:
    """One answer: its status, its headers and its body, read as JSON where it is JSON."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        body = response.read()
        is_json = "json" in self.headers.get("Content-Type", "")
        self.body: Any = json.loads(body) if is_json else body


def call(url: str, method: str, path: str, body: object = None, **headers: str) -> Answer:
    """Send one request with the API key, if there is one."""
    return ask(url, method, path, body, **({"X_API_Key": API_KEY} if API_KEY else {}), **headers)


def ask(url: str, method: str, path: str, body: object = None, **headers: str) -> Answer:
    """Send one request over a connection of its own."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=TIMEOUT_SECONDS)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {"Content-Type": "application/json"} | sent)
        return Answer(connection.getresponse())
    finally:
        connection.close()


def wait_until_ready(url: str, seconds: float) -> None:
    """Return once the service says that it can serve."""
    until = time.monotonic() + seconds
    while True:
        try:
            said: object = (answer := call(url, "GET", "/readyz")).body
            if answer.status == http.client.OK:
                return
        except (OSError, http.client.HTTPException) as error:
            said = error
        if time.monotonic() > until:
            sys.exit(f"{url} is not ready after {seconds:.0f} s: {said}")
        time.sleep(0.5)


def expect(what: str, found: object, wanted: object) -> None:
    """Say what was checked; end here if it is not so."""
    if found != wanted:
        sys.exit(f"FAILED  {what}: {found!r} instead of {wanted!r}")
    print(f"ok      {what}")  # noqa: T201 - a command's output


def buy(url: str) -> object:
    """Sell two units, one twice by the same key and one too many, and look at what remains.

    Returns the purchase.
    """
    product = {"name": f"Smoke test {uuid.uuid4()}", "price": "19.99", "stock": 2}
    created = call(url, "POST", "/api/products", product)
    expect("a product is created", created.status, 201)
    path = f"/api/products/{created.body['id']}"

    key = str(uuid.uuid4())
    first = call(url, "POST", f"{path}/purchase", {"quantity": 1}, Idempotency_Key=key)
    expect("a unit is sold", (first.status, first.body["remaining_stock"]), (201, 1))
    again = call(url, "POST", f"{path}/purchase", {"quantity": 1}, Idempotency_Key=key)
    expect("a retry sells nothing more", (again.status, again.body), (201, first.body))
    expect("and says so", again.headers["Idempotent-Replayed"], "true")
    refused = call(url, "POST", f"{path}/purchase", {"quantity": 2})
    expect(
        "more than there is is refused",
        (refused.status, refused.body["code"]),
        (409, "insufficient_stock"),
    )
    fresh = {"Cache_Control": "no-cache"}
    read = call(url, "GET", path, **fresh)
    expect("the stock that remains is read", (read.status, read.body["stock"]), (200, 1))
    for _ in range(2):
        # Whatever a proxy may have kept of the first.
        last = call(url, "POST", f"{path}/adjustments", {"delta": 1, "reason": "received"})
        read = call(url, "GET", path, **fresh)
        expect(
            "who asks for it is shown the newest stock",
            (last.status, read.body["stock"]),
            (201, last.body["balance"]),
        )
    same = call(url, "GET", path, If_None_Match=read.headers["ETag"], **fresh)
    expect("and is known by its ETag", same.status, 304)
    return first.body


def newest_event(url: str) -> int:
    """Return the number of the newest event; somebody has to be there who derives them."""
    newest = call(url, "GET", "/api/events?after=newest")
    expect("events are derived", (newest.status, newest.body["read_at"] is not None), (200, True))
    return int(newest.body["next_after"])


def hear_of(url: str, bought: object, after: int) -> None:
    """Check that a purchase is told, soon after it was made."""
    deadline = time.monotonic() + EVENT_SECONDS_MAX
    told: list[object] = []
    while bought not in told and time.monotonic() < deadline:
        time.sleep(0.2)
        page = call(url, "GET", f"/api/events?types=purchase.created&limit=100&after={after}").body
        told = [event["data"] for event in page["items"]]
    expect("a purchase is told as an event", bought in told, True)


def ask_as_a_stranger(url: str) -> None:
    """Check that nobody gets in without a key, where there are keys."""
    if not API_KEY:
        return
    for what, key in (("who has no key", None), ("who has a wrong one", "inv_sk_wrong")):
        headers = {} if key is None else {"X_API_Key": key}
        refused = ask(url, "GET", "/api/products", **headers)
        expect(f"{what} is not let in", refused.status, 401)


def ask_wrongly(url: str) -> None:
    """Check that errors look alike, whether the service or a proxy before it speaks."""
    large = call(url, "POST", "/api/products", {"name": "x" * BODY_BYTES_MAX})
    expect("a large body is refused", large.status, 413)
    expect("in the form of all errors", large.body["code"], "payload_too_large")
    lost = call(url, "GET", "/api/products/none", X_Request_ID="smoke-test")
    expect("an unknown product is not found", lost.status, 404)
    expect("and the request's id comes back", lost.body["request_id"], "smoke-test")


def main() -> None:
    """Run all checks against the deployment named on the command line."""
    if not sys.argv[1:]:
        sys.exit(__doc__)
    url = sys.argv[1]
    wait_until_ready(url, float(sys.argv[2]) if sys.argv[2:] else WAIT_SECONDS_DEFAULT)
    ask_as_a_stranger(url)
    newest = newest_event(url)
    hear_of(url, buy(url), newest)
    ask_wrongly(url)


if __name__ == "__main__":
    main()
