"""Why no primary answers: asks the servers of the address one by one, past the driver's search.

The driver looks for a primary until its time is up, and does not say what it met instead. Some of
it no wait will ever change, and whoever starts the service must hear of that.
"""

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.uri_parser import parse_uri

from inventory.errors import DatabaseNotReady
from inventory.repository.mongo import Document
from inventory.settings import Settings

STANDALONE = (
    "MongoDB runs as a standalone server, where retried writes and transactions do not exist. "
    "Start mongod with --replSet rs0 and run `python -m inventory prepare "
    "--initiate-replica-set`; one node is enough."
)

_ANSWER_MILLISECONDS_MAX = 1_000
_ALREADY_INITIATED = 23
# Of the options in the address, those without which a server would not talk to us.
_SECURED, _LOGIN = ("tls", "ssl"), ("auth",)


def look_at_servers(settings: Settings, *, initiate: bool = False) -> None:
    """Raise `DatabaseNotReady` if waiting for a primary is in vain; return if it may help.

    With `initiate`, a first server that was started with `--replSet` and belongs to no replica set
    yet becomes one of one node. Nobody logs in only to look: a member that is just being filled
    knows no users yet.
    """
    parsed = parse_uri(settings.mongo_url)
    asked_set = parsed["options"].get("replicaSet")
    for place, (host, port) in enumerate(parsed["nodelist"]):
        try:
            with _connected(host, port, _options(parsed, _SECURED)) as server:
                hello = server.admin.command("hello")
        except PyMongoError:
            # It is not up yet, or out of reach for now.
            continue
        _judge(f"{host}:{port}", hello, asked_set)
        if initiate and place == 0 and hello.get("isreplicaset"):
            login = {"username": parsed["username"], "password": parsed["password"]}
            options = _options(parsed, (*_SECURED, *_LOGIN)) | login
            with _connected(host, port, options) as server:
                _initiate(server, f"{host}:{port}", asked_set or "rs0")


def addresses(settings: Settings) -> str:
    """Return the servers that the address names, without what is secret in it."""
    return ", ".join(f"{host}:{port}" for host, port in parse_uri(settings.mongo_url)["nodelist"])


def _options(parsed: Document, beginnings: tuple[str, ...]) -> Document:
    return {n: v for n, v in parsed["options"].items() if n.lower().startswith(beginnings)}


def _connected(host: str, port: int, options: Document) -> MongoClient[Document]:
    return MongoClient(
        host,
        port,
        directConnection=True,
        serverSelectionTimeoutMS=_ANSWER_MILLISECONDS_MAX,
        timeoutMS=_ANSWER_MILLISECONDS_MAX,
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
    except PyMongoError:
        # It has gone away in between; the caller looks again.
        return
