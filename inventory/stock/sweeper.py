"""Tidies up in the background: tails that were left alone, holds that have run out, and the like.

Nothing depends on it for being right, only for being tidy: whoever needs units of an expired hold
takes them back, and whoever reads a ledger completes it first.
"""

import random
import threading
from collections.abc import Callable, Sequence

import structlog

from inventory import limits
from inventory.errors import InventoryError
from inventory.stock.archive import Archive
from inventory.stock.engine import StockEngine

_RANDOM = random.SystemRandom()
_log = structlog.get_logger(__name__)


class Sweeper:
    """A thread of this process that tidies up every few seconds, unless `require` raises.

    It does the `chores` of others as well, after its own.
    """

    def __init__(
        self,
        archive: Archive,
        engine: StockEngine,
        require: Callable[[], None] = lambda: None,
        chores: Sequence[Callable[[], object]] = (),
    ) -> None:
        self._archive = archive
        self._engine = engine
        self._require = require
        self._chores = chores
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)

    def start(self) -> None:
        """Begin; the first round comes after one interval."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the round that is under way."""
        self._stopped.set()
        self._thread.join(limits.REQUEST_SECONDS_MAX)

    def _run(self) -> None:
        while not self._stopped.wait(self._pause_seconds()):
            self.sweep()

    def _pause_seconds(self) -> float:
        # Jitter keeps the processes from sweeping the same products at the same moment.
        return limits.SWEEP_INTERVAL_SECONDS * _RANDOM.uniform(0.75, 1.25)

    def sweep(self) -> None:
        """Tidy up once; trouble is logged and left for the next round."""
        try:
            self._require()
            settled = self._archive.settle_stale()
            if settled:
                # Who left them may have died before it could tell the cache.
                self._engine.publish_current(settled)
            while self._engine.expire_due():
                pass
            for chore in self._chores:
                chore()
        except InventoryError as problem:
            _log.warning("sweep_failed", problem=problem.code, detail=problem.message)
        except Exception:  # noqa: BLE001 - see below
            # The sweeper is what repairs others: it may not die of anything.
            _log.exception("sweep_failed")
