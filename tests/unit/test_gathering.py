"""Who asks for others, and who gets whose answer."""

import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest

from inventory.cache.gathering import Gathering


def test_a_reader_that_is_killed_while_it_waits_keeps_nobody() -> None:
    """Whoever was to ask next and is killed lets the others go, and the one after asks."""
    gathering: Gathering[str, int] = Gathering()
    begun, go = threading.Event(), threading.Event()

    def ask(_: Iterable[str]) -> int:
        begun.set()
        assert go.wait(5)
        return 1

    def killed(*_: object) -> bool:
        raise KeyboardInterrupt

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(gathering.ask, "t", (), ask)
        assert begun.wait(5)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(gathering._asked["t"].over, "wait", killed)
            with pytest.raises(KeyboardInterrupt):
                gathering.ask("t", (), ask)
        go.set()
        assert first.result() == (1, True)
    assert gathering.ask("t", (), lambda _: 2) == (2, True)


def test_nobody_takes_what_was_read_before_they_came() -> None:
    """A reader that comes while another one reads gets what is true by then, or newer."""
    gathering: Gathering[str, int] = Gathering()
    now, begun, go = [1], threading.Event(), threading.Event()

    def ask(_: Iterable[str]) -> int:
        seen = now[0]
        begun.set()
        assert go.wait(5)
        return seen

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(gathering.ask, "t", (), ask)
        assert begun.wait(5)
        now[0] = 2
        second = pool.submit(gathering.ask, "t", (), ask)
        go.set()
        assert (first.result(), second.result()) == ((1, True), (2, True))


def test_nobody_waits_longer_than_they_may() -> None:
    """Neither for their own round, nor for the one before it."""
    left: list[float | None] = [None]
    gathering: Gathering[str, int] = Gathering(lambda: left[0])
    begun, go = threading.Event(), threading.Event()

    def ask(_: Iterable[str]) -> int:
        begun.set()
        assert go.wait(30)
        return 1

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(gathering.ask, "t", (), ask)
        assert begun.wait(5)
        left[0] = 0.0
        # This one leads the next round, and does not wait for its turn any more.
        assert gathering.ask("t", (), lambda _: 2) == (2, True)
        left[0] = None
        second = pool.submit(gathering.ask, "t", (), ask)
        while "t" not in gathering._gathered:
            time.sleep(0.001)
        left[0] = 0.0
        with pytest.raises(TimeoutError):
            gathering.ask("t", (), ask)
        go.set()
        assert (first.result(), second.result()) == ((1, True), (1, True))
