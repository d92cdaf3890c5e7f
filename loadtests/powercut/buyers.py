"""Clients that buy, alone and in carts, and remember what they were told.

They outlive the power cut, as shoppers do. Purchases of one product are in the journal as well, for
the verdict. Knows the HTTP contract.
"""

import http.client
import random
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loadtests.books import Api
from loadtests.journal import Answer, Journal, Order
from loadtests.orders import send
from loadtests.powercut.figures import Heard, definite

HOT, OTHERS, SCARCE, IN_CARTS = "hot", "others", "scarce", "in carts"
# How many products of each kind there are, and how many units of each: only one runs out.
RANGE = {HOT: (1, 10**6), OTHERS: (20, 10**6), SCARCE: (1, 200), IN_CARTS: (4, 10**6)}
# So many buyers want the same things in the same order with the same keys, as impatient ones do.
COPIES = 2
# How often each kind is asked for.
SHARES = {HOT: 50, OTHERS: 25, SCARCE: 10, IN_CARTS: 15}
QUANTITIES = (1, 2, 3)
ASKERS = 8
ATTEMPTS_MAX = 100
PAUSE_SECONDS = 0.1

Shelves = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Cart:
    """Units of several products that a client wants together."""

    key: str
    product_ids: tuple[str, ...]
    quantity: int

    @property
    def path(self) -> str:
        """Return where it is sent to."""
        return "/api/purchases"

    @property
    def body(self) -> dict[str, Any]:
        """Return what is sent."""
        lines = [{"product_id": id, "quantity": self.quantity} for id in self.product_ids]
        return {"lines": lines}

    @property
    def headers(self) -> dict[str, str]:
        """Return the header that makes attempts one."""
        return {"Idempotency-Key": self.key}


Wish = Order | Cart


@dataclass(slots=True)
class Asked:
    """Everything that was wished for, by key, and what was definitely answered."""

    wishes: dict[str, Wish] = field(default_factory=dict)
    heard: Heard = field(default_factory=dict)

    def add(self, other: "Asked") -> None:
        """Take over what another one asked for; of two answers to one key, the first."""
        self.wishes |= other.wishes
        for key, answer in other.heard.items():
            first = self.heard.setdefault(key, answer)
            if answer.at < first.at:
                self.heard[key] = answer


def fill_shelves(api: Api, notes: Path) -> Shelves:
    """Create the products; the journal in `notes` knows those that the verdict is about."""
    with Journal(notes) as journal:
        shelves: dict[str, list[str]] = {kind: [] for kind in RANGE}
        for kind, (count, stock) in RANGE.items():
            for number in range(count):
                goods = {"name": f"{kind} {number}", "price": "19.90", "stock": stock}
                id = api.create("/api/products", goods)["id"]
                shelves[kind].append(id)
                if kind != IN_CARTS:
                    journal.product(id, stock)
    return shelves


class Crowd:
    """Buyers in threads of this process, from `start` to `leave`."""

    def __init__(self, url: str, shelves: Shelves, notes: Path, seed: str, buyers: int) -> None:
        self._url, self._shelves, self._notes = url, shelves, notes
        self._leaving = threading.Event()
        self._asked = [Asked() for _ in range(buyers)]
        self._threads = [
            threading.Thread(
                target=self._buy, args=(asked, f"{seed}.{number // COPIES}"), daemon=True
            )
            for number, asked in enumerate(self._asked)
        ]

    def start(self) -> None:
        """Let them in."""
        for thread in self._threads:
            thread.start()

    def turn_away(self) -> None:
        """Let nobody send anything new; who waits for an answer goes on waiting."""
        self._leaving.set()

    def leave(self) -> Asked:
        """Return what all of them asked for and heard, once the last has heard or given up."""
        self.turn_away()
        whole = Asked()
        for thread, asked in zip(self._threads, self._asked, strict=True):
            thread.join()
            whole.add(asked)
        return whole

    def _buy(self, asked: Asked, seed: str) -> None:
        # Repeatable, not secret.
        chance = random.Random(seed)  # nosec B311
        with Api(self._url) as api, Journal(self._notes) as journal:
            while not self._leaving.is_set():
                wish = self._wish(chance)
                asked.wishes[wish.key] = wish
                answer = attempt(api, wish, journal)
                if answer is not None and definite(answer):
                    asked.heard[wish.key] = answer

    def _wish(self, chance: random.Random) -> Wish:
        (kind,) = chance.choices([*SHARES], [*SHARES.values()])
        quantity = chance.choice(QUANTITIES)
        key = f"{chance.getrandbits(128):032x}"
        if kind == IN_CARTS:
            return Cart(key, tuple(sorted(chance.sample(self._shelves[kind], 2))), quantity)
        return Order(key, chance.choice(self._shelves[kind]), quantity)


def attempt(api: Api, wish: Wish, journal: Journal) -> Answer | None:
    """Send a wish once; return the answer, None if none came."""
    if isinstance(wish, Order):
        return send(api, wish, journal)
    try:
        reply = api.request("POST", wish.path, wish.body, wish.headers)
    except (OSError, http.client.HTTPException):
        return None
    return Answer(time.monotonic_ns(), reply.status, reply.body, reply.replayed)


def ask_all(url: str, notes: Path, wishes: Sequence[Wish]) -> Heard:
    """Send every wish with its key until the answer is definite; leave out those that never are."""
    with ThreadPoolExecutor(ASKERS) as askers:
        shares = [wishes[number::ASKERS] for number in range(ASKERS)]
        parts = askers.map(lambda share: _ask_some(url, notes, share), shares)
        return {key: answer for part in parts for key, answer in part.items()}


def _ask_some(url: str, notes: Path, wishes: Sequence[Wish]) -> Heard:
    heard = {}
    with Api(url) as api, Journal(notes) as journal:
        for wish in wishes:
            for _ in range(ATTEMPTS_MAX):
                answer = attempt(api, wish, journal)
                if answer is not None and definite(answer):
                    heard[wish.key] = answer
                    break
                time.sleep(PAUSE_SECONDS)
    return heard
