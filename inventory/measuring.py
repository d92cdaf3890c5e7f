"""Says where those numbers come from that nobody counts: from this process, or from the stores.

Part of the composition: it knows the rooms that tell, and the metrics, which know none of them.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

from pymongo.database import Database

from inventory import __version__, limits
from inventory.cache.connection import Connection
from inventory.domain.webhooks import Load
from inventory.errors import InventoryError, StorageUnavailable
from inventory.repository import mongo
from inventory.repository.pooling import PoolWatch
from inventory.repository.standing import StandingRepository
from inventory.settings import Settings
from inventory.stock.engine import StockEngine
from inventory.telemetry.exposition import Read, Values
from inventory.telemetry.health import Health
from inventory.telemetry.metrics import Metrics


class Measuring:
    """The sources of a process's metrics.

    MongoDB is asked first whether it serves. While it does not, nobody asks it anything more, so
    that a scrape waits for it once at most.
    """

    def __init__(
        self,
        metrics: Metrics,
        health: Health,
        database: Database[mongo.Document],
        redis: Connection,
    ) -> None:
        self._metrics = metrics
        self._health = health
        self._database = database
        self._redis = redis
        self._serves = False
        metrics.on_scrape(["inventory_build_info"], lambda: _VERSION)
        metrics.on_scrape(["inventory_store_ready"], self._stores)

    def of_process(self, settings: Settings, engine: StockEngine, pool: PoolWatch) -> None:
        """Let the metrics know how this process stands."""
        redis = self._redis
        self._metrics.sampled("inventory_queue_operations", lambda: engine.waiting)
        self._metrics.sampled("inventory_cache_breaker_open", lambda: redis.is_open)
        self._metrics.sampled("inventory_pool_connections", lambda: _connections(pool, redis))
        most: dict[tuple[str, ...], float] = {("mongodb",): settings.mongo_pool_size}
        if redis.exists:
            most["redis",] = settings.redis_pool_size
        self._metrics.sampled("inventory_pool_connections_max", lambda: most)

    def of_database(self, standing: StandingRepository) -> None:
        """Let the metrics know how the database stands."""
        self.asked_of_database(_TAILS, lambda: _of_tails(standing))
        self.asked_of_database(_HOLDS, lambda: _of_holds(standing))

    def of_events(self, progress: Callable[[], tuple[int, float]]) -> None:
        """Let the metrics know how far events have been derived."""
        self.asked_of_database(_EVENTS, lambda: _of_events(progress()))

    def of_webhooks(self, load: Callable[[], Load]) -> None:
        """Let the metrics know how webhooks stand."""
        self.asked_of_database(_WEBHOOKS, lambda: _of_webhooks(load()))

    def asked_of_database(self, names: tuple[str, ...], read: Read) -> None:
        """Let `read` find out these metrics at every scrape, unless MongoDB is away."""

        def read_soon() -> Mapping[str, Values]:
            if not self._serves:
                raise StorageUnavailable
            with _time_limit():
                return read()

        self._metrics.on_scrape(names, read_soon)

    def _stores(self) -> Mapping[str, Values]:
        self._serves = self.mongodb_serves()
        ready: dict[tuple[str, ...], float] = {("mongodb",): float(self._serves)}
        if self._redis.exists:
            ready["redis",] = float(self._redis.available())
        return {"inventory_store_ready": ready}

    def mongodb_serves(self) -> bool:
        """Tell whether a primary answers that was found prepared; all indexes would take long."""
        try:
            with _time_limit(), mongo.reading():
                self._health.require()
                self._database.command("ping")
        except InventoryError:
            return False
        return True


_VERSION: Mapping[str, Values] = {"inventory_build_info": {(__version__,): 1.0}}
_TAILS = (
    "inventory_archive_lag_seconds",
    "inventory_tails",
    "inventory_tail_entries",
    "inventory_tail_entries_max",
)
_HOLDS = ("inventory_reservations_open", "inventory_reservations_overdue")

_EVENTS = ("inventory_events_derived_total", "inventory_events_lag_seconds")
_WEBHOOKS = (
    "inventory_webhook_deliveries_total",
    "inventory_webhook_lag_seconds",
    "inventory_webhook_endpoints",
)


def _time_limit() -> AbstractContextManager[object]:
    return mongo.time_limit(limits.SCRAPE_QUERY_SECONDS)


def _of_tails(standing: StandingRepository) -> Mapping[str, Values]:
    tails = standing.tails()
    values = (tails.oldest_seconds, tails.count, tails.entries, tails.longest)
    return dict(zip(_TAILS, map(float, values), strict=True))


def _of_holds(standing: StandingRepository) -> Mapping[str, Values]:
    holds = standing.holds()
    return dict(zip(_HOLDS, (float(holds.open), float(holds.overdue)), strict=True))


def _of_events(progress: tuple[int, float]) -> Mapping[str, Values]:
    newest, lag_seconds = progress
    return dict(zip(_EVENTS, (float(newest), lag_seconds), strict=True))


def _of_webhooks(load: Load) -> Mapping[str, Values]:
    attempts: Values = {(outcome,): float(count) for outcome, count in load.attempts.items()}
    endpoints: Values = {(str(state),): float(count) for state, count in load.webhooks.items()}
    values = [attempts, load.oldest_waiting_seconds, endpoints]
    return dict(zip(_WEBHOOKS, values, strict=True))


def _connections(mongodb: PoolWatch, redis: Connection) -> Values:
    pools: dict[str, tuple[int, int]] = {"mongodb": (mongodb.in_use, mongodb.idle)}
    if redis.exists:
        pools["redis"] = redis.pool
    return {
        (name, state): float(number)
        for name, numbers in pools.items()
        for state, number in zip(("in_use", "idle"), numbers, strict=True)
    }
