"""Looks at processes while something goes on, and buys meanwhile to see who has to wait."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from loadtests.books import Api
from loadtests.figures import percentile
from loadtests.processes import resident_megabytes

LOOK_SECONDS = 0.1
BUY_SECONDS = 0.02
_GONE = (FileNotFoundError, ProcessLookupError)


@dataclass(slots=True)
class Watched:
    """What was seen: seconds since the beginning, and megabytes of each process then."""

    seconds: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)
    took: float = 0.0

    @property
    def peak(self) -> float:
        """The most memory that a process held."""
        return max(self.megabytes, default=0.0)

    @property
    def before(self) -> float:
        """What it held at first."""
        return self.megabytes[0] if self.megabytes else 0.0


@contextmanager
def watching(processes: Callable[[], Sequence[int]]) -> Iterator[Watched]:
    """Look at the largest of some processes until the block ends."""
    watched, ended = Watched(), threading.Event()
    began = time.monotonic()

    def look() -> None:
        while not ended.wait(LOOK_SECONDS):
            with suppress(*_GONE):
                held = max(map(resident_megabytes, processes()), default=0.0)
                if held:
                    watched.seconds.append(round(time.monotonic() - began, 2))
                    watched.megabytes.append(round(held, 1))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield watched
    finally:
        watched.took = time.monotonic() - began
        ended.set()
        thread.join()


@dataclass(slots=True)
class Bought:
    """How long purchases took, in milliseconds, and how many were refused."""

    milliseconds: list[float] = field(default_factory=list)
    refused: int = 0

    def at(self, share: float) -> float:
        """Return what so large a share took no longer than."""
        return percentile(sorted(self.milliseconds), share) if self.milliseconds else 0.0


@contextmanager
def buying(url: str, path: str) -> Iterator[Bought]:
    """Buy a product again and again, at a steady pace, until the block ends."""
    bought, ended = Bought(), threading.Event()

    def buy() -> None:
        with Api(url) as api:
            while not ended.wait(BUY_SECONDS):
                began = time.perf_counter()
                reply = api.request("POST", f"{path}/purchase", {"quantity": 1})
                bought.milliseconds.append((time.perf_counter() - began) * 1000)
                bought.refused += reply.status != 201

    thread = threading.Thread(target=buy)
    thread.start()
    try:
        yield bought
    finally:
        ended.set()
        thread.join()


def created(url: str) -> str:
    """Create a product that never runs out; return its path."""
    with Api(url) as api:
        body = {"name": "Bestseller", "price": "9.90", "stock": 10**9}
        reply = api.request("POST", "/api/products", body)
    return f"/api/products/{json.loads(reply.body)['id']}"
