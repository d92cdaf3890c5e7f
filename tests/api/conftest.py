"""The app over real stores, called in this process; every test begins with empty stores."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from inventory.api.context import context_of
from inventory.app import close_app, create_app
from inventory.bookkeeping import opened
from inventory.repository import mongo
from inventory.services.keys import Keyring
from inventory.settings import Settings
from tests.api.documented import Call, check, operation_of
from tests.api.support import Books

Create = Callable[..., dict[str, Any]]


@pytest.fixture(name="app", scope="session")
def _app(database_settings: Settings) -> Iterator[Flask]:
    app = create_app(database_settings)
    yield app
    close_app(app)


@pytest.fixture(name="client")
def _client(app: Flask, settings: Settings) -> Iterator[FlaskClient]:
    yield app.test_client()
    # What a request has begun would go on in the next test.
    context_of(app).rehearsing.stop()


@pytest.fixture(name="create")
def _create(client: FlaskClient) -> Create:
    """Create a product with a stock of 5 unless told otherwise; return it as answered."""

    def create(**fields: Any) -> dict[str, Any]:
        body = {"name": "Air Runner", "price": "19.90", "stock": 5} | fields
        response = client.post("/api/products", json=body)
        assert response.status_code == 201, response.json
        product: dict[str, Any] = response.get_json()
        return product

    return create


@pytest.fixture(name="books")
def _books(settings: Settings) -> Iterator[Books]:
    """The database, read past the service."""
    with mongo.connect(settings) as database_client:
        yield Books(mongo.open_database(database_client, settings))


@pytest.fixture(name="flush")
def _flush(settings: Settings) -> Callable[[], None]:
    """Empty Redis, as a restart would."""

    def flush() -> None:
        with Redis.from_url(settings.redis_url) as redis:
            redis.flushall()

    return flush


@pytest.fixture(name="guarded_app", scope="session")
def _guarded_app(database_settings: Settings) -> Iterator[Flask]:
    """The app as it is where others can reach it: requests need an API key.

    Wrong ones are not counted, because tests send many.
    """
    app = create_app(replace(database_settings, auth="on", failed_login_rate=0))
    yield app
    close_app(app)


@pytest.fixture(name="guarded")
def _guarded(guarded_app: Flask, settings: Settings) -> Iterator[FlaskClient]:
    yield guarded_app.test_client()
    context_of(guarded_app).rehearsing.stop()


@pytest.fixture(name="keyring")
def _keyring(settings: Settings) -> Iterator[Keyring]:
    """The keys, as the command line makes them."""
    with opened(settings) as books:
        yield books.keyring


@pytest.fixture(name="document", scope="session")
def _document(app: Flask) -> dict[str, Any]:
    document: dict[str, Any] = app.test_client().get("/openapi.json").get_json()
    return document


@pytest.fixture(name="call")
def _call(app: Flask, client: FlaskClient, document: dict[str, Any]) -> Call:
    """Send a request, check the answer by the document, and return it."""

    def call(method: str, path: str, status: int, code: str | None = None, **sent: Any) -> Any:
        response = client.open(path, method=method, **sent)
        assert response.status_code == status, response.text
        if code is not None:
            assert response.get_json()["code"] == code
        check(document, operation_of(app, document, method, path), response)
        return response

    return call
