"""Why no primary answers: asks the servers of the address one by one, past the driver's search.

The driver looks for a primary until its time is up, and does not say what it met instead. Some of
it no wait will ever change, and whoever starts the service must hear of that.
"""

from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.uri_parser import parse_uri

from inventory.errors import DatabaseNotReady
from inventory.repository.mongo import Document, refusal
from inventory.settings import Settings

STANDALONE = (
    "MongoDB runs as a standalone server, where retried writes and transactions do not exist. "
    "Start mongod with --replSet rs0 and run `python -m inventory prepare "
    "--initiate-replica-set`; one node is enough."
)

_ANSWER_MILLISECONDS_MAX = 1_000
_ALREADY_INITIATED = 23
# Of the options in the address, those without which a server would not talk to us.
_CONNECTING = ("tls", "ssl", "auth")


def look_at_servers(settings: Settings, *, initiate: bool = False) -> None:
    """Raise `DatabaseNotReady` if waiting for a primary is in vain; return if it may help.

    With `initiate`, a first server that was started with `--replSet` and belongs to no replica set
    yet becomes one of one node.
    """
    parsed = parse_uri(settings.mongo_url)
    asked_set = parsed["options"].get("replicaSet")
    for place, (host, port) in enumerate(parsed["nodelist"]):
        with _connected(host, port, parsed) as server:
            try:
                hello = server.admin.command("hello")
                _judge(f"{host}:{port}", hello, asked_set)
                if initiate and place == 0 and hello.get("isreplicaset"):
                    _initiate(server, f"{host}:{port}", asked_set or "rs0")
            except PyMongoError as error:
                if (refused := refusal(error)) is not None:
                    raise refused from error
                if isinstance(error, OperationFailure):
                    raise
                # It is not up yet, or out of reach for now.


def addresses(settings: Settings) -> str:
    """Return the servers that the address names, without what is secret in it."""
    return ", ".join(f"{host}:{port}" for host, port in parse_uri(settings.mongo_url)["nodelist"])


def _connected(host: str, port: int, parsed: Document) -> MongoClient[Document]:
    options: dict[str, Any] = {
        name: value
        for name, value in parsed["options"].items()
        if name.lower().startswith(_CONNECTING)
    }
    return MongoClient(
        host,
        port,
        directConnection=True,
        serverSelectionTimeoutMS=_ANSWER_MILLISECONDS_MAX,
        timeoutMS=_ANSWER_MILLISECONDS_MAX,
        username=parsed["username"],
        password=parsed["password"],
        **options,
    )


def _judge(address: str, hello: Document, asked_set: str | None) -> None:
    found_set = hello.get("setName")
    if found_set is None:
        if not hello.get("isreplicaset"):
            raise DatabaseNotReady(STANDALONE)
    elif asked_set not in (None, found_set):
        raise DatabaseNotReady(
            f"MongoDB at {address} belongs to the replica set {found_set!r}, and MONGO_URL asks "
            f"for {asked_set!r}. Write replicaSet={found_set} there."
        )


def _initiate(server: MongoClient[Document], address: str, name: str) -> None:
    configuration = {"_id": name, "members": [{"_id": 0, "host": address}]}
    try:
        server.admin.command("replSetInitiate", configuration)
    except OperationFailure as error:
        if error.code != _ALREADY_INITIATED:
            raise
