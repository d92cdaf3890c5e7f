"""A deliverer as a process: `python -m tests.integration.webhook_process URL DATABASE`."""

import signal
import sys
import threading

from inventory.repository import mongo
from inventory.settings import Settings
from inventory.telemetry import logs
from inventory.webhooks.building import build_deliverer
from tests.integration.webhook_stage import LOOPBACK_NETWORKS, MORTAL_PACE


def main(url: str, database: str) -> None:
    """Deliver until somebody asks to stop; say on whose name first."""
    logs.configure("info")
    settings = Settings(mongo_url=url, mongo_database=database, webhook_networks=LOOPBACK_NETWORKS)
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    with mongo.connect(settings) as client:
        opened = mongo.open_database(client, settings)
        deliverer = build_deliverer(settings, opened, pace=MORTAL_PACE)
        print(f"owner {deliverer.owner}", flush=True)  # noqa: T201 - this is how it says so
        deliverer.run(stopped)
    print("stopped", flush=True)  # noqa: T201 - as above


if __name__ == "__main__":
    main(*sys.argv[1:])
