"""The composition root: builds clients and wires rooms together. It alone knows them all."""

import atexit
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, Protocol

import structlog
from flask import Flask

from inventory import limits
from inventory.api import (
    context,
    documentation,
    events,
    health,
    integrity,
    keys,
    overview,
    problems,
    products,
    purchases,
    rates,
    rehearsals,
    requests,
    reservations,
    session,
    stock,
    stocktakes,
    transfers,
    webhooks,
)
from inventory.api.admission import Admission
from inventory.api.browsers import Browsers
from inventory.api.proxies import NamedProxies
from inventory.api.reads import ProductReads
from inventory.api.service import Service
from inventory.cache import connection
from inventory.cache.rates import Rates
from inventory.cache.store import VersionedStore
from inventory.errors import StorageUnavailable
from inventory.measuring import Measuring
from inventory.overview import Overview
from inventory.repository import mongo, schema
from inventory.repository.diagnosis import addresses, look_at_servers
from inventory.repository.pooling import PoolWatch
from inventory.repository.standing import StandingRepository
from inventory.services.rehearsing import Rehearsing
from inventory.services.webhooks import Webhooks
from inventory.settings import Settings
from inventory.stock.engine import StockEngine
from inventory.stock.sweeper import Sweeper
from inventory.telemetry import logs
from inventory.telemetry.health import Health
from inventory.telemetry.metrics import Metrics
from inventory.telemetry.sampler import Sampler
from inventory.web import pages
from inventory.wiring import Rooms, webhooks_of

_RESOURCES = "inventory.resources"
_log = structlog.get_logger(__name__)


class Instruments(Protocol):
    """What watches the service from outside, and nothing inside knows."""

    def watch(self, app: Service) -> None:
        """Watch the requests of an app that is otherwise complete."""

    def engine(self, *parts: Any) -> StockEngine:
        """Build the stock engine of its parts."""
        ...

    def mongo_listeners(self) -> Sequence[mongo.Listener]:
        """Return what hears of the commands to MongoDB."""
        ...

    def watch_redis(self, client: Any) -> None:
        """Watch a client of Redis."""

    def close(self) -> None:
        """Tell what is left to tell."""


def create_app(settings: Settings, instruments: Instruments | None = None) -> Flask:
    """Build the service for this process, after any fork.

    Without `instruments` nothing is wrapped for them.

    Raises `DatabaseNotReady` if the database lacks what the service relies on, and `SettingsError`
    for an address that is none. If MongoDB is away for now, the app begins all the same: it answers
    503, and touches no data, until it has found the database prepared.
    """
    logs.configure(settings.log_level)
    resources = ExitStack()
    app = Service("inventory")
    app.config["MAX_CONTENT_LENGTH"] = limits.BODY_BYTES_MAX
    app.url_map.merge_slashes = False
    # What nobody foresaw is logged where it is answered, as JSON and with the request's id.
    app.logger.disabled = True
    wired = _wire(settings, resources, instruments)
    context.install(app, wired)
    problems.register(app)
    requests.register(app)
    rates.register(app, wired.rates)
    if not wired.health.seen_ready:
        requests.hold_back(app)
    selling = (products, transfers, stock, purchases, reservations, stocktakes)
    watching = (integrity, overview, events, keys, session, webhooks, rehearsals)
    showing = (health, documentation, pages)
    for room in (*selling, *watching, *showing):
        app.register_blueprint(room.bp)
    wired.metrics.foresee_refusals(problems.codes())
    admission = Admission(app.wsgi_app, wired.metrics.turned_away)
    wired.metrics.sampled("inventory_requests_working", lambda: admission.working)
    app.surround(lambda _: admission)
    if settings.trusted_proxies:
        app.surround(lambda inner: NamedProxies(inner, settings))
    app.surround(lambda inner: Browsers(inner, settings, wired.metrics.turned_away))
    sampler = Sampler(wired.metrics)
    sampler.start()
    resources.callback(sampler.stop)
    if instruments is not None:
        instruments.watch(app)
    app.extensions[_RESOURCES] = resources
    atexit.register(resources.close)
    return app


