"""What stands under a key in Redis: an epoch, a version and a body with its checksum."""

import re
import zlib
from dataclasses import dataclass
from typing import TypeGuard

# Two releases that run side by side tell each other of newer values under the same keys. So what
# one stores in a new form must be rubbish, which is a miss, to the one before. With another number
# neither would hear of the other's sales, for as long as a value lives.
PREFIX = "inventory:v1:"
# Where the epoch stands that values must be of to count.
EPOCH = PREFIX + "epoch"
# The body of a value that says: there is no such thing.
ABSENT = b"null"
# In place of its checksum: earlier releases, which do not know it, must not take it for a body.
_ABSENT_SEAL = b"-absent-"
_PARTS = 3
_CHECKSUM_BYTES = 8
_EPOCH_FORM = re.compile(rb"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Versioned:
    """A value of some version; an empty body says that at this version there is no value."""

    version: int
    body: bytes


def is_epoch(value: object) -> TypeGuard[bytes]:
    """Tell what one of us wrote from what was lost, or overwritten by somebody else."""
    return isinstance(value, bytes) and _EPOCH_FORM.fullmatch(value) is not None


def sealed(body: bytes) -> bytes:
    """Put a checksum before a body: half a value would be worse than none."""
    if body == ABSENT:
        return _ABSENT_SEAL + body
    return b"%08x%b" % (zlib.crc32(body), body) if body else b""


def parse(value: object, epoch: bytes) -> Versioned | None:
    """Return the value that is valid in an epoch, None for rubbish, floors and what is older."""
    if not isinstance(value, bytes):
        return None
    parts = value.split(b":", 2)
    if len(parts) != _PARTS or parts[0] != epoch or not parts[1].isdigit():
        return None
    body = parts[2][_CHECKSUM_BYTES:]
    return Versioned(int(parts[1]), body) if body and sealed(body) == parts[2] else None
