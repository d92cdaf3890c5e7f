"""An update as Kubernetes makes it: a new instance beside the old one, then the old one leaves.

The old one leaves the proxy before it is told to end, as `preStop` in `deploy/kubernetes` has it.
"""

import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from inventory.local.servers import Server
from inventory.settings import Settings
from loadtests import edge
from tests.integration.edges import Front, reached, serving
from tests.integration.processes import descendants, eventually, is_alive

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks processes up in /proc")

BUYERS = 3
STOCK = 1_000_000
# The service answers in time, whatever happens: with this on a machine that has too much to do.
BUSY, BOUGHT = 503, 201
PURCHASES_BETWEEN = 20


@dataclass
class Buyers:
    """Shoppers who buy one unit after another, and remember every answer."""

    front: Front
    path: str
    answers: list[int | str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    def buy(self) -> None:
        """Buy until everything is over; a connection that breaks is an answer, too.

        Only where the service itself says that it is too busy, the same is asked again.
        """
        while not self.ended.is_set():
            key = uuid.uuid4().hex
            while self._ask(key) == BUSY:
                pass

    def _ask(self, key: str) -> int | str:
        try:
            answer: int | str = self.front.buy(self.path, Idempotency_Key=key).status_code
        except requests.RequestException as error:
            answer = type(error).__name__
        self.answers.append(answer)
        return answer

    def await_more(self) -> None:
        """Return when they have had some more answers."""
        enough = len(self.answers) + PURCHASES_BETWEEN
        eventually(lambda: len(self.answers) >= enough, "nobody is answered any more")

    def stop(self) -> None:
        """Send nobody any more, and return when all have their last answer."""
        self.ended.set()
        for thread in self.threads:
            thread.join()


@contextmanager
def buying(front: Front) -> Iterator[Buyers]:
    """Let shoppers buy a new product until the block ends, or they are stopped."""
    buyers = Buyers(front, front.create(stock=STOCK))
    buyers.threads += [threading.Thread(target=buyers.buy) for _ in range(BUYERS)]
    for thread in buyers.threads:
        thread.start()
    try:
        yield buyers
    finally:
        buyers.stop()


def lead(directory: Path, nginx: Server, *services: Server) -> None:
    """Let nginx stand before these services, and wait until it asks no other one."""
    before = descendants(nginx.pid)
    edge.lead(directory, nginx, services)
    eventually(lambda: not any(map(is_alive, before)), "nginx keeps its old processes")


def test_an_update_loses_no_request(edge_settings: Settings, tmp_path: Path) -> None:
    """While the new instance comes and the old one goes, nobody meets one that is not there."""
    place = tmp_path / "nginx"
    with (
        serving(edge_settings, tmp_path / "old.log") as old,
        edge.started(place, [old]) as nginx,
        buying(front := Front(nginx.url)) as buyers,
        serving(edge_settings, tmp_path / "new.log") as new,
    ):
        lead(place, nginx, old, new)
        buyers.await_more()
        lead(place, nginx, new)
        old.stop()
        buyers.await_more()
        buyers.stop()
        left = front.get(f"{buyers.path}/stock").json()["available"]
        by_old, by_new = (reached(one, f"{buyers.path}/purchase", "POST") for one in (old, new))
    assert old.process.returncode == 0
    # An instance that is gone would be nginx's 502 or 504, or a connection that breaks.
    assert set(buyers.answers) <= {BOUGHT, BUSY}
    assert STOCK - left == buyers.answers.count(BOUGHT)
    assert len(buyers.answers) == by_old + by_new
    assert min(by_old, by_new) >= PURCHASES_BETWEEN / 2
