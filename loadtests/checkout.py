"""Everything a shop does with one product, at once, for as long as one likes; then the books.

Clients in several processes buy, alone and in carts, hold, commit whole or in part, release, let
holds run out, and give back. Every change has a key and is sent until its outcome is definite. At
the end the stock must be what the acknowledged answers add up to, nothing may be held any more, and
the service must find its own books in order. Knows the HTTP contract.
"""

import http.client
import random
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from loadtests.books import Api, Reply
from loadtests.figures import percentile

ATTEMPTS_MAX = 200
PAUSE_SECONDS = 0.02
# The shortest hold there is; some are left to run out.
TTL_SECONDS = 1
SETTLE_SECONDS_MAX = 60.0
# How often each thing is done; the names are those of the columns that come out.
FLOWS = {"purchase": 30, "cart": 15, "commit": 25, "part": 10, "release": 10, "expiry": 5}
RETURN_SHARE = 0.2
QUANTITIES = (1, 2, 3)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How many clients in how many processes do it for how long, to how many units."""

    clients: int
    processes: int
    seconds: int
    stock: int


@dataclass(slots=True)
class Tally:
    """What clients saw: milliseconds by call, statuses, and the units that they moved."""

    milliseconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    bought: int = 0
    returned: int = 0
    late: int = 0
    undecided: int = 0

    def add(self, other: "Tally") -> None:
        """Take over what another one saw."""
        for call, spans in other.milliseconds.items():
            self.milliseconds[call] += spans
        self.statuses.update(other.statuses)
        self.bought += other.bought
        self.returned += other.returned
        self.late += other.late
        self.undecided += other.undecided


class _Client:
    """Somebody with one connection, who does one thing after the other."""

    def __init__(self, url: str, products: Sequence[str], seed: str) -> None:
        self._api = Api(url)
        self._hot, self._other = products
        # Repeatable, not secret.
        self._chance = random.Random(seed)  # nosec B311
        self.tally = Tally()

    def run(self, until: float) -> None:
        with self._api:
            while time.monotonic() < until:
                (flow,) = self._chance.choices([*FLOWS], [*FLOWS.values()])
                getattr(self, f"_{flow}")(self._chance.choice(QUANTITIES))

    def _ask(self, call: str, path: str, body: Any) -> Reply | None:
        """Send a change until its outcome is definite; return None if it never was."""
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        for _ in range(ATTEMPTS_MAX):
            began = time.perf_counter()
            try:
                reply = self._api.request("POST", path, body, headers)
            except (OSError, http.client.HTTPException):
                continue
            self.tally.milliseconds[call].append((time.perf_counter() - began) * 1000)
            self.tally.statuses[call, reply.status] += 1
            busy = reply.status == http.client.CONFLICT and "in_progress" in reply.body
            if not busy and reply.status != http.client.SERVICE_UNAVAILABLE:
                return reply
            time.sleep(PAUSE_SECONDS)
        self.tally.undecided += 1
        return None

    def _lines(self, quantity: int, *, more: bool) -> list[dict[str, Any]]:
        other = [{"product_id": self._other, "quantity": 1}] if more else []
        return [{"product_id": self._hot, "quantity": quantity}, *other]

    def _sold(self, reply: Reply | None) -> None:
        if reply is None or reply.status != http.client.CREATED:
            return
        purchase = reply.json()
        quantity = sum(
            line["quantity"] for line in purchase["lines"] if line["product_id"] == self._hot
        )
        self.tally.bought += quantity
        if self._chance.random() < RETURN_SHARE:
            body = {"lines": self._lines(quantity, more=False), "reason": "changed my mind"}
            back = self._ask("return", f"/api/purchases/{purchase['id']}/returns", body)
            if back is not None and back.status == http.client.CREATED:
                self.tally.returned += quantity

    def _purchase(self, quantity: int) -> None:
        path = f"/api/products/{self._hot}/purchase"
        self._sold(self._ask("purchase", path, {"quantity": quantity}))

    def _cart(self, quantity: int) -> None:
        self._sold(self._ask("cart", "/api/purchases", {"lines": self._lines(quantity, more=True)}))

    def _hold(self, quantity: int, ttl_seconds: int = 60) -> str | None:
        body = {"lines": self._lines(quantity, more=False), "ttl_seconds": ttl_seconds}
        reply = self._ask("hold", "/api/reservations", body)
        if reply is None or reply.status != http.client.CREATED:
            return None
        return f"/api/reservations/{reply.json()['id']}"

    def _commit(self, quantity: int) -> None:
        if (path := self._hold(quantity)) is not None:
            self._sold(self._ask("commit", f"{path}/commit", {}))

    def _part(self, quantity: int) -> None:
        if (path := self._hold(quantity + 1)) is not None:
            some = {"lines": self._lines(quantity, more=False)}
            self._sold(self._ask("commit", f"{path}/commit", some))

    def _release(self, quantity: int) -> None:
        if (path := self._hold(quantity)) is not None:
            self._ask("release", f"{path}/release", {})

    def _expiry(self, quantity: int) -> None:
        """Hold for a moment; every other time come back when it is about to be over."""
        if (path := self._hold(quantity, TTL_SECONDS)) is not None and self._chance.random() < 0.5:
            time.sleep(TTL_SECONDS * self._chance.uniform(0.9, 1.1))
            reply = self._ask("commit", f"{path}/commit", {})
            if reply is not None and "true" in reply.body.partition('"reacquired":')[2][:4]:
                self.tally.late += 1
            self._sold(reply)


def _run_process(url: str, products: Sequence[str], clients: int, seconds: int, seed: int) -> Tally:
    """Run some clients in threads of this process."""
    crowd = [_Client(url, products, f"{seed}.{n}") for n in range(clients)]
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=client.run, args=(until,)) for client in crowd]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    whole = Tally()
    for client in crowd:
        whole.add(client.tally)
    return whole


def run(plan: Plan, url: str, say: Say) -> bool:
    """Put the mixed load on the service at `url`; print figures; tell whether all is exact."""
    with Api(url) as api:
        products = [
            api.create("/api/products", {"name": name, "price": "9.90", "stock": stock})["id"]
            for name, stock in (("Hot", plan.stock), ("Other", 10**9))
        ]
        say(f"{plan.clients} clients in {plan.processes} processes, {plan.seconds} s ...")
        whole = Tally()
        share = plan.clients // plan.processes
        with ProcessPoolExecutor(plan.processes) as pool:
            running = [
                pool.submit(_run_process, url, products, share, plan.seconds, seed)
                for seed in range(plan.processes)
            ]
            for tally in running:
                whole.add(tally.result())
    say(_table(whole, plan.seconds))
    # Over a new connection: the one from before has been idle for so long that it may be closed.
    with Api(url) as api:
        problems = _judge(api, products[0], plan.stock, whole)
    say("\n".join(problems) or "VERDICT: the books are exact")
    return not problems


def _judge(api: Api, product_id: str, opening: int, whole: Tally) -> list[str]:
    stock = _settled(api, product_id)
    expected = opening - whole.bought + whole.returned
    problems = [
        f"{call} was answered {status} {count} times"
        for (call, status), count in sorted(whole.statuses.items())
        if status not in (200, 201, 409, 410, 503)
    ]
    if whole.undecided:
        problems.append(f"{whole.undecided} changes never had a definite outcome")
    elif stock["available"] != expected:
        problems.append(f"The stock is {stock['available']}; the answers add up to {expected}")
    if stock["held"]:
        problems.append(f"{stock['held']} units are still held")
    books = api.get(f"/api/products/{product_id}/integrity")
    problems += [f"{one['code']}: {one['detail']}" for one in books["problems"]]
    return problems


def _settled(api: Api, product_id: str) -> Any:
    """Return the stock as soon as every hold has ended, or after a while."""
    deadline = time.monotonic() + SETTLE_SECONDS_MAX
    while True:
        stock = api.get(f"/api/products/{product_id}/stock")
        if not stock["held"] or time.monotonic() > deadline:
            return stock
        time.sleep(0.5)


def _table(whole: Tally, seconds: int) -> str:
    rows = ["", f"  {'call':<10} {'answers/s':>10} {'p50 ms':>8} {'p99 ms':>8}  statuses"]
    for call, spans in sorted(whole.milliseconds.items()):
        spans.sort()
        told = ", ".join(
            f"{status}: {count}"
            for (c, status), count in sorted(whole.statuses.items())
            if c == call
        )
        rows.append(
            f"  {call:<10} {len(spans) / seconds:>10.1f} {percentile(spans, 0.5):>8.1f} "
            f"{percentile(spans, 0.99):>8.1f}  {told}"
        )
    every = sorted(span for spans in whole.milliseconds.values() for span in spans)
    rows.append(
        f"  {'all':<10} {len(every) / seconds:>10.1f} {percentile(every, 0.5):>8.1f} "
        f"{percentile(every, 0.99):>8.1f}"
    )
    rows.append(
        f"  {whole.bought} units bought, {whole.returned} returned, {whole.late} late commits"
    )
    return "\n".join([*rows, ""])
