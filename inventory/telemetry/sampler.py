"""Lets the other processes know, now and then, how this one stands."""

import threading

from inventory import limits
from inventory.telemetry.metrics import Metrics


class Sampler:
    """A thread of this process; only where others tell what this one counts."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def start(self) -> None:
        """Begin, if anybody else tells what this process counts."""
        if self._metrics.shares:
            self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(limits.SAMPLE_SECONDS):
            self._metrics.sample()
