"""Builds the deliverer of a process from its settings and its database."""

import ssl

from pymongo.database import Database

from inventory.repository.deliveries import DeliveryRepository
from inventory.repository.events import EventRepository
from inventory.repository.mongo import DatabaseClock, Document
from inventory.repository.webhooks import WebhookRepository
from inventory.settings import Settings
from inventory.webhooks.connecting import Connections, Resolve, look_up
from inventory.webhooks.deliverer import Deliverer
from inventory.webhooks.sending import Sender
from inventory.webhooks.tools import Pace, Tally, Tools

_USUAL = Pace()


def build_deliverer(
    settings: Settings,
    database: Database[Document],
    *,
    pace: Pace = _USUAL,
    resolve: Resolve = look_up,
    tls: ssl.SSLContext | None = None,
) -> Deliverer:
    """Return a deliverer that was not started yet.

    `resolve` and `tls` say how names are looked up and whose certificates are believed, if not as
    the machine does.
    """
    connections = Connections(settings.webhook_networks, resolve, tls)
    return Deliverer(
        Tools(
            WebhookRepository(database),
            DeliveryRepository(database),
            EventRepository(database),
            DatabaseClock(database),
            Sender(connections, pace.send_seconds),
            pace,
            Tally(),
        )
    )
