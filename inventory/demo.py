"""Load the sample catalogue through the HTTP API, as any client would.

Knows the API's address and contract, and nothing of the service's inside.
"""

import http.client
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

CATALOGUE = Path(__file__).with_name("demo_catalogue.json")
TIMEOUT_SECONDS = 10.0
ATTEMPTS_MAX = 5

CREATED = "created"
PRESENT = "already there"


class DemoError(Exception):
    """The catalogue cannot be loaded; the message is a sentence that says why."""


def read_catalogue() -> list[dict[str, Any]]:
    """Return the sample products as `POST /api/products` takes them."""
    products: list[dict[str, Any]] = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    return products


def load(
    url: str, pause: Callable[[float], None] = time.sleep, api_key: str | None = None
) -> Iterator[str]:
    """Create every sample product that the service at `url` lacks; yield what became of each.

    That is `CREATED` or `PRESENT`. Raises `DemoError` if there is no service or it refuses one. A
    busy service is asked again after the `pause` that it names.
    """
    connection = _connect(url)
    headers = {"Content-Type": "application/json"}
    if api_key:
        headers["X-API-Key"] = api_key
    try:
        for product in read_catalogue():
            yield _create(connection, product, headers, pause)
    except (OSError, http.client.HTTPException) as error:
        raise DemoError(f"No service answers at {url} ({error}). Try: make run") from None
    finally:
        connection.close()


def _connect(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    kinds: dict[str, type[http.client.HTTPConnection]] = {
        "http": http.client.HTTPConnection,
        "https": http.client.HTTPSConnection,
    }
    if parts.scheme not in kinds or not parts.hostname:
        raise DemoError(f"{url} is not a URL such as http://127.0.0.1:8000")
    return kinds[parts.scheme](parts.hostname, parts.port, timeout=TIMEOUT_SECONDS)


def _create(
    connection: http.client.HTTPConnection,
    product: dict[str, Any],
    headers: Mapping[str, str],
    pause: Callable[[float], None],
) -> str:
    for _ in range(ATTEMPTS_MAX):
        body = json.dumps(product)
        connection.request("POST", "/api/products", body, dict(headers))
        response = connection.getresponse()
        answer = _json(response.read())
        if response.status == http.client.CREATED:
            return CREATED
        if answer.get("code") == "duplicate_sku":
            return PRESENT
        if response.status not in (http.client.TOO_MANY_REQUESTS, http.client.SERVICE_UNAVAILABLE):
            break
        pause(float(response.headers.get("Retry-After", "1")))
    said = answer.get("errors") or answer.get("detail") or answer.get("title") or response.reason
    raise DemoError(f"The service refused {product['sku']}: {response.status} {said}")


def _json(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
