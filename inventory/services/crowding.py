"""The buyers of a rehearsal: all of them press the button at once, through the service of sales.

Each order has a key of its own and is tried until its answer is definite, as a page would. Knows
nothing of what is made of the answers.
"""

import hashlib
import threading
import time
from collections import defaultdict, deque
from collections.abc import Sequence
from contextvars import Context
from random import SystemRandom

from inventory import limits
from inventory.domain.claims import RequestKey
from inventory.domain.rehearsals import (
    Answer,
    Figures,
    Heard,
    Impatience,
    Order,
    Rehearsal,
    percentile,
)
from inventory.errors import IdempotencyInProgress, InventoryError, Unavailable
from inventory.repository.mongo import time_limit
from inventory.services.changing import Replayed
from inventory.services.purchasing import Purchasing

_DICE = SystemRandom()


class Crowd:
    """Threads that send the orders of a rehearsal, and what they were told so far.

    `actor` is on whose behalf all of them buy.
    """

    def __init__(self, purchasing: Purchasing, rehearsal: Rehearsal, actor: str | None) -> None:
        self._purchasing = purchasing
        self._rehearsal = rehearsal
        self._actor = actor
        self._orders = rehearsal.plan.orders(_DICE)
        # An order that is sent twice at the same moment stands here twice in a row.
        self._waiting = deque(
            order
            for order in self._orders
            for _ in range(2 if order.impatience is Impatience.AT_ONCE else 1)
        )
        self._lock = threading.Lock()
        self._answers: dict[int, list[Answer]] = defaultdict(list)
        self._milliseconds: list[float] = []
        self._sent: set[int] = set()
        self._unavailable = 0
        self._over = threading.Event()
        self._open = threading.Event()
        self._gone = threading.Event()
        self._began = self._last = time.monotonic()
        self._there = min(len(self._waiting), limits.REHEARSAL_BUYERS_AT_ONCE)
        self._threads = [
            # Whoever asked for it all has a limit of time that is not meant for this.
            threading.Thread(target=Context().run, args=(self._come,), name="buyer", daemon=True)
            for _ in range(self._there)
        ]

    def start(self) -> None:
        """Let everybody come, and then open the door."""
        for thread in self._threads:
            thread.start()
        self._began = self._last = time.monotonic()
        self._open.set()

    def wait(self, seconds: float) -> bool:
        """Wait for so long; tell whether everybody has gone."""
        return self._gone.wait(seconds)

    def stop(self) -> None:
        """Let nobody try anything any more, and wait for what is under way."""
        self._over.set()
        self.wait(limits.REQUEST_SECONDS_MAX + limits.MONGO_TIMEOUT_SECONDS)

    def heard(self) -> Sequence[Heard]:
        """Return every order, and what was answered to it."""
        with self._lock:
            return [
                Heard(order, self._customer(order), tuple(self._answers[order.number]))
                for order in self._orders
            ]

    def figures(self) -> Figures:
        """Return how it goes, or went."""
        with self._lock:
            firsts = [answers[0] for answers in self._answers.values() if answers]
            sales = [answer.purchase for answer in firsts if answer.purchase is not None]
            answered = sum(map(len, self._answers.values()))
            spans = sorted(self._milliseconds)
            seconds = self._last - self._began
            return Figures(
                orders=len(self._sent),
                sold=len(sales),
                refused=len(firsts) - len(sales),
                repeated=answered - len(firsts),
                unavailable=self._unavailable,
                units_sold=sum(line.quantity for sale in sales for line in sale.lines),
                seconds=round(seconds, 3),
                purchases_per_second=round(len(sales) / seconds, 1) if seconds else 0.0,
                p50_ms=percentile(spans, 0.50),
                p99_ms=percentile(spans, 0.99),
            )

    def _come(self) -> None:
        try:
            self._open.wait()
            self._buy()
        finally:
            with self._lock:
                self._there -= 1
                if not self._there:
                    self._gone.set()

    def _buy(self) -> None:
        while not self._over.is_set():
            try:
                order = self._waiting.popleft()
            except IndexError:
                return
            self._insist(order)
            if order.impatience is Impatience.AFTERWARDS:
                self._insist(order)

    def _insist(self, order: Order) -> None:
        """Send an order until its answer is definite, or all is over."""
        with self._lock:
            self._sent.add(order.number)
        began = time.monotonic()
        while not self._over.is_set():
            answer = self._ask(order)
            if answer is not None:
                self._note(order, answer, began)
                return
            self._over.wait(limits.REHEARSAL_PAUSE_SECONDS * _DICE.uniform(0.5, 1.5))

    def _ask(self, order: Order) -> Answer | None:
        """Send an order once; None if nobody knows yet what becomes of it."""
        try:
            with time_limit(limits.MONGO_TIMEOUT_SECONDS):
                purchase, _ = self._purchasing.purchase_product(
                    self._rehearsal.product_id,
                    order.quantity,
                    customer_id=self._customer(order),
                    reference=f"rehearsal {self._rehearsal.id}",
                    key=self._key(order),
                    actor=self._actor,
                )
        except IdempotencyInProgress:
            return None
        except Unavailable:
            with self._lock:
                self._unavailable += 1
            return None
        except Replayed as problem:
            return Answer(refusal=problem.refusal)
        except InventoryError as problem:
            return Answer(refusal=problem)
        return Answer(purchase=purchase)

    def _note(self, order: Order, answer: Answer, began: float) -> None:
        now = time.monotonic()
        with self._lock:
            self._answers[order.number].append(answer)
            self._milliseconds.append((now - began) * 1000)
            self._last = now

    def _customer(self, order: Order) -> str:
        return f"rehearsal buyer {order.number}"

    def _key(self, order: Order) -> RequestKey:
        """Return the key of an order, which no client's request can have."""
        name = f"rehearsal\n{self._rehearsal.id}\n{order.number}"
        request_id = f"rehearsal-{self._rehearsal.id}-{order.number}"
        return RequestKey(
            hashlib.sha256(name.encode()).hexdigest(), str(order.quantity), request_id
        )
