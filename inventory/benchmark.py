"""A quick look at how fast a running service sells, and whether its books are right afterwards.

Makes a product of its own for that and deletes it again; nothing else is touched. Knows the API's
contract, and nothing of the service's inside.
"""

import statistics
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from inventory.calling import Answer, Api, CallFailed, Unreachable

NAME = "Benchmark sandbox"
NO_ANSWER = "no_answer"
_TICK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Load:
    """How many buyers want one unit after the other, for how long, of how many."""

    buyers: int
    seconds: float
    stock: int


@dataclass(slots=True)
class Tally:
    """What buyers were told; `refusals` counts by code, `NO_ANSWER` among them."""

    sold: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    latencies_ms: list[float] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Take over what another buyer was told."""
        self.sold += other.sold
        self.refusals += other.refusals
        self.latencies_ms += other.latencies_ms


@dataclass(frozen=True, slots=True)
class Result:
    """What it came to: `taken` units left the stock, `ledger_ok` is what the service checked."""

    seconds: float
    told: Tally
    taken: int
    ledger_ok: bool

    @property
    def rate(self) -> float:
        """Sales a second."""
        return self.told.sold / self.seconds

    def latency_ms(self, percent: int) -> float | None:
        """Return how long so many of a hundred answers took at most; None without answers."""
        spans = self.told.latencies_ms
        if len(spans) < 2:
            return spans[0] if spans else None
        return statistics.quantiles(spans, n=100, method="inclusive")[percent - 1]

    @property
    def books_ok(self) -> bool:
        """Whether ledger and stock agree with what buyers were told; who got no answer may have."""
        unknown = self.told.refusals[NO_ANSWER] + self.told.refusals["outcome_unknown"]
        return self.ledger_ok and self.told.sold <= self.taken <= self.told.sold + unknown


@contextmanager
def sandbox(url: str, api_key: str | None, stock: int) -> Iterator[str]:
    """Make a product of our own and yield its id; delete it at the end."""
    with closing(Api(url, api_key)) as api:
        wanted = {"name": NAME, "price": "1.00", "stock": stock, "tags": ["benchmark"]}
        made = _expect(api.call("POST", "/api/products", wanted), "make a product")
        path = f"/api/products/{made.body['id']}"
        try:
            yield str(made.body["id"])
        finally:
            etag = _expect(api.call("GET", path), "read it").headers["ETag"]
            _expect(api.call("DELETE", path, If_Match=etag), "delete it")


def run(
    url: str, api_key: str | None, product_id: str, load: Load, advance: Callable[[int], None]
) -> Result:
    """Let buyers buy until the time is up; `advance` hears of every second.

    Raises `CallFailed` where the service does not let this be looked at.
    """
    path, tallies = f"/api/products/{product_id}", [Tally() for _ in range(load.buyers)]
    began = time.monotonic()
    until = began + load.seconds
    buyers = [
        threading.Thread(target=_buy, args=(url, api_key, path, until, tally), daemon=True)
        for tally in tallies
    ]
    for buyer in buyers:
        buyer.start()
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(_TICK_SECONDS, left))
        advance(1)
    for buyer in buyers:
        buyer.join()
    seconds = time.monotonic() - began
    told = Tally()
    for tally in tallies:
        told.add(tally)
    with closing(Api(url, api_key)) as api:
        left_over = _expect(api.call("GET", f"{path}/stock"), "read the stock").body["available"]
        checked = _expect(api.call("GET", f"{path}/integrity"), "check the books").body
    return Result(seconds, told, load.stock - left_over, bool(checked["ok"]))


def _buy(url: str, api_key: str | None, path: str, until: float, tally: Tally) -> None:
    with closing(Api(url, api_key)) as api:
        while time.monotonic() < until:
            began = time.perf_counter()
            try:
                answer = api.call(
                    "POST", f"{path}/purchase", {"quantity": 1}, Idempotency_Key=uuid.uuid4().hex
                )
            except Unreachable:
                tally.refusals[NO_ANSWER] += 1
                continue
            tally.latencies_ms.append((time.perf_counter() - began) * 1000)
            if answer.status == 201:
                tally.sold += 1
            else:
                tally.refusals[str(answer.body.get("code") or answer.status)] += 1


def _expect(answer: Answer, what: str) -> Answer:
    if answer.status >= 300:
        raise CallFailed(f"The service does not let us {what}: {answer.status} {answer.said}")
    return answer
