"""One value for many who ask often: made at most about so often, wherever they ask.

Whoever asks first makes it and hands it to the other processes through Redis; within a process, who
comes meanwhile waits for it. Without Redis each process makes its own, as seldom.
"""

import threading
import time
from collections.abc import Callable

from inventory.cache.store import Lease, VersionedStore
from inventory.cache.values import PREFIX, Versioned


class Shared:
    """The value under one name, which is never older than `seconds`. It is not counted as a read.

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
        self._made = b""
        self._made_until = 0.0

    def read(self) -> bytes:
        """Return the value."""
        with self._lock:
            if time.monotonic() < self._made_until:
                return self._made
            (known,) = self._store.fetch([self._key])
            found = known or self._store.fetch_or_lease(self._key)
            return self._make_for_all(found) if isinstance(found, Lease) else found.body

    def _make_for_all(self, lease: Lease) -> bytes:
        until = time.monotonic() + self._seconds
        seen = self._store.glimpse()
        try:
            self._made = self._make()
            self._made_until = until
            self._store.offer({self._key: (Versioned(0, self._made), self._seconds)}, seen)
        finally:
            self._store.release(lease)
        return self._made
