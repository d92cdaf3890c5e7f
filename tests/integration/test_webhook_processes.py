"""Deliverers as processes, of which one is killed or frozen in the middle of its work."""

import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from pymongo import MongoClient

from inventory.domain.events import Event
from inventory.domain.webhooks import Failure, Webhook
from inventory.local.servers import free_port
from inventory.repository import mongo
from inventory.repository.mongo import Document
from inventory.settings import Settings
from tests.integration.processes import Run, eventually
from tests.integration.webhook_receivers import Message, Receiver
from tests.integration.webhook_stage import Stage, product_ids, staged

PRODUCTS = product_ids(6)


@pytest.fixture(name="stage")
def _stage(settings: Settings, _database_client: MongoClient[Document]) -> Iterator[Stage]:
    with staged(settings, mongo.open_database(_database_client, settings)) as stage:
        yield stage


@pytest.fixture(name="receivers")
def _receivers() -> Iterator[list[Receiver]]:
    """Two receivers that take their time."""
    with ExitStack() as stack:
        receivers = [Receiver(), Receiver()]
        for receiver in receivers:
            stack.callback(receiver.stop)
        yield receivers


@pytest.fixture(name="runs")
def _runs(stage: Stage, tmp_path: Path) -> Iterator[list[Run]]:
    """Two deliverers, each a process."""
    command = [sys.executable, "-m", "tests.integration.webhook_process"]
    command += [stage.settings.mongo_url, stage.settings.mongo_database]
    runs = [Run(tmp_path / f"{number}.log", command, free_port()) for number in (1, 2)]
    yield runs
    for run in runs:
        if run.process.poll() is None:
            run.process.kill()
            run.process.wait()


def owner_of(run: Run) -> str:
    """Return the name under which a process delivers."""
    run.await_output("owner ")
    return run.output.split("owner ")[1].split()[0]


def stopped(run: Run) -> bool:
    """Tell whether a process does nothing any more."""
    try:
        state = Path(f"/proc/{run.process.pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state in ("T", "Z", "X")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two deliverers, each of which serves one of two endpoints."""

    stage: Stage
    receivers: list[Receiver]
    webhooks: list[Webhook]
    runs: dict[str, Run]

    def serve(self) -> bool:
        """Tell whether each of them serves an endpoint."""
        return {self.stage.lease_of(w)["owner"] for w in self.webhooks} == self.runs.keys()

    @property
    def victim(self) -> Run:
        """Who serves the first endpoint."""
        return self.runs[self.stage.lease_of(self.webhooks[0])["owner"]]

    def await_all(self, events: list[Event]) -> None:
        """Return when both endpoints have taken all events, in the order of each product."""
        expected = {p: [e.sequence for e in events if e.product_id == p] for p in PRODUCTS}
        for receiver in self.receivers:
            eventually(partial(_has, receiver, expected), "not every event arrives in order")

    def sent_twice(self, number: int) -> set[str]:
        """Return what came to one of them twice, but for what was answered too late and has to."""
        deliveries = self.stage.deliveries(self.webhooks[number])
        late = {d.event_id for d in deliveries for a in d.attempts if a.failure is Failure.TIMEOUT}
        came = Counter(message.id for message in self.receivers[number].came)
        return {id for id, count in came.items() if count > 1} - late


def _has(receiver: Receiver, expected: dict[str, list[int]]) -> bool:
    return receiver.first_taken() == expected


@pytest.fixture(name="pair")
def _pair(stage: Stage, receivers: list[Receiver], runs: list[Run]) -> Pair:
    named = {owner_of(run): run for run in runs}
    webhooks = [stage.webhooks.register(receiver.url) for receiver in receivers]
    pair = Pair(stage, receivers, webhooks, named)
    eventually(pair.serve, "they do not share")
    return pair


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_who_dies_or_freezes_is_replaced(pair: Pair, number: signal.Signals) -> None:
    """Whatever happens to one of two deliverers, every event arrives, in the order of its product,
    and none twice but what was under way; on waking, a frozen one sends nothing more."""
    stage, victim, receiver = pair.stage, pair.victim, pair.receivers[0]
    once = threading.Lock()

    def strike(_: Message) -> int:
        if len(receiver.came) >= 40 and once.acquire(blocking=False):
            os.kill(victim.process.pid, number)
        return 204

    receiver.answer = strike
    events = stage.happen(*PRODUCTS * 20)
    eventually(lambda: len(receiver.came) >= 40 and stopped(victim), "nobody is struck")
    noted = {d.event_id for d in stage.deliveries(pair.webhooks[0]) if d.state == "delivered"}
    pair.await_all(events)
    if number is signal.SIGSTOP:
        os.kill(victim.process.pid, signal.SIGCONT)
    pair.await_all(events + stage.happen(*PRODUCTS))
    twice = pair.sent_twice(0)
    assert twice & noted == set()
    assert len(twice) <= len(PRODUCTS)
    assert pair.sent_twice(1) == set()
    if number is signal.SIGSTOP:
        eventually(pair.serve, "it does not come back")


def test_who_is_asked_to_stop_hands_over(pair: Pair) -> None:
    """TERM ends a deliverer when what it sends is answered; another one goes on at once."""
    events = pair.stage.happen(*PRODUCTS * 10)
    eventually(lambda: len(pair.receivers[0].came) >= 10, "nobody delivers")
    leaving = pair.victim
    assert leaving.stop() == 0
    assert "stopped" in leaving.output
    pair.await_all(events)
    for number, receiver in enumerate(pair.receivers):
        assert len({message.id for message in receiver.came}) == len(events)
        assert pair.sent_twice(number) == set(), "what was answered is not sent again"
