"""Serves one endpoint while its lease lasts: makes deliveries of events, and sends what is due.

Every product is a lane: of its deliveries only the oldest one that waits is sent, so a product's
events arrive in their order. Lanes go on beside each other, and one that is stuck holds up no
other. Who lost the lease begins nothing any more; who cannot be sure to be done before it ends
does not begin either.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from random import SystemRandom

import structlog

from inventory import limits
from inventory.domain.events import Event
from inventory.domain.webhooks import (
    Attempt,
    Delivery,
    DeliveryState,
    Outcome,
    PauseReason,
    Webhook,
    WebhookState,
    retry_seconds,
)
from inventory.errors import InventoryError, Unavailable
from inventory.repository.deliveries import delivery_id
from inventory.repository.webhooks import Held
from inventory.webhooks.messages import body_of, headers_of
from inventory.webhooks.sending import Answer
from inventory.webhooks.tools import Tools

_GONE = 410
_RANDOM = SystemRandom()
_log = structlog.get_logger(__name__)


class Service:
    """The service of one endpoint, in threads of its own."""

    def __init__(self, held: Held, until: float, tools: Tools) -> None:
        self._webhook = held.webhook
        self.token = held.token
        self._cursor = held.webhook.cursor
        self._until = until
        self._tools = tools
        self._busy: set[str] = set()
        # How many attempts failed in a row here, and when a success was last written down.
        self._failing = held.webhook.failed_attempts
        self._noted_at = 0.0
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._news = threading.Event()
        self._thread = threading.Thread(target=self._run, name="webhook", daemon=True)

    # --- what its deliverer tells it --------------------------------------------------------------

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def renewed(self, webhook: Webhook, until: float) -> None:
        """Take note of what the endpoint wants now, and until when it may be served."""
        self._webhook, self._until = webhook, until

    def tell(self, newest: int) -> None:
        """Take note of how far events have come."""
        if newest > self._cursor:
            self._news.set()

    def end(self) -> None:
        """Begin nothing any more."""
        self._ended.set()
        self._news.set()

    def lose(self) -> None:
        """Begin nothing any more, because the lease is another's."""
        self._until = 0.0
        self.end()

    @property
    def is_ending(self) -> bool:
        """Tell whether it begins nothing any more."""
        return self._ended.is_set()

    def is_over(self) -> bool:
        """Tell whether nothing is under way any more."""
        return not self._thread.is_alive()

    def join(self, seconds: float) -> None:
        """Wait for what is under way."""
        self._thread.join(seconds)

    # --- what it does -----------------------------------------------------------------------------

    def _run(self) -> None:
        with ThreadPoolExecutor(limits.WEBHOOK_LANES, "webhook-lane") as lanes:
            while not self._ended.is_set():
                more = False
                with self._carefully():
                    more = self._make_deliveries()
                    self._start_lanes(lanes)
                if not more:
                    self._news.wait(self._tools.pace.round_seconds)
                self._news.clear()

    @contextmanager
    def _carefully(self) -> Iterator[None]:
        """Log whatever is raised, and give it a moment: the next round tries again."""
        try:
            yield
            return
        except InventoryError as problem:
            _log.warning("webhook_delayed", webhook_id=self._webhook.id, problem=problem.code)
        except Exception:  # noqa: BLE001 - the endpoint is not to be left alone for it
            _log.exception("webhook_failed", webhook_id=self._webhook.id)
        self._ended.wait(self._tools.pace.round_seconds)

    def _make_deliveries(self) -> bool:
        """Make deliveries of the next events; return whether there may be more of these.

        All of them are there before the first one is sent and before the cursor moves on, so who
        dies in between leaves nothing out of order: the next one begins at the same event.
        """
        events = self._tools.events.after(self._cursor, limits.WEBHOOK_FAN_OUT_EVENTS)
        if not events:
            return False
        now = self._tools.clock.now()
        wanted = [event for event in events if self._webhook.wants(event.type)]
        self._tools.deliveries.add_missing([self._delivery(event, now) for event in wanted])
        newest = events[-1].sequence
        if not self._tools.webhooks.advance(self._webhook.id, self.token, newest):
            self.lose()
            return False
        self._cursor = newest
        return len(events) == limits.WEBHOOK_FAN_OUT_EVENTS

    def _delivery(self, event: Event, now: datetime) -> Delivery:
        return Delivery(
            id=delivery_id(self._webhook.id, event),
            webhook_id=self._webhook.id,
            event_id=event.id,
            type=str(event.type),
            product_id=event.product_id,
            sequence=event.sequence,
            body=body_of(event),
            state=DeliveryState.WAITING,
            created_at=now,
            next_at=now,
        )

    def _start_lanes(self, lanes: ThreadPoolExecutor) -> None:
        """Let lanes go on whose next delivery is due, as many as there is room for."""
        with self._lock:
            busy = set(self._busy)
        room = self._lanes_max() - len(busy)
        if room <= 0 or not self._may_send():
            return
        due = self._tools.deliveries.due_lanes(
            self._webhook.id, self._tools.clock.now(), room + len(busy)
        )
        for lane in [lane for lane in due if lane not in busy][:room]:
            with self._lock:
                self._busy.add(lane)
            lanes.submit(self._go_on, lane)

    def _lanes_max(self) -> int:
        """Return in how many lanes to send at once: where everything fails, one has to do."""
        return limits.WEBHOOK_LANES if self._failing < limits.WEBHOOK_LANES else 1

    def _may_send(self) -> bool:
        """Tell whether what begins now ends before the lease does."""
        needed = self._tools.pace.send_seconds + self._tools.pace.margin_seconds
        in_time = time.monotonic() + needed < self._until
        return in_time and not self._ended.is_set() and self._webhook.state is WebhookState.ACTIVE

    def _go_on(self, lane: str) -> None:
        """Send what waits in a lane, one after another, until one fails or others have to wait."""
        try:
            with self._carefully():
                for _ in range(limits.WEBHOOK_LANE_RUN):
                    delivery = self._tools.deliveries.head(self._webhook.id, lane)
                    if delivery is None or delivery.next_at > self._tools.clock.now():
                        break
                    if not self._deliver(delivery):
                        break
        finally:
            with self._lock:
                self._busy.discard(lane)
            self._news.set()

    def _deliver(self, delivery: Delivery) -> bool:
        """Send a delivery and note what became of it; return whether its lane may go on."""
        webhook, clock = self._webhook, self._tools.clock
        at = clock.now()

        def headers() -> dict[str, str]:
            secrets = webhook.signing_secrets(at)
            return headers_of(delivery.event_id, delivery.body, clock.now(), secrets)

        answer = self._tools.sender.send(webhook.url, delivery.body, headers, self._may_send)
        if answer is None:
            return False
        attempt = Attempt(at, answer.status, answer.failure, answer.duration_ms, answer.excerpt)
        _log.info(
            "webhook_attempt",
            webhook_id=webhook.id,
            delivery_id=delivery.id,
            event_id=delivery.event_id,
            attempt=delivery.tries + 1,
            status=attempt.status,
            failure=attempt.failure,
            milliseconds=attempt.duration_ms,
        )
        self._tools.tally.count(Outcome.DELIVERED if attempt.succeeded else Outcome.FAILED)
        if attempt.succeeded:
            self._insist(lambda: self._succeeded(delivery, attempt))
        else:
            self._insist(lambda: self._failed(delivery, attempt, answer))
        return attempt.succeeded

    def _succeeded(self, delivery: Delivery, attempt: Attempt) -> None:
        self._tools.deliveries.note(delivery, attempt, DeliveryState.DELIVERED)
        now = time.monotonic()
        if self._failing or now - self._noted_at > limits.WEBHOOK_SUCCESS_SECONDS:
            self._tools.webhooks.succeeded(self._webhook.id, attempt.at)
            self._failing, self._noted_at = 0, now

    def _failed(self, delivery: Delivery, attempt: Attempt, answer: Answer) -> None:
        """Note when to try again, and pause an endpoint that is gone or has long been dead."""
        self._failing += 1
        tools, webhook_id = self._tools, self._webhook.id
        now = tools.clock.now()
        if attempt.status == _GONE:
            tools.deliveries.note(delivery, attempt, DeliveryState.WAITING, now)
            tools.webhooks.pause(webhook_id, PauseReason.GONE, now)
            self._paused(PauseReason.GONE)
            return
        tries, pace = delivery.tries + 1, tools.pace
        wait = retry_seconds(
            pace.retry_seconds, tries, answer.retry_after_seconds, _RANDOM.random()
        )
        state = DeliveryState.FAILED if wait is None else DeliveryState.WAITING
        tools.deliveries.note(delivery, attempt, state, now + timedelta(seconds=wait or 0))
        if tools.webhooks.failed(webhook_id, now, pace.dead_seconds, pace.dead_attempts):
            self._paused(PauseReason.FAILING)

    def _paused(self, reason: PauseReason) -> None:
        self._webhook = replace(self._webhook, state=WebhookState.PAUSED)
        _log.warning("webhook_paused", webhook_id=self._webhook.id, reason=reason)

    def _insist(self, note: Callable[[], None]) -> None:
        """Note what became of an attempt, again and again while the lease lasts.

        What is not noted is sent once more by whoever comes next.
        """
        while True:
            try:
                note()
                return
            except Unavailable:
                if time.monotonic() > self._until:
                    raise
                time.sleep(self._tools.pace.tick_seconds)
