"""One value for many who ask often: made at most about so often, wherever they ask.

Whoever asks first makes it and hands it to the other processes through Redis; within a process, who
comes meanwhile waits for it. Without Redis each process makes its own, as seldom.
"""

import threading
import time
from collections.abc import Callable

from inventory.cache.leases import Lease
from inventory.cache.store import VersionedStore
from inventory.cache.values import PREFIX, Versioned

# What another process has made is not asked for again before this; how old it is, nobody knows.
_TAKEN_SECONDS = 0.5


class Shared:
    """The value under one name, half a second older than `seconds` at most. Counts as no read.

    What `make` raises reaches whoever made it; the next one tries again.
    """

    def __init__(
        self, store: VersionedStore, name: str, seconds: float, make: Callable[[], bytes]
    ) -> None:
        self._store = store
        self._key = PREFIX + name
        self._seconds = seconds
        self._make = make
        self._lock = threading.Lock()
        self._kept = b""
        self._kept_until = 0.0

    def read(self) -> bytes:
        """Return the value."""
        with self._lock:
            if time.monotonic() >= self._kept_until:
                self._kept, self._kept_until = self._find()
            return self._kept

    def _find(self) -> tuple[bytes, float]:
        """Return the value, and until when it is kept here."""
        now = time.monotonic()
        (known,) = self._store.fetch([self._key])
        found = known or self._store.leases.await_or_take(self._key)
        if isinstance(found, Lease):
            return self._make_for_all(found), now + self._seconds
        return found.body, now + min(self._seconds, _TAKEN_SECONDS)

    def _make_for_all(self, lease: Lease) -> bytes:
        seen = self._store.glimpse()
        try:
            made = self._make()
            self._store.offer({self._key: (Versioned(0, made), self._seconds)}, seen)
        finally:
            self._store.leases.release([lease])
        return made
