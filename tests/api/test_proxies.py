"""X-Forwarded-* headers are believed of the proxies that an operator named, and of nobody else."""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network

import pytest
from flask import Flask

from inventory.app import close_app, create_app
from inventory.settings import Settings

# Whether the client came by TLS decides about a header of every answer.
TOLD = "Strict-Transport-Security"


@pytest.fixture(name="behind", scope="module")
def _behind(database_settings: Settings) -> Iterator[Flask]:
    networks = (ip_network("10.1.0.0/16"), ip_network("fd00:1::/32"), ip_network("192.0.2.7"))
    app = create_app(replace(database_settings, trusted_proxies=1, proxy_networks=networks))
    yield app
    close_app(app)


@pytest.mark.parametrize(
    "address,believed",
    [
        *[(a, True) for a in ("10.1.0.1", "10.1.255.255", "192.0.2.7", "fd00:1::5", "")],
        *[(a, False) for a in ("10.2.0.1", "192.0.2.8", "127.0.0.1", "fd00:2::1", "8.8.8.8", "x")],
    ],
)
def test_only_named_proxies_are_believed(
    behind: Flask, settings: Settings, address: str, believed: bool
) -> None:
    """Who connects from elsewhere is the client itself, whatever it says."""
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    client = behind.test_client()
    response = client.get("/healthz", headers=headers, environ_overrides={"REMOTE_ADDR": address})
    assert response.status_code == 200
    assert (TOLD in response.headers) == believed


def test_without_proxies_nobody_is_believed(app: Flask, settings: Settings) -> None:
    """Unless an operator says that there is one, every such header is somebody's invention."""
    response = app.test_client().get("/healthz", headers={"X-Forwarded-Proto": "https"})
    assert TOLD not in response.headers
