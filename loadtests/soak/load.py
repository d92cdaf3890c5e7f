"""What shoppers ask for, one request after the other; products are as popular as Zipf says."""

import json
import random
import uuid
from collections.abc import Iterator, Sequence
from itertools import accumulate

from loadtests.bench.openloop import request_to

PURCHASES_SHARE = 0.05
KEYED_SHARE = 0.5
HOLDS_SHARE = 0.005
# They run out during the run, and the service has to put their units back by itself.
HOLD_SECONDS = 30


def requests(host: str, port: int, product_ids: Sequence[str], seed: int) -> Iterator[bytes]:
    """Yield requests without end: reads, purchases with and without a key, and a few holds."""
    chance = random.Random(seed)  # nosec B311 # what is asked for, not a secret
    reads = [request_to(host, port, f"/api/products/{id}") for id in product_ids]
    popularity = list(accumulate(1 / rank for rank in range(1, len(product_ids) + 1)))
    numbers = range(len(product_ids))
    while True:
        number = chance.choices(numbers, cum_weights=popularity)[0]
        point = chance.random()
        if point < HOLDS_SHARE:
            body = _hold(product_ids[number])
            yield request_to(host, port, "/api/reservations", body)
        elif point < HOLDS_SHARE + PURCHASES_SHARE:
            path = f"/api/products/{product_ids[number]}/purchase"
            key = uuid.uuid4().hex if chance.random() < KEYED_SHARE else None
            yield request_to(host, port, path, b'{"quantity": 1}', key)
        else:
            yield reads[number]


def _hold(product_id: str) -> bytes:
    lines = [{"product_id": product_id, "quantity": 1}]
    return json.dumps({"lines": lines, "ttl_seconds": HOLD_SECONDS}).encode()
