"""Collections and indexes: made by one explicit step, checked at every start."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from pymongo import ASCENDING, DESCENDING, IndexModel, MongoClient
from pymongo.database import Database
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.uri_parser import parse_uri

from inventory import limits
from inventory.domain.reservations import State
from inventory.errors import DatabaseNotReady
from inventory.repository import mongo
from inventory.repository.mongo import Document
from inventory.settings import Settings

_HELD = {"state": str(State.HELD)}

# Every index serves a query of this package; the name says which. A partial index asks whether a
# field exists, not for its type: only that does MongoDB recognise in a query for a value.
INDEXES: dict[str, list[IndexModel]] = {
    "products": [
        IndexModel(
            "sku", name="by_sku", unique=True, partialFilterExpression={"sku": {"$exists": True}}
        ),
        IndexModel([("created_at", DESCENDING), ("_id", DESCENDING)], name="newest"),
        IndexModel([("name_key", ASCENDING), ("_id", ASCENDING)], name="by_name"),
        IndexModel([("price", ASCENDING), ("_id", ASCENDING)], name="by_price"),
        IndexModel([("tags", ASCENDING), ("created_at", DESCENDING)], name="by_tag"),
        IndexModel([("words", ASCENDING), ("created_at", DESCENDING)], name="by_word"),
    ],
    "deleted_products": [],
    # Partial: a product is in it only while its tail holds entries, so the sweeper finds what a
    # dead process left behind without reading the others.
    "stock": [
        IndexModel(
            [("tail_since", ASCENDING), ("_id", ASCENDING)],
            name="untrimmed",
            partialFilterExpression={"tail_since": {"$exists": True}},
        )
    ],
    "movements": [
        IndexModel(
            [("product_id", ASCENDING), ("version", DESCENDING)], name="history", unique=True
        ),
        IndexModel(
            [("product_id", ASCENDING), ("at", DESCENDING), ("version", DESCENDING)], name="as_of"
        ),
    ],
    "purchases": [
        IndexModel([("lines.product_id", ASCENDING), ("_id", DESCENDING)], name="of_product"),
        IndexModel(
            [("customer_id", ASCENDING), ("_id", DESCENDING)],
            name="of_customer",
            partialFilterExpression={"customer_id": {"$exists": True}},
        ),
    ],
    "returns": [
        IndexModel("purchase_id", name="of_purchase"),
        IndexModel("lines.product_id", name="of_product"),
    ],
    # Partial: only open holds are ever looked for by anything but their id.
    "reservations": [
        IndexModel("expires_at", name="due", partialFilterExpression=_HELD),
        IndexModel(
            [("lines.product_id", ASCENDING), ("expires_at", ASCENDING)],
            name="held_of_product",
            partialFilterExpression=_HELD,
        ),
        IndexModel(
            [("customer_id", ASCENDING), ("lines.product_id", ASCENDING)],
            name="held_by_customer",
            partialFilterExpression=_HELD,
        ),
    ],
    "stocktakes": [],
    "operations": [
        IndexModel(
            "created_at", name="expiry", expireAfterSeconds=int(limits.OPERATION_KEEP_SECONDS)
        )
    ],
}

_ALREADY_INITIATED = 23
_POLL_SECONDS = 0.25


def prepare_database(
    settings: Settings, *, wait_seconds: float, initiate_replica_set: bool = False
) -> None:
    """Make the collections and indexes, after waiting up to `wait_seconds` for a primary.

    Repeating it changes nothing. With `initiate_replica_set`, a server that was started with
    `--replSet` and never initiated becomes a one-node replica set. Raises `DatabaseNotReady`.
    """
    client = mongo.connect(settings)
    with client, _explained(settings):
        _await_primary(settings, client, time.monotonic() + wait_seconds, initiate_replica_set)
        database = mongo.open_database(client, settings)
        with mongo.time_limit(max(wait_seconds, 30)):
            existing = set(database.list_collection_names())
            for name, indexes in INDEXES.items():
                if name not in existing:
                    database.create_collection(name)
                if indexes:
                    database[name].create_indexes(indexes)


def ping_database(database: Database[Document]) -> None:
    """Raise `StorageUnavailable` unless a primary answers."""
    with mongo.reading():
        database.command("ping")


def check_database(database: Database[Document]) -> None:
    """Raise `DatabaseNotReady` unless this is a replica set that holds every index.

    Raises `StorageUnavailable` while MongoDB does not answer.
    """
    with mongo.reading():
        hello = database.command("hello")
        if "setName" not in hello:
            raise DatabaseNotReady(_STANDALONE)
        missing = [
            f"{name}.{index.document['name']}"
            for name, indexes in INDEXES.items()
            for index in indexes
            if index.document["name"] not in database[name].index_information()
        ]
    if missing:
        raise DatabaseNotReady(
            f"The database lacks the indexes {', '.join(missing)}. "
            "Run `python -m inventory prepare` once before the service starts."
        )


_STANDALONE = (
    "MongoDB runs as a standalone server, where retried writes and transactions do not exist. "
    "Start mongod with --replSet rs0 and run `python -m inventory prepare "
    "--initiate-replica-set`; one node is enough."
)


def _await_primary(
    settings: Settings, client: MongoClient[Document], deadline: float, initiate: bool
) -> None:
    while True:
        try:
            client.admin.command("ping")
        except PyMongoError:
            _look_directly(settings, initiate)
            if time.monotonic() >= deadline:
                raise
            time.sleep(_POLL_SECONDS)
        else:
            return


def _look_directly(settings: Settings, initiate: bool) -> None:
    """Ask the first server of the URL why there is no primary; initiate its replica set if told so.

    A standalone never becomes a primary, so waiting for it would be in vain.
    """
    parsed = parse_uri(settings.mongo_url)
    host, port = parsed["nodelist"][0]
    direct: MongoClient[Document] = MongoClient(
        host,
        port,
        directConnection=True,
        serverSelectionTimeoutMS=1_000,
        username=parsed["username"],
        password=parsed["password"],
    )
    with direct:
        try:
            hello = direct.admin.command("hello")
            if "setName" not in hello and not hello.get("isreplicaset"):
                raise DatabaseNotReady(_STANDALONE)
            if initiate and hello.get("isreplicaset"):
                member = {"_id": 0, "host": f"{host}:{port}"}
                name = parsed["options"].get("replicaSet", "rs0")
                direct.admin.command("replSetInitiate", {"_id": name, "members": [member]})
        except OperationFailure as error:
            if error.code != _ALREADY_INITIATED:
                raise
        except PyMongoError:
            # It is not up yet; the caller waits and asks again.
            return


@contextmanager
def _explained(settings: Settings) -> Iterator[None]:
    try:
        yield
    except OperationFailure as error:
        details = (error.details or {}).get("errmsg", "")
        raise DatabaseNotReady(f"MongoDB refused to be prepared: {details}") from error
    except PyMongoError as error:
        nodes = ", ".join(f"{h}:{p}" for h, p in parse_uri(settings.mongo_url)["nodelist"])
        raise DatabaseNotReady(
            f"MongoDB at {nodes} has no primary that answers. Is it running, with --replSet, and "
            "is the replica set initiated?"
        ) from error
