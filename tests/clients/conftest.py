"""The service as clients meet it: a process that wants keys, and a proxy that loses answers."""

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import requests

from inventory.bookkeeping import opened
from inventory.domain.keys import PUBLISHABLE_SCOPES, Scope
from inventory.local.servers import free_port
from inventory.repository.schema import prepare_database
from inventory.serving import gunicorn_command
from inventory.settings import Settings
from inventory_client import InventoryClient, Patience, Product
from loadtests import service
from tests.clients.flaky import Proxy, proxy_before

PAGE = "https://shop.example"
# Waits little, so that the tests do: what is waited for is the same.
HASTY = Patience(attempt_seconds=10.0, backoff_seconds=0.001, backoff_seconds_max=0.01)


@dataclass(frozen=True, slots=True)
class Service:
    """Where the service is, and keys to it."""

    url: str
    port: int
    secret: str
    publishable: str


@pytest.fixture(scope="session", name="service")
def _service(database_settings: Settings, servers_directory: Path) -> Iterator[Service]:
    """The service with one worker; nobody empties its database, so tests make what they need."""
    settings = replace(database_settings, mongo_database="inventory_test_clients")
    prepare_database(settings, wait_seconds=30)
    with opened(settings) as books:
        _, secret = books.keyring.issue("server", [Scope.ADMIN])
        _, publishable = books.keyring.issue("page", sorted(PUBLISHABLE_SCOPES), publishable=True)
    port = free_port()
    environ = {
        **os.environ,
        "PORT": str(port),
        "MONGO_URL": settings.mongo_url,
        "REDIS_URL": settings.redis_url,
        "INVENTORY_MONGO_DATABASE": settings.mongo_database,
        "INVENTORY_WORKERS": "1",
        "INVENTORY_AUTH": "on",
        "INVENTORY_CORS_ORIGINS": PAGE,
    }
    log = servers_directory / "clients.log"
    with service.serving("The service", gunicorn_command(), port, environ, log) as server:
        yield Service(server.url, port, secret, publishable)


@pytest.fixture(scope="session", name="document")
def _document(service: Service) -> dict:
    """The OpenAPI document, as the service serves it."""
    return requests.get(f"{service.url}/openapi.json", timeout=10).json()


@pytest.fixture(scope="session", name="proxy")
def _proxy(service: Service) -> Iterator[Proxy]:
    with proxy_before(service.port) as proxy:
        yield proxy


@pytest.fixture(name="shop")
def _shop(service: Service) -> Iterator[InventoryClient]:
    """A client with nothing between it and the service."""
    with InventoryClient(service.url, service.secret, patience=HASTY) as shop:
        yield shop


@dataclass(frozen=True, slots=True)
class Behind:
    """A client behind the proxy, and what the proxy saw of it."""

    shop: InventoryClient
    seen: Callable[[], list[dict]]

    def fates(self) -> list[str]:
        """Return what became of its requests, one after the other."""
        return [request["fate"] for request in self.seen()]

    def keys(self) -> set[str | None]:
        """Return the idempotency keys that it sent."""
        return {request["key"] for request in self.seen()}


@pytest.fixture(name="behind")
def _behind(service: Service, proxy: Proxy) -> Iterator[Callable[..., Behind]]:
    """Return a client whose requests have fates, such as `behind("drop-busy")`."""
    shops = []

    def behind(fates: str, patience: Patience = HASTY) -> Behind:
        script = f"{uuid.uuid4().hex}~{fates}"
        shop = InventoryClient(
            proxy.url(script), service.secret, patience=patience, connections_kept=100
        )
        shops.append(shop)
        return Behind(shop, lambda: proxy.seen(script))

    yield behind
    for shop in shops:
        shop.close()


@pytest.fixture(name="create")
def _create(shop: InventoryClient) -> Callable[..., Product]:
    """Create a product with a stock of 5 unless told otherwise."""

    def create(stock: int = 5, **terms: object) -> Product:
        return shop.create_product("Air Runner", "19.90", stock, **terms)  # type: ignore[arg-type]  # of a test's own choice

    return create