def close_app(app: Flask) -> None:
    """Stop what the app does in the background and close its clients, the last opened first."""
    resources: ExitStack = app.extensions[_RESOURCES]
    resources.close()


def _wire(
    settings: Settings, resources: ExitStack, instruments: Instruments | None
) -> context.Context:
    if instruments is not None:
        resources.callback(instruments.close)
    pool = PoolWatch()
    listeners = instruments.mongo_listeners() if instruments else ()
    client = mongo.connect(settings, [pool, *listeners])
    resources.callback(client.close)
    database = mongo.open_database(client, settings)

    metrics = Metrics()
    redis_client = connection.connect(settings)
    if instruments is not None and redis_client is not None:
        instruments.watch_redis(redis_client)
    redis = connection.Connection(redis_client, metrics.cache_event)
    store = VersionedStore(redis, mongo.time_left)
    resources.callback(store.close)
    health = Health(
        partial(schema.check_database, database),
        None if settings.redis_url == "off" else store.connection.available,
    )
    _look_at_database(health, settings)
    rooms = Rooms(
        client,
        database,
        lambda catalogue: ProductReads(catalogue, store),
        metrics,
        instruments.engine if instruments else StockEngine,
    )
    hooks = webhooks_of(database, rooms.clock, settings.webhook_networks)
    measuring = Measuring(metrics, health, database, redis)
    measuring.of_process(settings, rooms.engine, pool)
    standing = StandingRepository(database, rooms.clock)
    measuring.of_database(standing)
    measuring.of_events(rooms.events.progress)
    measuring.of_webhooks(hooks.load)
    rehearsing = rooms.rehearsing_for(rooms.publisher)
    _sweep(rooms, rehearsing, health, resources)
    seen = Overview(store, metrics, standing, hooks.load, measuring.mongodb_serves)
    return _context(settings, rooms, hooks, rehearsing, health, metrics, seen, Rates(redis))


def _sweep(
    rooms: Rooms[ProductReads], rehearsing: Rehearsing, health: Health, resources: ExitStack
) -> None:
    """Begin to clear up after processes that died, until the app is closed."""
    chores = [rooms.publisher.publish_doubtful, rehearsing.tidy]
    sweeper = Sweeper(rooms.archive, rooms.engine, health.require, chores)
    sweeper.start()
    resources.callback(sweeper.stop)
    resources.callback(rehearsing.stop)


def _context(
    settings: Settings,
    rooms: Rooms[ProductReads],
    hooks: Webhooks,
    rehearsing: Rehearsing,
    health: Health,
    metrics: Metrics,
    seen: Overview,
    rated: Rates,
) -> context.Context:
    """Gather what the views call."""
    return context.Context(
        settings=settings,
        catalogue=rooms.catalogue,
        purchasing=rooms.purchasing,
        reserving=rooms.reserving,
        counting=rooms.counting,
        adjusting=rooms.adjusting,
        auditing=rooms.auditing,
        events=rooms.events,
        importing=rooms.importing_for(rooms.publisher),
        exporting=rooms.exporting,
        keyring=rooms.keyring,
        sessions=rooms.sessions,
        webhooks=hooks,
        rehearsing=rehearsing,
        reads=rooms.publisher,
        health=health,
        metrics=metrics,
        rates=rates.RequestRates(settings, rated, metrics.request_limited),
        overview=seen,
        time_limit=mongo.time_limit,
    )


def _look_at_database(health: Health, settings: Settings) -> None:
    """Raise `DatabaseNotReady` unless the database is ready, or may become so by itself."""
    try:
        health.check_database()
    except StorageUnavailable:
        look_at_servers(settings)
        _log.warning("waiting_for_database", servers=addresses(settings))
