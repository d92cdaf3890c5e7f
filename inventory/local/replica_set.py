"""The replica set of the embedded mongod follows it to another port.

A replica set stores the addresses of its members, so a mongod that comes back on another port finds
itself excluded from its own set. Apart from `repository`, the only module that knows PyMongo.
"""

import time
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from inventory.local import LocalError
from inventory.local.servers import LOOPBACK

ANSWER_MILLISECONDS_MAX = 10_000
# Before a mongod has read its configuration it asks at the address in it whether that is itself; a
# stranger there who accepts connections and never answers keeps it waiting for half a minute.
MOVE_SECONDS_MAX = 60.0
POLL_SECONDS = 0.05

_NOT_YET_INITIALIZED = 94


def move_member(port: int) -> None:
    """Make `port` the address of the one member, if the stored configuration says another.

    A set that has not been initiated yet is left alone. Raises `LocalError`.
    """
    address = f"{LOOPBACK}:{port}"
    client: MongoClient[dict[str, Any]] = MongoClient(
        LOOPBACK,
        port,
        directConnection=True,
        serverSelectionTimeoutMS=ANSWER_MILLISECONDS_MAX,
        timeoutMS=ANSWER_MILLISECONDS_MAX,
    )
    with client:
        try:
            stored = client["local"]["system.replset"].find_one()
            if stored is None or [member["host"] for member in stored["members"]] == [address]:
                return
            moved = {**stored["members"][0], "host": address}
            changed = {**stored, "members": [moved], "version": stored["version"] + 1}
            _reconfigure(client, changed)
        except PyMongoError as error:
            raise LocalError(
                f"The embedded MongoDB could not be moved to port {port}: {error}"
            ) from error


def _reconfigure(client: MongoClient[dict[str, Any]], changed: dict[str, Any]) -> None:
    """Replace the configuration as soon as the mongod, which has just started, has read its own.

    Forced, because a set without a member that knows itself has no primary to ask.
    """
    deadline = time.monotonic() + MOVE_SECONDS_MAX
    while True:
        try:
            client.admin.command("replSetReconfig", changed, force=True)
        except OperationFailure as error:
            if error.code != _NOT_YET_INITIALIZED or time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)
        else:
            return
