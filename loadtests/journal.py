"""What the clients did and saw, written down while they do it.

A purchase is recorded before it is sent and again when it is answered, each line straight to the
file: a client that is killed in between leaves a purchase whose outcome is unknown, and not one
that nobody ever heard of. A read changes nothing, so one line after it is enough. Every process
writes a file of its own; all times are nanoseconds of the machine's one monotonic clock.

Knows neither HTTP clients nor rules; see `verdict` for what must be true.
"""

import functools
import itertools
import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Any, Self

INSUFFICIENT_STOCK = "insufficient_stock"
IN_PROGRESS = "idempotency_in_progress"
# The service, or a proxy in front of it, may say that it does not know.
UNKNOWN_STATUSES = (502, 503, 504)

PRODUCT = "product"
SENDING = "sending"
ANSWERED = "answered"
SAW = "saw"


class JournalError(Exception):
    """The journal contradicts itself, so nothing can be concluded from it."""


class Outcome(StrEnum):
    """What a client knows after an attempt."""

    SOLD = "sold"
    REFUSED = "refused"
    # Not begun, or begun by somebody else: ask again with the same key.
    BUSY = "busy"
    UNKNOWN = "unknown"
    # An answer that the contract has no place for.
    UNEXPECTED = "unexpected"


@dataclass(frozen=True, slots=True)
class Order:
    """Units that a client wants; all attempts with one key are for one order."""

    key: str
    product_id: str
    quantity: int

    @property
    def path(self) -> str:
        """Return where it is sent to."""
        return f"/api/products/{self.product_id}/purchase"

    @property
    def body(self) -> dict[str, Any]:
        """Return what is sent; the reference carries the key into the ledger."""
        return {"quantity": self.quantity, "reference": self.key}

    @property
    def headers(self) -> dict[str, str]:
        """Return the header that makes attempts one."""
        return {"Idempotency-Key": self.key}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for an attempt, and when."""

    at: int
    status: int
    body: str
    replayed: bool = False

    @property
    def outcome(self) -> Outcome:
        """Return what the answer means for the client."""
        if self.status in UNKNOWN_STATUSES:
            return Outcome.UNKNOWN
        if self.status == 201:
            return Outcome.SOLD
        if self.status == 429:
            return Outcome.BUSY
        if self.status == 409:
            known = {INSUFFICIENT_STOCK: Outcome.REFUSED, IN_PROGRESS: Outcome.BUSY}
            return known.get(self.document.get("code", ""), Outcome.UNEXPECTED)
        return Outcome.UNEXPECTED

    @property
    def document(self) -> dict[str, Any]:
        """Return the body's JSON object; empty if it is none."""
        try:
            document = json.loads(self.body)
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request for an order; without an answer if none came."""

    sent_at: int
    answer: Answer | None = None

    @property
    def outcome(self) -> Outcome:
        """Return what the client knows after it."""
        return Outcome.UNKNOWN if self.answer is None else self.answer.outcome


@dataclass(frozen=True)
class OrderHistory:
    """An order and all that was tried for it; at least once."""

    order: Order
    attempts: tuple[Attempt, ...]

    @functools.cached_property
    def sent_at(self) -> int:
        """Return when it was sent first; nothing can have come of it before."""
        return min(attempt.sent_at for attempt in self.attempts)

    @functools.cached_property
    def answers(self) -> list[Answer]:
        """Return the definite answers, the first one first."""
        answers = [attempt.answer for attempt in self.attempts if attempt.answer is not None]
        definite = [a for a in answers if a.outcome in (Outcome.SOLD, Outcome.REFUSED)]
        return sorted(definite, key=lambda answer: answer.at)

    @property
    def outcome(self) -> Outcome:
        """Return what the client knows in the end."""
        return self.answers[0].outcome if self.answers else Outcome.UNKNOWN


@dataclass(frozen=True, slots=True)
class Sighting:
    """A product's counters as a read showed them, some time between two moments."""

    sent_at: int
    answered_at: int
    product_id: str
    version: int
    stock: int


