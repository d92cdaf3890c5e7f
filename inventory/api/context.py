"""What the views call: the services of this app, put there by the composition root."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app

from inventory.api.rates import RequestRates
from inventory.api.reads import ProductReads
from inventory.services.adjusting import Adjusting
from inventory.services.auditing import Auditing
from inventory.services.catalogue import Catalogue
from inventory.services.counting import Counting
from inventory.services.events import Events
from inventory.services.exporting import Exporting
from inventory.services.importing import Importing
from inventory.services.keys import Keyring
from inventory.services.purchasing import Purchasing
from inventory.services.rehearsing import Rehearsing
from inventory.services.reserving import Reserving
from inventory.services.sessions import Sessions
from inventory.services.webhooks import Webhooks
from inventory.settings import Settings
from inventory.telemetry.health import Health
from inventory.telemetry.metrics import Metrics

_NAME = "inventory"


@dataclass(frozen=True, slots=True)
class Context:
    """Everything that a view may use. `time_limit` bounds the database calls of a request.

    `overview` answers with JSON.
    """

    settings: Settings
    catalogue: Catalogue
    purchasing: Purchasing
    reserving: Reserving
    counting: Counting
    adjusting: Adjusting
    auditing: Auditing
    events: Events
    importing: Importing
    exporting: Exporting
    keyring: Keyring
    sessions: Sessions
    webhooks: Webhooks
    rehearsing: Rehearsing
    reads: ProductReads
    health: Health
    metrics: Metrics
    rates: RequestRates
    overview: Callable[[], bytes]
    time_limit: Callable[[float], AbstractContextManager[object]]


def install(app: Flask, installed: Context) -> None:
    """Give the app what its views call."""
    app.extensions[_NAME] = installed


def context_of(app: Flask) -> Context:
    """Return what the views of an app call."""
    return cast(Context, app.extensions[_NAME])


def context() -> Context:
    """Return what the views of the current app call."""
    return context_of(current_app)
