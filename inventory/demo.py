"""Load the sample catalogue through the HTTP API, as any client would.

Knows the API's contract, and nothing of the service's inside.
"""

import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from inventory.calling import Api, CallFailed

CATALOGUE = Path(__file__).with_name("demo_catalogue.json")
ATTEMPTS_MAX = 5

CREATED = "created"
PRESENT = "already there"


def read_catalogue() -> list[dict[str, Any]]:
    """Return the sample products as `POST /api/products` takes them."""
    products: list[dict[str, Any]] = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    return products


def load(
    url: str, pause: Callable[[float], None] = time.sleep, api_key: str | None = None
) -> Iterator[str]:
    """Create every sample product that the service at `url` lacks; yield what became of each.

    That is `CREATED` or `PRESENT`. Raises `CallFailed` if there is no service or it refuses one. A
    busy service is asked again after the `pause` that it names.
    """
    with closing(Api(url, api_key)) as api:
        for product in read_catalogue():
            yield _create(api, product, pause)


def _create(api: Api, product: dict[str, Any], pause: Callable[[float], None]) -> str:
    for _ in range(ATTEMPTS_MAX):
        answer = api.call("POST", "/api/products", product)
        if answer.status == http.client.CREATED:
            return CREATED
        if answer.body.get("code") == "duplicate_sku":
            return PRESENT
        if answer.status not in (http.client.TOO_MANY_REQUESTS, http.client.SERVICE_UNAVAILABLE):
            break
        pause(float(answer.headers.get("Retry-After", "1")))
    raise CallFailed(f"The service refused {product['sku']}: {answer.status} {answer.said}")
