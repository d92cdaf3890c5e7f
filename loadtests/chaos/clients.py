"""A process of shoppers: `python -m loadtests.chaos.clients`. Each request is in the journal first.

Most want one hot product. Who does not get a definite answer asks again with the same key; some
send three copies at once, hang up before the answer, or let their request dribble. Others hold
units and commit or release them, and write down what became of each hold. All end when told to.
"""

import http.client
import json
import signal
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

from loadtests.books import Api, Reply
from loadtests.journal import Answer, Journal, Order, Outcome

HOLDS = "holds.jsonl"
COMMITTED, RELEASED = "committed", "released"
QUANTITIES = (1, 1, 1, 2, 3)
COPIES = 3
COPIES_SHARE, HANG_UP_SHARE, DRIBBLE_SHARE = 0.03, 0.03, 0.01
READ_SHARE, HOT_SHARE = 0.25, 0.8
PAUSE_SECONDS = 0.1
# So that all of them are about half of what the service can carry.
THINK_SECONDS = 0.05
# Enough for whatever is away to be back; what is unknown then is settled by the run.
TRIES_SECONDS_MAX = 60.0
DRIBBLE_BYTES, DRIBBLE_SECONDS = 40, 0.02


@dataclass(frozen=True, slots=True)
class Crowd:
    """What a process of clients is told: where, what, how many, and where to write it down."""

    url: str
    directory: str
    # The first one is hot.
    product_ids: list[str]
    held_id: str
    shoppers: int
    holders: int
    seed: str


class Shopper:
    """Somebody who buys and looks, one thing after the other."""

    def __init__(self, crowd: Crowd, journal: Journal, over: threading.Event, name: str) -> None:
        self._crowd = crowd
        self._journal = journal
        self._over = over
        self._dice = Random(f"{crowd.seed} {name}")  # nosec B311 # nobody has to guess it
        self._api = Api(crowd.url)

    def run(self) -> None:
        """Buy and look until it is over."""
        while not self._over.wait(self._dice.random() * 2 * THINK_SECONDS):
            if self._dice.random() < READ_SHARE:
                self._look()
            else:
                self._buy(Order(uuid.uuid4().hex, self._product(), self._dice.choice(QUANTITIES)))

    def _product(self) -> str:
        hot, *others = self._crowd.product_ids
        return hot if self._dice.random() < HOT_SHARE else self._dice.choice(others)

    def _buy(self, order: Order) -> None:
        whim = self._dice.random()
        if whim < COPIES_SHARE:
            copies = [
                threading.Thread(target=self._send_copy, args=(order,)) for _ in range(COPIES)
            ]
            for copy in copies:
                copy.start()
            for copy in copies:
                copy.join()
        elif whim < COPIES_SHARE + HANG_UP_SHARE:
            self._hang_up(order, 0.0, wait=self._dice.random() < 0.5)
        elif whim < COPIES_SHARE + HANG_UP_SHARE + DRIBBLE_SHARE:
            self._hang_up(order, DRIBBLE_SECONDS, wait=False)
        until = time.monotonic() + TRIES_SECONDS_MAX
        while time.monotonic() < until:
            answer = self._send(order)
            if answer is not None and answer.outcome not in (Outcome.UNKNOWN, Outcome.BUSY):
                return
            time.sleep(PAUSE_SECONDS)

    def _send_copy(self, order: Order) -> None:
        """Send an order over a connection of its own, which is closed afterwards."""
        with Api(self._crowd.url) as api:
            self._send(order, api)

    def _send(self, order: Order, api: Api | None = None) -> Answer | None:
        attempt = self._journal.sending(order)
        try:
            reply = (api or self._api).request("POST", order.path, order.body, order.headers)
        except (OSError, http.client.HTTPException):
            return None
        return self._journal.answered(attempt, reply.status, reply.body, replayed=reply.replayed)

    def _hang_up(self, order: Order, seconds: float, *, wait: bool) -> None:
        """Send an order, some bytes at a time with `seconds` between them, and hear no answer."""
        address = urlsplit(self._crowd.url)
        body = json.dumps(order.body)
        head = "".join(f"{name}: {value}\r\n" for name, value in order.headers.items())
        whole = (
            f"POST {order.path} HTTP/1.1\r\nHost: {address.netloc}\r\n{head}"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode()
        step = DRIBBLE_BYTES if seconds else len(whole)
        self._journal.sending(order)
        try:
            with socket.create_connection((address.hostname, address.port), timeout=2.0) as wire:
                for start in range(0, len(whole), step):
                    wire.sendall(whole[start : start + step])
                    time.sleep(seconds)
                if wait:
                    time.sleep(PAUSE_SECONDS)
        except OSError:
            return

    def _look(self) -> None:
        id, sent_at = self._product(), time.monotonic_ns()
        try:
            reply = self._api.request("GET", f"/api/products/{id}")
        except (OSError, http.client.HTTPException):
            return
        seen = reply.json() if reply.status == http.client.OK else None
        shown = {id: (seen["stock_version"], seen["stock"])} if seen else {}
        self._journal.saw(sent_at, reply.status, shown)


class Holder:
    """Somebody who holds units for a checkout, and then takes them or lets them go."""

    def __init__(self, crowd: Crowd, notes: Path, over: threading.Event, name: str) -> None:
        self._crowd = crowd
        self._file = notes.open("ab", buffering=0)
        self._over = over
        self._dice = Random(f"{crowd.seed} {name}")  # nosec B311 # nobody has to guess it
        self._api = Api(crowd.url)

    def run(self) -> None:
        """Hold and decide until it is over."""
        while not self._over.is_set():
            quantity = self._dice.choice(QUANTITIES)
            lines = [{"product_id": self._crowd.held_id, "quantity": quantity}]
            held = self._insist("/api/reservations", {"lines": lines, "ttl_seconds": 900})
            if held is None or held.status != http.client.CREATED:
                continue
            end = COMMITTED if self._dice.random() < 0.5 else RELEASED
            verb = "commit" if end == COMMITTED else "release"
            path = f"/api/reservations/{held.json()['id']}"
            ended = self._insist(f"{path}/{verb}", {})
            certain = ended is not None and ended.status < http.client.BAD_REQUEST
            self._note(path=path, quantity=quantity, end=end if certain else None)

    def _insist(self, path: str, body: Mapping[str, Any]) -> Reply | None:
        """Ask with one key until the answer is definite; None if it never was."""
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        until = time.monotonic() + TRIES_SECONDS_MAX
        while time.monotonic() < until:
            try:
                reply = self._api.request("POST", path, body, headers)
            except (OSError, http.client.HTTPException):
                time.sleep(PAUSE_SECONDS)
                continue
            busy = reply.status == http.client.CONFLICT and "idempotency_in_progress" in reply.body
            if not busy and reply.status not in (429, 502, 503, 504):
                return reply
            time.sleep(PAUSE_SECONDS)
        return None

    def _note(self, **facts: Any) -> None:
        self._file.write(json.dumps(facts).encode() + b"\n")


def main(crowd: Crowd) -> None:
    """Run all clients of this process until it gets SIGTERM."""
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    directory = Path(crowd.directory)
    with Journal(directory / "journal") as journal:
        runs: list[Callable[[], None]] = [
            Shopper(crowd, journal, over, f"shopper {number}").run
            for number in range(crowd.shoppers)
        ]
        runs += [
            Holder(crowd, directory / HOLDS, over, f"holder {number}").run
            for number in range(crowd.holders)
        ]
        threads = [threading.Thread(target=run) for run in runs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main(Crowd(**json.loads(sys.argv[1])))
