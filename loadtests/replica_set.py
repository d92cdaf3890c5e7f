"""A replica set on loopback, as many load tests need it. Knows mongod and its set."""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from inventory.local import LocalError
from inventory.local.servers import LOOPBACK, Server, start_mongod

MEMBERS = 3
READY_SECONDS_MAX = 60.0
POLL_SECONDS = 0.1
LOOK_MILLISECONDS_MAX = 500


def start(directory: Path, stack: ExitStack, cache_gb: float) -> tuple[list[Server], str]:
    """Start the members and make them one set; return them and its URL once all of them follow.

    They are killed when `stack` unwinds.
    """
    members = []
    for number in range(MEMBERS):
        own = directory / f"member-{number}"
        own.mkdir()
        member = start_mongod(own, cache_gb=cache_gb)
        # Its data goes anyway; asked to end, each member would wait for the others first.
        stack.callback(member.kill)
        members.append(member)
    hosts = [f"{LOOPBACK}:{member.port}" for member in members]
    configuration = {
        "_id": "rs0",
        "members": [{"_id": number, "host": host} for number, host in enumerate(hosts)],
    }
    with MongoClient[dict[str, Any]](hosts[0], directConnection=True) as client:
        client.admin.command("replSetInitiate", configuration)
        deadline = time.monotonic() + READY_SECONDS_MAX
        while _states(client) != ["PRIMARY", *["SECONDARY"] * (MEMBERS - 1)]:
            if time.monotonic() > deadline:
                raise LocalError(f"The replica set is not complete: {_states(client)}.")
            time.sleep(POLL_SECONDS)
    return members, f"mongodb://{','.join(hosts)}/?replicaSet=rs0"


def primary_port(ports: list[int]) -> int | None:
    """Return the port of the member that is the primary and can write now, None if none is."""
    for port in ports:
        hello = _ask(port, "hello")
        if hello and hello["isWritablePrimary"]:
            return port
    return None


def elected_at(ports: list[int]) -> int | None:
    """Return when the primary of now could write first, by this machine's monotonic clock in ns.

    None if there is none, or it does not say so in time.
    """
    port = primary_port(ports)
    status = _ask(port, "replSetGetStatus") if port else None
    if not status:
        return None
    # Its clock is the one of this machine.
    began = status["electionCandidateMetrics"]["newTermStartDate"].timestamp()
    return time.monotonic_ns() - int((time.time() - began) * 1e9)


def _ask(port: int, command: str) -> dict[str, Any] | None:
    """Return what one member answers, None if it does not in time."""
    client: MongoClient[dict[str, Any]] = MongoClient(
        LOOPBACK, port, directConnection=True, tz_aware=True, timeoutMS=LOOK_MILLISECONDS_MAX
    )
    with client:
        try:
            return client.admin.command(command)
        except PyMongoError:
            return None


def _states(client: MongoClient[dict[str, Any]]) -> list[str]:
    members = client.admin.command("replSetGetStatus")["members"]
    return sorted(member["stateStr"] for member in members)
