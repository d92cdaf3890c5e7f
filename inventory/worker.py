"""The gevent worker of gunicorn, which also lets go of idle connections when it is told to stop.

gunicorn's own waits for kept-alive connections on which nothing happens until its grace is used up,
and cuts them then. This one gives them a moment: a request that is on its way is still answered,
with `Connection: close`; an idle connection is closed. Knows gunicorn and gevent, not the service.
"""

from types import FrameType
from typing import Any

import gevent
from gunicorn.workers.ggevent import GeventWorker

# Long enough for a request that was sent before the client could know; short for who waits.
LINGER_SECONDS = 1.0


class DrainingGeventWorker(GeventWorker):
    """A gevent worker that stops within seconds, however many idle connections it holds."""

    def init_process(self) -> None:
        """Start the worker; runs in the new process."""
        self._waits: set[_RequestWait] = set()
        super().init_process()

    def timeout_ctx(self) -> "_RequestWait":
        """Bound the wait for the next request of a connection."""
        seconds = float(self.cfg.keepalive) if self.alive else LINGER_SECONDS
        return _RequestWait(seconds, self._waits)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop accepting, finish what is running, and let idle connections go."""
        super().handle_exit(sig, frame)
        for wait in tuple(self._waits):
            wait.shorten(LINGER_SECONDS)


class _RequestWait(gevent.Timeout):
    """A time limit that can be shortened from outside while its greenlet waits.

    Leaving the `with` block closes the timer, so it can never strike a request that has begun.
    """

    def __init__(self, seconds: float, waits: "set[_RequestWait]") -> None:
        super().__init__(seconds, False)
        self._waits = waits
        self._greenlet = gevent.getcurrent()
        self.timer: Any

    def start(self) -> None:
        self._waits.add(self)
        super().start()

    def close(self) -> None:
        self._waits.discard(self)
        super().close()

    def shorten(self, seconds: float) -> None:
        self.timer.stop()
        self.timer.close()
        self.timer = gevent.get_hub().loop.timer(seconds)
        self.timer.start(self._on_expiration, self._greenlet, self, update=True)
