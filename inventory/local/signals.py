"""Turn Ctrl-C, TERM and a closed terminal into one orderly end; nothing but that."""

import os
import select
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# A terminal and `make` may pass on the same wish twice; only a later signal is a new one.
SAME_WISH_SECONDS = 1.0
STDOUT = 1


class StopRequested(BaseException):
    """Somebody asked for the end. Not an error, so `except Exception` does not swallow it."""


class StopSignals:
    """Remembers the signals of this process from its construction on, and when they came.

    A signal interrupts nothing but what runs inside `interrupting()`; everything else asks
    `check()`, so that no child can get lost between its start and its registration.
    """

    def __init__(self) -> None:
        self._first_at: float | None = None
        self._impatient = False
        self._interrupting = False
        self._terminal = select.poll()
        signal.signal(signal.SIGINT, self._receive)
        signal.signal(signal.SIGTERM, self._receive)
        # `nohup` ignores SIGHUP on purpose.
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._receive)
            # A terminal that is closed tells only the first process in it, which may be a `make`
            # that waits for this one.
            if os.isatty(STDOUT):
                self._terminal.register(STDOUT, select.POLLHUP)

    def check(self) -> None:
        """Raise `StopRequested` if a signal has come, or the terminal is gone."""
        if self._first_at is not None or self._terminal_is_gone():
            raise StopRequested

    def _terminal_is_gone(self) -> bool:
        return any(event & select.POLLHUP for _, event in self._terminal.poll(0))

    def is_impatient(self) -> bool:
        """Tell whether somebody asked again while the end was under way."""
        return self._impatient

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Let a signal raise `StopRequested` at once inside the block."""
        self._interrupting = True
        try:
            self.check()
            yield
        finally:
            self._interrupting = False

    def _receive(self, _number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._first_at is None:
            self._first_at = now
        elif now - self._first_at > SAME_WISH_SECONDS:
            self._impatient = True
        if self._interrupting:
            self._interrupting = False
            raise StopRequested
