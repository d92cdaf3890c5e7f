"""Mistakes around the protocol: keys, journal, cache, waiting threads, processes."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any
from unittest.mock import patch

from pymongo import WriteConcern
from pymongo.database import Database

from inventory.api.reads import ProductReads
from inventory.cache import store as store_module
from inventory.cache.store import VersionedStore
from inventory.domain.claims import Claim, RequestKey
from inventory.domain.stock import Plan, Snapshot
from inventory.errors import Overloaded
from inventory.repository import mongo
from inventory.repository.movements import MovementRepository
from inventory.repository.operations import OperationRepository
from inventory.repository.purchases import PurchaseRepository
from inventory.services.changing import Changes
from inventory.stock.engine import StockEngine
from inventory.stock.queue import GroupQueue
from tests.faults import checks
from tests.faults.defects import Defect, InCheck
from tests.faults.journalling import check_changes_are_journalled, check_trims_follow_a_majority
from tests.faults.protocol_defects import reading_first


def _without_fingerprint() -> AbstractContextManager[object]:
    real = Claim.of

    def of(_: type[Claim], key: RequestKey, *rest: Any) -> Claim:
        return real(replace(key, fingerprint=""), *rest)

    return patch.object(Claim, "of", classmethod(of))


def _without_journal() -> AbstractContextManager[object]:
    build: Callable[..., Any] = vars(mongo)["MongoClient"]

    def hasty(*arguments: Any, **options: Any) -> Any:
        return build(*arguments, **options | {"journal": False})

    return patch.object(mongo, "MongoClient", hasty)


def _claims_kept_by_one() -> AbstractContextManager[object]:
    real = OperationRepository.__init__

    def init(self: OperationRepository, database: Database[mongo.Document]) -> None:
        real(self, database)
        self._operations = self._operations.with_options(write_concern=mongo.DERIVED)

    return patch.object(OperationRepository, "__init__", init)


def _rows_seen_by_one() -> AbstractContextManager[object]:
    real = MovementRepository.known_ids

    def known_ids(self: MovementRepository, ids: Any, *, majority: bool = False) -> set[str]:
        return real(self, ids)

    return patch.object(MovementRepository, "known_ids", known_ids)


def _purchases_taken_for_granted() -> AbstractContextManager[object]:
    return patch.object(PurchaseRepository, "known_ids", lambda _, ids, session=None: set(ids))


def _settle_as_not_begun(self: GroupQueue[Any, Any], ticket: Any) -> None:
    with self._lock:
        if not (ticket.leads or ticket.woken):
            if ticket in self._waiting:
                self._waiting.remove(ticket)
            ticket.failure = Overloaded()


def _delete(self: VersionedStore, values: Any, _: object) -> None:
    if values:
        self.connection.call(lambda client: client.delete(*values))


@contextmanager
def _any_version_wins() -> Iterator[None]:
    careless = store_module._PUBLISH.replace("newer > 0 or (newer == 0 and body ~= '')", "true")
    assert careless != store_module._PUBLISH
    digest = hashlib.sha1(careless.encode(), usedforsecurity=False).hexdigest()
    with patch.multiple(store_module, _PUBLISH=careless, _PUBLISH_DIGEST=digest):
        yield


@contextmanager
def _guarded_by_the_cache() -> Iterator[None]:
    plan = StockEngine._plan

    def plan_by_cache(self: StockEngine, product_id: str, waiting: Any, snapshot: Snapshot) -> Plan:
        reads = self._publisher
        known = reads.counters(product_id) if isinstance(reads, ProductReads) else None
        if known is not None:
            snapshot = replace(snapshot, available=json.loads(known.body)["stock"])
        return plan(self, product_id, waiting, snapshot)

    with reading_first(), patch.object(StockEngine, "_plan", plan_by_cache):
        yield


OTHER_DEFECTS = (
    Defect(
        "no fingerprint",
        "another request with the same key is answered as the first one was",
        InCheck(checks.check_key_is_for_one_request),
        _without_fingerprint,
    ),
    Defect(
        "no journal",
        "what was answered is lost in a power cut",
        InCheck(check_changes_are_journalled),
        _without_journal,
    ),
    Defect(
        "no journal in transactions",
        "carts, holds and returns are lost in a power cut",
        InCheck(check_changes_are_journalled),
        partial(patch.object, mongo, "DURABLE", WriteConcern(w="majority", j=False)),
    ),
    Defect(
        "claims kept by one server only",
        "after a failover a retry sells again",
        InCheck(check_changes_are_journalled),
        _claims_kept_by_one,
    ),
    Defect(
        "tail trimmed when one server has the rows",
        "after a failover a sale is in neither tail nor ledger",
        InCheck(check_trims_follow_a_majority),
        _rows_seen_by_one,
    ),
    Defect(
        "tail trimmed without a look for the purchase",
        "after a crash a sale has a row and no purchase",
        InCheck(check_trims_follow_a_majority),
        _purchases_taken_for_granted,
    ),
    Defect(
        "a follower's time-out told as a failure",
        "who is told that nothing was changed buys once more",
        InCheck(checks.check_follower_is_told_the_truth),
        partial(patch.object, GroupQueue, "_settle", _settle_as_not_begun),
    ),
    Defect(
        "delete instead of a versioned set",
        "a late reader brings an old stock back into the cache",
        InCheck(checks.check_cache_keeps_the_newest),
        partial(patch.object, VersionedStore, "publish", _delete),
    ),
    Defect(
        "any version wins",
        "a late reader replaces a new stock by an old one",
        InCheck(checks.check_cache_keeps_the_newest),
        _any_version_wins,
    ),
    Defect(
        "the cache is not told of a sale",
        "an old stock is read after a sale was acknowledged",
        InCheck(checks.check_cache_keeps_the_newest),
        partial(patch.object, VersionedStore, "publish", lambda *_: None),
    ),
    Defect(
        "the cache is not told of a replay",
        "an old stock is read after a retry was answered",
        InCheck(checks.check_replay_is_shown),
        partial(patch.object, Changes, "_published", lambda _, result: result),
    ),
    Defect(
        "cache read in the guard",
        "units are sold twice, or refused while they are there",
        InCheck(checks.check_cache_decides_nothing),
        _guarded_by_the_cache,
    ),
    Defect(
        "client shared over a fork",
        "workers share connections and locks, and read each other's answers",
        InCheck(checks.check_clients_are_made_after_the_fork),
        partial(patch.dict, os.environ, GUNICORN_CMD_ARGS="--preload"),
    ),
)
