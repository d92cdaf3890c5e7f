"""The parts of the fault runner: its schedule, its proxy, and what its audit has to catch."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import islice

import pytest

from inventory.local.servers import LOOPBACK
from loadtests.books import OPENING, PURCHASE, Movement, ProductBooks, Sale
from loadtests.chaos import audit
from loadtests.chaos.faults import FAULTS
from loadtests.chaos.plan import PlanError, Step, faults_of, schedule
from loadtests.chaos.proxy import Behaviour, Manner, Proxy
from loadtests.chaos.seen import Struck, broken_silence, seen_in
from loadtests.chaos.stack import TOPOLOGIES
from loadtests.journal import Answer, Attempt, History, Order, OrderHistory, Sighting

SECOND = 10**9


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_a_seed_gives_one_schedule(topology: str) -> None:
    """The same seed gives the same steps; each fault comes by itself before any pair does."""
    faults = faults_of(topology, None)

    def steps(seed: int) -> list[object]:
        return list(islice(schedule(seed, faults), 200))

    assert steps(1) == steps(1) != steps(2)
    alone = list(islice(schedule(3, faults, brief=True), len(faults)))
    assert {step.faults for step in alone} == {(fault,) for fault in faults}
    assert any(len(step.faults) == 2 for step in islice(schedule(3, faults), 200))


def test_unknown_faults_are_named() -> None:
    """Who mistypes a fault is told which there are."""
    with pytest.raises(PlanError, match="mongod freezes"):
        faults_of("one", "mongod melts")


# --- the proxy ------------------------------------------------------------------------------------


@pytest.fixture
def echo() -> Iterator[int]:
    """Yield the port of a server that repeats in capitals what it hears."""
    with socket.create_server((LOOPBACK, 0)) as listening:

        def serve(connection: socket.socket) -> None:
            # The proxy cuts connections; that is what it is for.
            with connection, suppress(ConnectionError):
                while heard := connection.recv(1_000):
                    connection.sendall(heard.upper())

        def accept() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def proxy(echo: int) -> Iterator[Proxy]:
    """Yield a proxy before the echo."""
    proxy = Proxy(echo)
    yield proxy
    proxy.close()


def ask(proxy: Proxy, text: bytes = b"hello", seconds: float = 10.0) -> bytes:
    """Return what comes back before the connection ends or the time is over."""
    heard = b""
    with socket.create_connection((LOOPBACK, proxy.port), timeout=seconds) as wire:
        try:
            wire.sendall(text)
            while len(heard) < len(text) and (more := wire.recv(1_000)):
                heard += more
        except OSError:
            pass
    return heard


@pytest.mark.parametrize(
    "manner,heard",
    [
        (Manner.RELAY, b"HELLO"),
        (Manner.SLOW, b"HELLO"),
        (Manner.REFUSE, b""),
        (Manner.SILENT, b""),
        (Manner.SWALLOW, b""),
        (Manner.CUT, b""),
    ],
)
def test_a_proxy_behaves_as_told_and_recovers(proxy: Proxy, manner: Manner, heard: bytes) -> None:
    """Each manner does what it says, and afterwards everything is passed on again."""
    proxy.behave(Behaviour(manner, seconds=0.05))
    # From some nothing comes however long one waits.
    assert ask(proxy, seconds=10.0 if heard else 1.0) == heard
    proxy.behave(Behaviour())
    assert ask(proxy) == b"HELLO"


def test_a_garbling_proxy_answers_rubbish(proxy: Proxy) -> None:
    """As many bytes come back as were sent, and other ones."""
    proxy.behave(Behaviour(Manner.GARBLE))
    heard = ask(proxy, b"hello, all of you")
    assert len(heard) == len(b"hello, all of you")
    assert heard != b"HELLO, ALL OF YOU"


def test_a_slow_proxy_is_slow(proxy: Proxy) -> None:
    """Question and answer are late, each by as much as was said."""
    proxy.behave(Behaviour(Manner.SLOW, seconds=0.1))
    began = time.monotonic()
    ask(proxy)
    assert time.monotonic() - began >= 0.2


# --- the audit ------------------------------------------------------------------------------------

PRODUCT = "p"
ORDER = Order("k", PRODUCT, 2)
SOLD = Answer(
    5 * SECOND,
    201,
    '{"id": "m2", "quantity": 2, "remaining_stock": 8, "stock_version": 2, "reference": "k"}',
)
BOOKS = ProductBooks(
    PRODUCT,
    available=8,
    version=2,
    movements=(
        Movement("m1", 1, OPENING, 10, 10, None),
        Movement("m2", 2, PURCHASE, -2, 8, "k"),
    ),
    sales={"m2": Sale("m2", 2, 8, 2, "k")},
)
HISTORY = History({PRODUCT: 10}, [OrderHistory(ORDER, (Attempt(4 * SECOND, SOLD),))])


def seen(version: int, stock: int, seconds: float) -> History:
    """Return the history with a read that ended so many seconds after the beginning."""
    at = int(seconds * SECOND)
    return replace(HISTORY, sightings=[Sighting(at, at, PRODUCT, version, stock)])


@pytest.mark.parametrize(
    "history,books,found",
    [
        (HISTORY, BOOKS, ""),
        (HISTORY, replace(BOOKS, movements=BOOKS.movements[:1]), "is not in the ledger"),
        (HISTORY, replace(BOOKS, available=9), "9 are available"),
        (HISTORY, replace(BOOKS, sales={}), "is on record as None"),
        (replace(HISTORY, orders=[]), BOOKS, "nobody ordered version 2"),
        (
            replace(HISTORY, orders=[OrderHistory(ORDER, (Attempt(4 * SECOND),))]),
            BOOKS,
            "nobody knows",
        ),
        (seen(2, 8, 6.0), BOOKS, ""),
        (seen(1, 10, 14.0), BOOKS, ""),
        (seen(1, 10, 16.0), BOOKS, "11.0 s after it was over"),
        (seen(2, 8, 3.0), BOOKS, "before it was"),
        (seen(2, 9, 6.0), BOOKS, "which never was"),
    ],
)
def test_an_audit_finds_what_is_wrong(history: History, books: ProductBooks, found: str) -> None:
    """Sound books pass; each thing that must not be is named."""
    violations = audit.examine(history, {PRODUCT: books}).violations
    assert bool(violations) == bool(found)
    assert found in "; ".join(violation.found for violation in violations)


@pytest.mark.parametrize("answered, failed", [(4.5, [1, 0]), (6.5, [0, 1])])
def test_a_failure_is_laid_to_the_fault_it_met(answered: float, failed: list[int]) -> None:
    """Who is still waiting when the next fault strikes has met that one, not the one before."""
    quiet = next(fault for fault in FAULTS if fault.silent)
    loud = next(fault for fault in FAULTS if not fault.silent)
    steps = [Step(number, (fault,), 1.0, 0.2, "") for number, fault in enumerate((quiet, loud))]
    at = [int(second * SECOND) for second in (3, 4, 5, 6, 7, 8)]
    struck = [Struck(steps[0], *at[:3]), Struck(steps[1], *at[3:])]
    attempt = Attempt(4 * SECOND, Answer(int(answered * SECOND), 503, "{}"))
    history = replace(HISTORY, orders=[OrderHistory(ORDER, (attempt,))])
    seen_by_step, _ = seen_in(history, struck)
    assert [one.failed for one in seen_by_step] == failed
    assert bool(broken_silence(seen_by_step)) == bool(failed[0])


@pytest.mark.parametrize(
    "healed, elected, sold_at, recovered, in_time",
    [
        (5, 10, 12, 14, True),
        (5, 10, 16, 14, False),
        (5, 10, 12, 16, False),
        # The set had a new primary before the old one came back, which brought trouble of its own.
        (12, 6, 8, 13, True),
        (12, 6, 8, 18, False),
    ],
)
def test_an_election_is_not_laid_to_the_service(
    healed: int, elected: int, sold_at: int, recovered: int, in_time: bool
) -> None:
    """Back is counted from when there is a primary, for the probe as for the first shopper."""
    fault = next(fault for fault in FAULTS if fault.name == "the primary steps down")
    times = [second * SECOND for second in (3, healed, recovered, elected)]
    sold = replace(SOLD, at=sold_at * SECOND)
    history = replace(HISTORY, orders=[OrderHistory(ORDER, (Attempt(4 * SECOND, sold),))])
    (seen_then,), _ = seen_in(history, [Struck(Step(0, (fault,), 1.0, 0.2, ""), *times)])
    assert seen_then.after_election_seconds == sold_at - elected
    assert seen_then.in_time is in_time
