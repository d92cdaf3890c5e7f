"""Collections and indexes: made by one explicit step, checked at every start."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel, MongoClient
from pymongo.database import Database
from pymongo.errors import OperationFailure, PyMongoError

from inventory import limits
from inventory.domain.reservations import State
from inventory.domain.webhooks import DeliveryState
from inventory.errors import DatabaseNotReady
from inventory.repository import mongo
from inventory.repository.diagnosis import STANDALONE, addresses, look_at_servers
from inventory.repository.mongo import Document
from inventory.repository.updates import LOW, SPARE
from inventory.settings import Settings

_HELD = {"state": str(State.HELD)}
_WAITING = {"state": str(DeliveryState.WAITING)}
# Who is not there any more is not looked at after seconds, and forgotten after this.
_DELIVERER_KEEP_SECONDS = 3_600

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
        ),
        # Partial, by what a sale does not change: it writes here only where a product becomes low,
        # or is not any more.
        IndexModel(
            [("closed", ASCENDING), ("_id", ASCENDING)], name="low", partialFilterExpression=LOW
        ),
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
    "reservations": [
        # Lists. Without a state all of them are asked for, and what they find is merged by id.
        IndexModel([("state", ASCENDING), ("_id", DESCENDING)], name="in_state"),
        IndexModel(
            [("lines.product_id", ASCENDING), ("state", ASCENDING), ("_id", DESCENDING)],
            name="of_product",
        ),
        # Partial: whoever has not said who they are has none.
        IndexModel(
            [("customer_id", ASCENDING), ("state", ASCENDING), ("_id", DESCENDING)],
            name="of_customer",
            partialFilterExpression={"customer_id": {"$gt": ""}},
        ),
        # Partial: the rest is only ever asked of open holds.
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
    # Read by their sequence, which is their `_id`; `id` is what they are called outside.
    "events": [
        IndexModel("id", name="by_id", unique=True),
        IndexModel([("product_id", ASCENDING), ("_id", ASCENDING)], name="of_product"),
        IndexModel("derived_at", name="expiry", expireAfterSeconds=int(limits.EVENT_KEEP_SECONDS)),
    ],
    "event_feed": [],
    # Partial: hardly any product waits for a row that is late.
    "event_positions": [
        IndexModel("behind", name="behind", partialFilterExpression={"behind": {"$exists": True}})
    ],
    "api_keys": [IndexModel("digest", name="by_digest", unique=True)],
    # Found by their digest, which is their `_id`.
    "sessions": [IndexModel("expires_at", name="expiry", expireAfterSeconds=0)],
    # A hundred at most, so none is looked for by an index.
    "webhook_endpoints": [],
    # Partial: what is done is not looked through for what waits.
    "webhook_deliveries": [
        IndexModel(
            [("waits_in", ASCENDING), ("sequence", ASCENDING)],
            name="lanes",
            partialFilterExpression={"waits_in": {"$exists": True}},
        ),
        IndexModel(
            [("state", ASCENDING), ("created_at", ASCENDING)],
            name="oldest_waiting",
            partialFilterExpression=_WAITING,
        ),
        IndexModel([("webhook_id", ASCENDING), ("_id", DESCENDING)], name="of_webhook"),
        IndexModel(
            [("webhook_id", ASCENDING), ("state", ASCENDING), ("_id", DESCENDING)],
            name="of_webhook_in_state",
        ),
        IndexModel("created_at", name="expiry", expireAfterSeconds=int(limits.EVENT_KEEP_SECONDS)),
    ],
    "webhook_deliverers": [
        IndexModel("seen_at", name="expiry", expireAfterSeconds=_DELIVERER_KEEP_SECONDS)
    ],
    # Partial: one at a time has the turn, and the database sees to that.
    "rehearsals": [
        IndexModel(
            "turn",
            name="by_turn",
            unique=True,
            partialFilterExpression={"turn": {"$exists": True}},
        ),
        IndexModel(
            "ended_at", name="expiry", expireAfterSeconds=int(limits.REHEARSAL_KEEP_SECONDS)
        ),
    ],
    # Found by their import and number, which are their id.
    "import_batches": [
        IndexModel(
            "created_at", name="expiry", expireAfterSeconds=int(limits.OPERATION_KEEP_SECONDS)
        )
    ],
    "operations": [
        IndexModel(
            "created_at", name="expiry", expireAfterSeconds=int(limits.OPERATION_KEEP_SECONDS)
        )
    ],
}

_POLL_SECONDS = 0.25
_NAMESPACE_EXISTS = 48
_RIGHTS = {"find", "insert", "update"}


def prepare_database(
    settings: Settings, *, wait_seconds: float, initiate_replica_set: bool = False
) -> None:
    """Make the collections and indexes, after waiting up to `wait_seconds` for a primary.

    Repeating it changes nothing; several may do it at once. With `initiate_replica_set`, a server
    that was started with `--replSet` and never initiated becomes a one-node replica set. Raises
    `DatabaseNotReady`.
    """
    client = mongo.connect(settings)
    with client, _explained(settings):
        _await_primary(settings, client, time.monotonic() + wait_seconds, initiate_replica_set)
        database = mongo.open_database(client, settings)
        with mongo.time_limit(max(wait_seconds, 30)):
            existing = set(database.list_collection_names())
            for name, indexes in INDEXES.items():
                if name not in existing:
                    _create(database, name)
                if indexes:
                    database[name].create_indexes(indexes)
            _keep_spare(database)


def _keep_spare(database: Database[Document]) -> None:
    """Write what earlier releases, which may still be selling, do not write of counters."""
    wrong = {"$expr": {"$ne": ["$spare", SPARE]}}
    database["stock"].update_many(wrong, [{"$set": {"spare": SPARE}}])


def _create(database: Database[Document], name: str) -> None:
    """Make a collection, unless another instance has just been quicker."""
    try:
        database.create_collection(name, check_exists=False)
    except OperationFailure as error:
        if error.code != _NAMESPACE_EXISTS:
            raise


def check_database(database: Database[Document]) -> None:
    """Raise `DatabaseNotReady` unless this is a replica set that holds every index and may be used.

    Raises `StorageUnavailable` while MongoDB does not answer.
    """
    with mongo.reading():
        if "setName" not in database.command("hello"):
            raise DatabaseNotReady(STANDALONE)
        if not _may_write(database):
            raise DatabaseNotReady(mongo.NO_RIGHTS)
        missing = [
            f"{name}.{index['name']}"
            for name, indexes in INDEXES.items()
            if indexes
            for index in _missing(indexes, database[name].index_information())
        ]
    if missing:
        raise DatabaseNotReady(
            f"The database lacks the indexes {', '.join(missing)}. "
            "Run `python -m inventory prepare` once before the service starts."
        )


def _may_write(database: Database[Document]) -> bool:
    """Tell whether the user that we are may write; a server without users lets everybody."""
    status = database.command("connectionStatus", showPrivileges=True)["authInfo"]
    granted = [
        privilege["resource"]
        for privilege in status["authenticatedUserPrivileges"]
        if set(privilege["actions"]) >= _RIGHTS
    ]
    return not status["authenticatedUsers"] or all(
        any(
            resource.get("anyResource")
            or (resource.get("db") in ("", database.name) and resource["collection"] in ("", name))
            for resource in granted
        )
        for name in INDEXES
    )


def _missing(indexes: Iterable[IndexModel], found: Mapping[str, Any]) -> Iterator[Document]:
    """Return those of the indexes that are not there, or are there by name only."""
    for model in indexes:
        wanted = model.document
        index = found.get(wanted["name"], {})
        same_key = index.get("key") == list(wanted["key"].items())
        if not same_key or index.get("unique", False) != wanted.get("unique", False):
            yield wanted


def _await_primary(
    settings: Settings, client: MongoClient[Document], deadline: float, initiate: bool
) -> None:
    while True:
        try:
            hello = client.admin.command("hello")
        except PyMongoError as error:
            if (refused := mongo.refusal(error)) is not None:
                raise refused from error
            look_at_servers(settings, initiate=initiate)
            if time.monotonic() >= deadline:
                raise
            time.sleep(_POLL_SECONDS)
        else:
            if "setName" not in hello:
                raise DatabaseNotReady(STANDALONE)
            return


@contextmanager
def _explained(settings: Settings) -> Iterator[None]:
    try:
        yield
    except PyMongoError as error:
        if (refused := mongo.refusal(error)) is not None:
            raise refused from error
        if isinstance(error, OperationFailure):
            details = (error.details or {}).get("errmsg", "")
            raise DatabaseNotReady(f"MongoDB refused to be prepared: {details}") from error
        raise DatabaseNotReady(
            f"MongoDB at {addresses(settings)} has no primary that answers. Is it running, with "
            "--replSet, and is the replica set initiated?"
        ) from error
