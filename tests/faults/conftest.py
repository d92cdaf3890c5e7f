"""Clients for the actors of all schedules."""

from collections.abc import Iterator

import pytest

from inventory.settings import Settings
from tests.faults.world import Clients


@pytest.fixture(name="clients")
def _clients(settings: Settings) -> Iterator[Clients]:
    clients = Clients(settings)
    yield clients
    clients.close()
