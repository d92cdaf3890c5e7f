"""The deliverer of a process: takes its share of the endpoints, and serves them while it lives.

Any number of deliverers share the endpoints. Each says every second that it is there, makes its
leases last, and takes or gives back endpoints until all have about as many. Whoever dies or freezes
says nothing any more, so its leases run out and others take them.
"""

import secrets
import threading
import time
from collections.abc import Callable

import structlog

from inventory.errors import InventoryError, StorageUnavailable
from inventory.repository.webhooks import Held
from inventory.webhooks.serving import Service
from inventory.webhooks.tools import Tools

_OWNER_BYTES = 8
_log = structlog.get_logger(__name__)


class Deliverer:
    """Delivers events from a thread of its own, or from the one that calls `run`."""

    def __init__(self, tools: Tools) -> None:
        self.owner = secrets.token_hex(_OWNER_BYTES)
        self._tools = tools
        self._pace = tools.pace
        self._services: dict[str, Service] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self.run, name="deliverer", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; wait for what is being sent, and let others go on at once."""
        self._stopped.set()
        self._thread.join(2 * self._pace.send_seconds)

    def run(self, stopped: threading.Event | None = None) -> None:
        """Deliver until `stopped`, then wait for what is being sent and give back all leases."""
        stopped = stopped or self._stopped
        renewed_at = -self._pace.round_seconds
        while not stopped.is_set():
            if time.monotonic() - renewed_at >= self._pace.round_seconds:
                renewed_at = time.monotonic()
                self._carefully(self._share)
                self._carefully(self._tell_outcomes)
            self._carefully(self._tell_news)
            stopped.wait(self._pace.tick_seconds)
        self._end()

    def _carefully(self, step: Callable[[], None]) -> None:
        try:
            step()
        except InventoryError as problem:
            _log.warning("deliverer_delayed", problem=problem.code)
        except Exception:  # noqa: BLE001 - see below
            # It may not die of anything: nobody else of this process delivers.
            _log.exception("deliverer_failed")

    def _tell_news(self) -> None:
        """Wake who has not come as far as the events have."""
        if self._services:
            newest = self._tools.events.newest()
            for service in self._services.values():
                service.tell(newest)

    def _tell_outcomes(self) -> None:
        """Add what became of attempts to what all deliverers have counted."""
        if counts := self._tools.tally.take():
            try:
                self._tools.webhooks.add_outcomes(counts)
            except StorageUnavailable:
                for outcome, times in counts.items():
                    self._tools.tally.count(outcome, times)
                raise

    def _share(self) -> None:
        """Make leases last, and have as many as everybody else."""
        deliverers = self._tools.webhooks.introduce(self.owner, self._pace.lease_seconds)
        self._renew()
        share = -(-self._tools.webhooks.count() // max(deliverers, 1))
        serving = [service for service in self._services.values() if not service.is_ending]
        for service in serving[share:]:
            service.end()
        for _ in range(len(serving), share):
            asked_at = time.monotonic()
            held = self._tools.webhooks.take(self.owner, self._pace.lease_seconds, self._services)
            if held is None:
                break
            self._serve(held, asked_at)

    def _renew(self) -> None:
        asked_at = time.monotonic()
        held = self._tools.webhooks.renew(self.owner, self._pace.lease_seconds)
        until = asked_at + self._pace.lease_seconds
        ours = {one.webhook.id: one for one in held}
        for webhook_id, service in self._services.items():
            mine = ours.get(webhook_id)
            if mine is None or mine.token != service.token:
                service.lose()
            else:
                service.renewed(mine.webhook, until)
        over = {id for id, service in self._services.items() if service.is_over()}
        # Whose taking was not answered is not served either: the lease would last for ever.
        for webhook_id in over | (ours.keys() - self._services.keys()):
            self._tools.webhooks.give_back(webhook_id, self.owner)
            self._services.pop(webhook_id, None)

    def _serve(self, held: Held, asked_at: float) -> None:
        until = asked_at + self._pace.lease_seconds
        self._services[held.webhook.id] = service = Service(held, until, self._tools)
        service.start()

    def _end(self) -> None:
        for service in self._services.values():
            service.end()
        deadline = time.monotonic() + self._pace.send_seconds
        for service in self._services.values():
            service.join(max(0.0, deadline - time.monotonic()))
        self._carefully(self._give_all_back)
        self._carefully(self._tell_outcomes)
        self._tools.sender.close()

    def _give_all_back(self) -> None:
        for webhook_id, service in self._services.items():
            if service.is_over():
                self._tools.webhooks.give_back(webhook_id, self.owner)
        self._tools.webhooks.leave(self.owner)
