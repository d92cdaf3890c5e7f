"""The stage of one schedule: an empty database, processes with clocks of their own, and a record.

The record is what the counters were after every step, so that whoever was refused can be told
whether stock really was short meanwhile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from unittest.mock import patch

from pymongo import MongoClient, WriteConcern
from pymongo.database import Database

from inventory import limits
from inventory.domain.claims import RequestKey
from inventory.repository import mongo
from inventory.settings import Settings
from tests.faults.explorer import Event
from tests.integration.conftest import Process

# So far ahead is the clock of whoever comes after all the others: every fence and hold has passed.
LATER = timedelta(hours=1)
LAST = timedelta(hours=3)
_EMPTIED = WriteConcern(w=1, j=False)
# Others take their steps while somebody waits for his turn: no limit of time may pass meanwhile.
PATIENT: dict[str, Any] = {
    "REQUEST_SECONDS_MAX": 100.0,
    "MONGO_TIMEOUT_SECONDS": 90.0,
    "SERVER_SELECTION_TIMEOUT_SECONDS": 90.0,
}


class Act(Protocol):
    """What an actor does, as its client sees it."""

    def __call__(self, process: Process, key: RequestKey | None) -> tuple[object, bool]:
        """Return the answer, and whether it was replayed."""


@dataclass(frozen=True, slots=True)
class Part:
    """One actor's part: what it does, under which key, with a clock so far ahead.

    `takes` says how many units of which product it wants, so that a refusal can be judged.
    """

    act: Act
    key: str | None = None
    takes: Mapping[str, int] = field(default_factory=dict)
    ahead: timedelta = timedelta(0)


class Clients:
    """Clients for the actors of all schedules: making one takes longer than using it.

    They are as patient as the actors are.
    """

    def __init__(self, settings: Settings, count: int = 4) -> None:
        self.settings = settings
        with patch.multiple(limits, **PATIENT):
            self._clients: list[MongoClient[mongo.Document]] = [
                mongo.connect(settings) for _ in range(count)
            ]
        self.database: Database[mongo.Document] = mongo.open_database(self._clients[0], settings)

    def process(self, number: int, ahead: timedelta = timedelta(0)) -> Process:
        """Return a new process, over the client with this number, with its clock so far ahead."""
        process = Process(self._clients[number], self.settings)
        now = process.clock.now

        def then() -> datetime:
            return now() + ahead

        setattr(process.clock, "now", then)  # noqa: B010 - mypy minds an assignment
        # Whether a majority has seen a row must not depend on how fast the journal is just now.
        process.movements._derived = process.movements._movements
        return process

    def empty(self) -> None:
        """Remove what earlier schedules left."""
        for name in self.database.list_collection_names():
            self.database.get_collection(name, write_concern=_EMPTIED).delete_many({})

    def close(self) -> None:
        """Close all clients."""
        for client in self._clients:
            client.close()


class World:
    """What one schedule plays with."""

    def __init__(self, clients: Clients, run: int) -> None:
        self.clients = clients
        self.database = clients.database
        self.process = clients.process(0)
        self.products: list[str] = []
        # What could be sold of each product, and what was held, after each step that took place.
        self.states: list[dict[str, int]] = []
        self.spans: dict[str, tuple[int, int]] = {}
        self._run = run

    def create(self, stock: int, **terms: Any) -> str:
        """Create a product."""
        self.products.append(self.process.create(stock, **terms))
        return self.products[-1]

    def key(self, name: str | None) -> RequestKey | None:
        """Return the key that a client calls `name`."""
        if name is None:
            return None
        return RequestKey(id=f"{self._run:016x}{name}", fingerprint=name, request_id=name)

    def look(self) -> None:
        """Note what could be sold now; units of a hold that runs out sooner or later count too."""
        open_holds: dict[str, int] = {}
        for hold in self.database["reservations"].find({"state": "held"}):
            if hold["expires_at"] < self.process.clock.now() + LAST:
                for line in hold["lines"]:
                    product_id = str(line["product_id"])
                    held = open_holds.get(product_id, 0) + line["quantity"]
                    open_holds[product_id] = held
        self.states.append(
            {
                (id := str(stock["_id"])): stock["available"]
                + stock["oversell_limit"]
                + open_holds.get(id, 0)
                for stock in self.database["stock"].find({}, {"tail": 0})
            }
        )

    def watch(self, event: Event) -> None:
        """Take note of a step."""
        first, _ = self.spans.get(event.actor, (len(self.states) - 1, 0))
        if any(name.startswith("stock/") for name in event.footprint.writes):
            self.look()
        if event.footprint:
            self.spans[event.actor] = (first, len(self.states) - 1)

    def seen_by(self, actor: str) -> Sequence[Mapping[str, int]]:
        """Return the states that were current at some moment between an actor's first and last."""
        first, last = self.spans.get(actor, (0, 0))
        return self.states[first : last + 1]
