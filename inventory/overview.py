"""What an operator sees at a glance: what this instance has counted, and how the stores stand.

Part of the composition, as `measuring` is. Many pages ask for it every few seconds, so each part is
made every two seconds at most, and what looks at all counters every thirty, for all who ask.
"""

import hashlib
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, TypeVar

from inventory import limits
from inventory.cache.sharing import Shared
from inventory.cache.store import VersionedStore
from inventory.domain.moments import moment
from inventory.domain.webhooks import Load, WebhookState
from inventory.encoding import encode, joined
from inventory.errors import InventoryError
from inventory.repository import mongo
from inventory.repository.standing import Shelves, StandingRepository
from inventory.telemetry import files
from inventory.telemetry.metrics import Metrics
from inventory.telemetry.totals import BOUNDS

T = TypeVar("T")
_NO_STOCK = encode({"stock": None})


class Overview:
    """One document, as JSON; calling it never fails, and says null where MongoDB says nothing."""

    def __init__(
        self,
        store: VersionedStore,
        metrics: Metrics,
        standing: StandingRepository,
        load: Callable[[], Load],
        mongodb_serves: Callable[[], bool],
    ) -> None:
        self._instance = _instance()
        self._redis = store.connection
        self._metrics = metrics
        self._standing = standing
        self._load = load
        self._mongodb_serves = mongodb_serves
        name, seconds = f"overview:{self._instance}", limits.OVERVIEW_SECONDS
        self._all = Shared(store, name, seconds, self._make)
        self._stores = Shared(store, "overview:stores", seconds, self._make_stores)
        self._stock = Shared(
            store, "overview:stock", limits.OVERVIEW_STOCK_SECONDS, self._make_stock
        )

    def __call__(self) -> bytes:
        """Return how everything stands, or stood two seconds ago."""
        return self._all.read()

    def _make(self) -> bytes:
        counted = self._metrics.totals()
        own = {
            "at": moment(datetime.now(UTC)),
            "instance": self._instance,
            "workers": counted.workers,
            "totals": asdict(counted.totals),
            "purchase_seconds": {"bounds": BOUNDS, "counts": counted.purchase_counts},
        }
        return joined(encode(own), self._stores.read())

    def _make_stores(self) -> bytes:
        """Return what all instances say alike."""
        serves = self._mongodb_serves()
        holds = _asked(self._standing.holds) if serves else None
        load = _asked(self._load) if serves else None
        stand = {
            "holds": holds and asdict(holds),
            "stores": {"mongodb": "ok" if serves else "unavailable", "redis": self._redis_state()},
            "webhooks": load and _webhooks(load),
        }
        return joined(encode(stand), self._stock.read() if serves else _NO_STOCK)

    def _redis_state(self) -> str:
        if not self._redis.exists:
            return "off"
        return "ok" if self._redis.available() else "degraded"

    def _make_stock(self) -> bytes:
        seconds = limits.OVERVIEW_SCAN_SECONDS + limits.SCRAPE_QUERY_SECONDS
        shelves = _asked(self._standing.shelves, seconds)
        return encode({"stock": shelves and _stock(shelves)})


def _asked(read: Callable[[], T], seconds: float = limits.SCRAPE_QUERY_SECONDS) -> T | None:
    """Return what MongoDB says, None if it does not in time."""
    with suppress(InventoryError), mongo.time_limit(seconds):
        return read()
    return None


def _stock(shelves: Shelves) -> Mapping[str, Any]:
    return asdict(shelves) | {"as_of": moment(shelves.as_of)}


def _webhooks(load: Load) -> Mapping[str, Any]:
    states = {str(state): load.webhooks[state] for state in WebhookState}
    return states | {"oldest_waiting_seconds": round(load.oldest_waiting_seconds, 3)}


def _instance() -> str:
    """Return what the workers of an instance are called together, for as long as they count."""
    where = files.directory()
    mark = str(os.getpid()) if where is None else _digest(str(where))
    return f"{socket.gethostname()}-{mark}"


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
