"""What shoppers of all kinds do: look at products, and buy until they know what became of it.

Imports locust, so it belongs into a process of locust's alone.
"""

import functools
import json
import os
import random
import time
import uuid
from pathlib import Path
from typing import Any

import gevent
from locust import FastHttpUser

from loadtests import journal
from loadtests.journal import Answer, Journal, Order, Outcome
from loadtests.scenario import API_KEY_VARIABLE, JOURNAL_VARIABLE

ANSWER_SECONDS_MAX = 10.0
ATTEMPTS_MAX = 50
ATTEMPT_PAUSE_SECONDS = 0.1

chance = random.Random()  # nosec B311 # nobody has to be unable to guess it


@functools.cache
def notes() -> Journal:
    """Return the journal of this process, opened when it is first needed: after any fork."""
    return Journal(Path(os.environ[JOURNAL_VARIABLE]))


@functools.cache
def openings() -> dict[str, int]:
    """Return the products of this run and their opening stock, in the order of their creation."""
    return dict(journal.read(Path(os.environ[JOURNAL_VARIABLE])).openings)


def _headers_of_all() -> dict[str, str]:
    key = os.environ.get(API_KEY_VARIABLE)
    return {"X-API-Key": key} if key else {}


class Shopper(FastHttpUser):
    """Somebody with a browser of their own."""

    abstract = True
    connection_timeout = network_timeout = ANSWER_SECONDS_MAX
    # Who clicks twice has two requests under way.
    concurrency = 2
    default_headers = _headers_of_all()

    def on_start(self) -> None:
        """Forget nothing from an earlier life: every shopper begins without any ETag."""
        self.seen: dict[str, tuple[str, tuple[int, int]]] = {}

    def order(self, product_id: str, quantity: int) -> Order:
        """Return a new wish, with a key of its own."""
        return Order(uuid.uuid4().hex, product_id, quantity)

    def buy(self, order: Order) -> Answer | None:
        """Send an order until its outcome is definite; return the last answer, None if none came.

        What is still unknown then is for whoever settles the run.
        """
        for _ in range(ATTEMPTS_MAX):
            answer = self._send(order)
            if answer is not None and answer.outcome not in (Outcome.UNKNOWN, Outcome.BUSY):
                break
            gevent.sleep(ATTEMPT_PAUSE_SECONDS)
        return answer

    def _send(self, order: Order) -> Answer | None:
        attempt = notes().sending(order)
        with self.client.post(
            order.path,
            json=order.body,
            headers=order.headers,
            name="POST /api/products/{id}/purchase",
            catch_response=True,
        ) as response:
            if not response.status_code:
                response.failure("no answer")
                return None
            replayed = response.headers.get("Idempotent-Replayed") == "true"
            answer = notes().answered(
                attempt, response.status_code, response.text or "", replayed=replayed
            )
            if answer.outcome in (Outcome.SOLD, Outcome.REFUSED, Outcome.BUSY):
                response.success()
            else:
                response.failure(f"{answer.status} {answer.document.get('code')}")
            return answer

    def look(self, product_id: str, *, again: bool = False) -> None:
        """Look at a product; `again` asks only for what is new since this shopper's last look."""
        etag, known = self.seen.get(product_id, ("", None)) if again else ("", None)
        response, sent_at = self._get(
            f"/api/products/{product_id}", "GET /api/products/{id}", {"If-None-Match": etag}
        )
        if response.status_code == 200:
            product = json.loads(response.text)
            known = (product["stock_version"], product["stock"])
            self.seen[product_id] = (response.headers["ETag"], known)
        shown = known if response.status_code in (200, 304) else None
        notes().saw(sent_at, response.status_code, {product_id: shown} if shown else {})

    def look_at_list(self, query: str, name: str) -> None:
        """Look at a page of products."""
        response, sent_at = self._get(f"/api/products?{query}", name, {})
        ours = openings()
        items = json.loads(response.text)["items"] if response.status_code == 200 else []
        shown = {i["id"]: (i["stock_version"], i["stock"]) for i in items if i["id"] in ours}
        notes().saw(sent_at, response.status_code, shown)

    def _get(self, path: str, name: str, headers: dict[str, str]) -> tuple[Any, int]:
        sent_at = time.monotonic_ns()
        sent = {header: value for header, value in headers.items() if value}
        return self.client.get(path, headers=sent, name=name), sent_at
