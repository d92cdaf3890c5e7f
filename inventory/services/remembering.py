"""What the database said a moment ago, so that hardly any request waits for it because of that.

What is remembered holds for less than a second, so whatever is taken back is so everywhere in time.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from inventory import limits
from inventory.errors import StorageUnavailable, Unavailable

Name = TypeVar("Name")
Found = TypeVar("Found")


@dataclass(slots=True)
class _Known(Generic[Found]):
    """What the database said, when, and when it is asked again (monotonic clock)."""

    found: Found
    at: float
    until: float

    @property
    def is_trusted(self) -> bool:
        """Tell whether this holds as long as the database cannot be asked."""
        return time.monotonic() - self.at < limits.KEY_TRUSTED_SECONDS


class Memory(Generic[Name, Found]):
    """What there is under each name, as the database said; that there is nothing as well."""

    def __init__(self, find: Callable[[Name], Found]) -> None:
        self._find = find
        self._known: OrderedDict[Name, _Known[Found]] = OrderedDict()
        self._loading: dict[Name, threading.Event] = {}
        self._lock = threading.Lock()

    def last(self, name: Name) -> Found | None:
        """Return what the database said when it was last asked, None if it never was."""
        known = self._known.get(name)
        return None if known is None else known.found

    def has_met(self, name: Name) -> bool:
        """Tell whether the database was asked for this name before."""
        return name in self._known

    def recall(self, name: Name) -> Found:
        """Return what there is under a name.

        Raises `StorageUnavailable` if the database cannot say. While it cannot, nobody can take
        anything back either: what it said last holds for `limits.KEY_TRUSTED_SECONDS`.
        """
        known = self._known.get(name)
        if known is None or time.monotonic() > known.until:
            known = self._ask(name, known)
        return known.found

    def correct(self, change: Callable[[Found], Found]) -> None:
        """Put right what is remembered, here and at once."""
        with self._lock:
            for known in self._known.values():
                known.found = change(known.found)

    def _ask(self, name: Name, known: _Known[Found] | None) -> _Known[Found]:
        """Ask the database once, however many wait for the same answer."""
        with self._lock:
            loading = self._loading.get(name)
            mine = loading is None
            if loading is None:
                loading = self._loading[name] = threading.Event()
        if not mine:
            loading.wait(limits.MONGO_TIMEOUT_SECONDS)
            found = self._known.get(name)
            if found is None or (found is known and not found.is_trusted):
                raise StorageUnavailable
            return found
        try:
            return self._load(name)
        except Unavailable:
            if known is None or not known.is_trusted:
                raise
            known.until = time.monotonic() + limits.KEY_KNOWN_SECONDS
            return known
        finally:
            with self._lock:
                del self._loading[name]
            loading.set()

    def _load(self, name: Name) -> _Known[Found]:
        asked_at = time.monotonic()
        known = _Known(self._find(name), asked_at, asked_at + limits.KEY_KNOWN_SECONDS)
        with self._lock:
            self._known[name] = known
            self._known.move_to_end(name)
            while len(self._known) > limits.KEYS_KNOWN_MAX:
                self._known.popitem(last=False)
        return known
