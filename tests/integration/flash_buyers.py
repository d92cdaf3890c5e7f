"""One of the client processes of a flash sale: many buyers with connections that they keep.

Runs on its own: `python flash_buyers.py PORT PRODUCT_ID BUYERS WISHES SEED`. Says `ready`, waits
for a line, then lets every buyer have its wishes, one after the other. Each wish has a key of its
own; a third of them are sent twice, half of these at the same moment. Prints one JSON line a wish:
key, quantity, and status, body and `Idempotent-Replayed` of every answer.
"""

import http.client
import itertools
import json
import random
import sys
import threading
import time
import uuid
from dataclasses import dataclass
from typing import Any

QUANTITIES = (1, 2, 3, 4)
SECONDS_MAX = 200.0
DICE = random.SystemRandom()
# Seconds until a try after one that was refused because of overload, at most.
PATIENCE = (2.0, 4.0, 8.0)


@dataclass
class Buyer:
    """Somebody with a connection, and a second one whenever impatience strikes."""

    port: int
    product_id: str

    def __post_init__(self) -> None:
        self.connection = self.connect()

    def connect(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.connect()
        return connection

    def ask(
        self, key: str, quantity: int, over: http.client.HTTPConnection | None = None
    ) -> list[Any]:
        """Send a wish until its outcome is known; return status, body, and whether repeated."""
        body = json.dumps({"quantity": quantity})
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        deadline = time.monotonic() + SECONDS_MAX
        connection = over or self.connection
        for patience in itertools.chain(PATIENCE, itertools.repeat(PATIENCE[-1])):
            connection.request("POST", f"/api/products/{self.product_id}/purchase", body, headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
            running = answer.get("code") == "idempotency_in_progress"
            if time.monotonic() > deadline or not (running or response.status == 503):
                return [response.status, answer, response.getheader("Idempotent-Replayed")]
            # Not sooner than `Retry-After` says, later each time, and not all at once: those who
            # are refused must not take the time of those who are served.
            time.sleep(DICE.uniform(0.02, 0.1) if running else DICE.uniform(1.0, patience))
        raise AssertionError("patience has no end")

    def ask_twice_at_once(self, key: str, quantity: int) -> list[Any]:
        """Send the same wish over both connections at the same moment."""
        answers: list[Any] = []
        again = self.connect()
        impatient = threading.Thread(
            target=lambda: answers.append(self.ask(key, quantity, over=again))
        )
        impatient.start()
        answers.append(self.ask(key, quantity))
        impatient.join()
        again.close()
        return answers


def have_wishes(buyer: Buyer, wishes: int, chance: random.Random, done: list[Any]) -> None:
    """Let a buyer have its wishes; add what became of each to `done`."""
    for _ in range(wishes):
        key, quantity, way = uuid.uuid4().hex, chance.choice(QUANTITIES), chance.randrange(6)
        if way == 0:
            answers = buyer.ask_twice_at_once(key, quantity)
        else:
            answers = [buyer.ask(key, quantity) for _ in range(2 if way == 1 else 1)]
        done.append({"key": key, "quantity": quantity, "answers": answers})


def main(port: str, product_id: str, buyers: str, wishes: str, seed: str) -> None:
    """Be one client process."""
    done: list[Any] = []
    chances = [random.Random(f"{seed}.{n}") for n in range(int(buyers))]  # noqa: S311 - the same each time
    threads = [
        threading.Thread(
            target=have_wishes, args=(Buyer(int(port), product_id), int(wishes), chance, done)
        )
        for chance in chances
    ]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.stdout.writelines(json.dumps(wish) + "\n" for wish in done)


if __name__ == "__main__":
    main(*sys.argv[1:])
