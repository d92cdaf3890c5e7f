"""The composition root: builds clients and wires rooms together. It alone knows them all."""

import atexit
from contextlib import ExitStack, suppress
from functools import partial

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from inventory import limits
from inventory.api import context, documentation, health, problems, products, requests, stock
from inventory.api.reads import ProductReads
from inventory.cache import connection
from inventory.cache.store import VersionedStore
from inventory.errors import StorageUnavailable
from inventory.repository import mongo, schema
from inventory.repository.movements import MovementRepository
from inventory.repository.operations import OperationRepository
from inventory.repository.products import ProductRepository
from inventory.repository.purchases import PurchaseRepository
from inventory.repository.stock import StockRepository
from inventory.services.adjusting import Adjusting
from inventory.services.catalogue import Catalogue
from inventory.services.changing import Changes
from inventory.services.purchasing import Purchasing
from inventory.settings import Settings
from inventory.stock.archive import Archive
from inventory.stock.engine import StockEngine
from inventory.stock.recovery import Recovery
from inventory.stock.sweeper import Sweeper
from inventory.telemetry import logs
from inventory.telemetry.health import Health

_RESOURCES = "inventory.resources"


def create_app(settings: Settings) -> Flask:
    """Build the service for this process, after any fork.

    Raises `DatabaseNotReady` if the database lacks what the service relies on. If MongoDB is away
    for now, the app begins all the same and answers 503 until it is back.
    """
    logs.configure(settings.log_level)
    resources = ExitStack()
    app = Flask("inventory", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = limits.BODY_BYTES_MAX
    app.url_map.merge_slashes = False
    # What nobody foresaw is logged where it is answered, as JSON and with the request's id.
    app.logger.disabled = True
    context.install(app, _wire(settings, resources))
    problems.register(app)
    requests.register(app)
    for room in (products, stock, health, documentation):
        app.register_blueprint(room.bp)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # how Flask says it is done
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )
    app.extensions[_RESOURCES] = resources
    atexit.register(resources.close)
    return app


def close_app(app: Flask) -> None:
    """Stop what the app does in the background and close its clients, the last opened first."""
    resources: ExitStack = app.extensions[_RESOURCES]
    resources.close()


def _wire(settings: Settings, resources: ExitStack) -> context.Context:
    client = mongo.connect(settings)
    resources.callback(client.close)
    database = mongo.open_database(client, settings)
    with suppress(StorageUnavailable):
        schema.check_database(database)

    clock = mongo.DatabaseClock(database)
    counters = StockRepository(database, clock)
    movements = MovementRepository(database)
    purchases = PurchaseRepository(database)
    operations = OperationRepository(database)
    entries = ProductRepository(database)

    store = VersionedStore(connection.Connection(connection.connect(settings)))
    resources.callback(store.close)
    transactions = mongo.Transactions(client)
    catalogue = Catalogue(transactions, entries, counters, movements, operations, clock)
    reads = ProductReads(catalogue, store)

    archive = Archive(counters, movements, purchases, clock)
    recovery = Recovery(counters, movements, archive)
    engine = StockEngine(counters, operations, archive, recovery, clock, reads)
    changes = Changes(engine, operations, recovery, clock)
    sweeper = Sweeper(archive)
    sweeper.start()
    resources.callback(sweeper.stop)

    return context.Context(
        settings=settings,
        catalogue=catalogue,
        purchasing=Purchasing(changes, purchases, recovery, clock),
        adjusting=Adjusting(changes, entries, counters, movements, archive, clock),
        reads=reads,
        health=Health(
            partial(schema.check_database, database),
            partial(schema.ping_database, database),
            None if settings.redis_url == "off" else store.connection.available,
        ),
        time_limit=mongo.time_limit,
    )