@dataclass(frozen=True, slots=True)
class Read:
    """A read that was answered."""

    sent_at: int
    answered_at: int
    status: int


@dataclass(frozen=True, slots=True)
class History:
    """A whole journal: the products and their opening stock, orders, reads and what they showed."""

    openings: Mapping[str, int] = field(default_factory=dict)
    orders: list[OrderHistory] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)


class Journal:
    """Appends to a file of its own; one a process, shared by all who act in it."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        name = f"{os.getpid()}-{secrets.token_hex(4)}"
        # Unbuffered: what was written is in the system's hands, however the process ends.
        self._file = (directory / f"{name}.jsonl").open("xb", buffering=0)
        self._name = name
        # Threads of a process share it.
        self._attempts = itertools.count(1)

    def product(self, product_id: str, stock: int) -> None:
        """Record a product that was created for this run, with its opening stock."""
        self._write(PRODUCT, product_id=product_id, stock=stock)

    def sending(self, order: Order) -> str:
        """Record an attempt that is about to be made; return its name."""
        attempt = f"{self._name}-{next(self._attempts)}"
        self._write(
            SENDING,
            attempt=attempt,
            key=order.key,
            product_id=order.product_id,
            quantity=order.quantity,
            at=time.monotonic_ns(),
        )
        return attempt

    def answered(self, attempt: str, status: int, body: str, *, replayed: bool) -> Answer:
        """Record the answer to an attempt."""
        answer = Answer(time.monotonic_ns(), status, body, replayed)
        self._write(
            ANSWERED, attempt=attempt, status=status, body=body, replayed=replayed, at=answer.at
        )
        return answer

    def saw(self, sent_at: int, status: int, counters: Mapping[str, tuple[int, int]]) -> None:
        """Record an answered read, and the version and stock of the products that it showed."""
        self._write(SAW, sent_at=sent_at, at=time.monotonic_ns(), status=status, counters=counters)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _write(self, event: str, **facts: Any) -> None:
        line = json.dumps({"event": event} | facts, separators=(",", ":"))
        self._file.write(line.encode() + b"\n")


def read(directory: Path) -> History:
    """Read the journal that all processes together have written into `directory`.

    Raises `JournalError` if it uses one key for two orders, or answers what was not sent.
    """
    events = list(chain.from_iterable(_events(file) for file in sorted(directory.glob("*.jsonl"))))
    openings = {e["product_id"]: e["stock"] for e in events if e["event"] == PRODUCT}
    views = [event for event in events if event["event"] == SAW]
    return History(
        openings=openings,
        orders=_orders(events),
        reads=[Read(view["sent_at"], view["at"], view["status"]) for view in views],
        sightings=[
            Sighting(view["sent_at"], view["at"], product_id, version, stock)
            for view in views
            for product_id, (version, stock) in view["counters"].items()
        ],
    )


def _events(file: Path) -> Iterator[dict[str, Any]]:
    for line in file.read_bytes().splitlines(keepends=True):
        # The last line of a process that was killed may be torn; it was not acted upon.
        if line.endswith(b"\n"):
            yield json.loads(line)


def _orders(events: list[dict[str, Any]]) -> list[OrderHistory]:
    answers = {
        e["attempt"]: Answer(e["at"], e["status"], e["body"], e["replayed"])
        for e in events
        if e["event"] == ANSWERED
    }
    orders: dict[str, Order] = {}
    attempts: dict[str, list[Attempt]] = {}
    for event in events:
        if event["event"] != SENDING:
            continue
        order = Order(event["key"], event["product_id"], event["quantity"])
        if orders.setdefault(order.key, order) != order:
            raise JournalError(f"The key {order.key} was used for two different orders.")
        attempt = Attempt(event["at"], answers.pop(event["attempt"], None))
        attempts.setdefault(order.key, []).append(attempt)
    if answers:
        raise JournalError(f"{len(answers)} answers belong to no attempt.")
    return [OrderHistory(order, tuple(attempts[key])) for key, order in orders.items()]
