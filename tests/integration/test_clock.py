"""The database's clock as a process sees it."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo.errors import AutoReconnect

from inventory import limits
from inventory.errors import StorageUnavailable
from inventory.repository import mongo
from tests.integration.conftest import Process


def unreachable(*_: object) -> None:
    raise AutoReconnect


def test_it_follows_the_database(process: Process) -> None:
    """It tells what `hello` tells, to within the round trip."""
    before, now, after = told(process), process.clock.now(), told(process)
    trips = after - before + timedelta(milliseconds=10)
    assert before - trips < now < after + trips


def told(process: Process) -> datetime:
    """Return what time it is in the database."""
    there: datetime = process.database.command("hello")["localTime"]
    return there.replace(tzinfo=UTC)


def test_a_wall_clock_that_jumps_changes_nothing(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody who sets this machine's clock can move a fence."""
    before = process.clock.now()

    class Jumped(datetime):
        @classmethod
        def now(cls, tz: object = None) -> "Jumped":
            return cls(2001, 1, 1, tzinfo=UTC)

    monkeypatch.setattr(mongo, "datetime", Jumped)
    assert timedelta(0) <= process.clock.now() - before < timedelta(seconds=5)


def test_a_reading_that_fails_is_no_reason_to_stop(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once read, the clock goes on without the database: it is asked after a write is certain."""
    before = process.clock.now()
    monkeypatch.setattr(limits, "CLOCK_REFRESH_SECONDS", -1.0)
    monkeypatch.setattr(process.database, "command", unreachable)
    assert process.clock.now() >= before


def test_nobody_waits_for_a_reading(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that does not answer keeps nobody waiting for the time; it is read again later."""
    before, asked, thawed = process.clock.now(), threading.Event(), threading.Event()
    command = process.database.command

    def freeze(*arguments: Any) -> Any:
        asked.set()
        assert thawed.wait(10)
        return command(*arguments)

    monkeypatch.setattr(limits, "CLOCK_REFRESH_SECONDS", -1.0)
    monkeypatch.setattr(process.database, "command", freeze)
    assert process.clock.now() >= before
    assert asked.wait(10)
    assert process.clock.now() >= before
    thawed.set()


def test_a_clock_never_read_cannot_tell(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any reading there is no time to go by, and that is said."""
    clock = mongo.DatabaseClock(process.database)
    monkeypatch.setattr(process.database, "command", unreachable)
    with pytest.raises(StorageUnavailable):
        clock.now()
