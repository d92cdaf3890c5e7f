"""A file system in a file: mounted, cut off from its power, and mounted again as it would be found.

What programs have written but nobody has synced is in the kernel's memory and not in the file. So a
copy of the file, taken while its file system is in use, is what a disk holds after a power cut.
Mounts are made in a namespace of their own and loop devices let go of by themselves, so the kernel
takes both back when the last process ends that knows them, however it ends.
"""

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from inventory.local import LocalError

IMAGE_MEGABYTES = 1_024
COPIES_MAX = 5
# The journal of ext4 would otherwise be written every five seconds, synced or not.
OPTIONS = "commit=600,noatime"
# Tables are made when the file system is, and not by the kernel in the background.
AT_ONCE = "lazy_itable_init=0,lazy_journal_init=0"
# Where these programs are, which is on root's PATH only.
SYSTEM_PATH = "/usr/sbin:/sbin"
LOOP_CONTROL = Path("/dev/loop-control")
EXPIRY = Path("/proc/sys/vm/dirty_expire_centisecs")
SECTOR_BYTES = 512
CLONE_NEWNS = 0x00020000

# Position in /sys/block/DEVICE/stat.
_SECTORS_WRITTEN = 6


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system in `image`, mounted at `place` by way of a loop device."""

    image: Path
    place: Path
    device: str
    direct: bool

    def written_bytes(self) -> int:
        """Return how much the device was given to write so far."""
        stat = Path("/sys/block", self.device.removeprefix("/dev/"), "stat").read_text()
        return sectors_written(stat) * SECTOR_BYTES

    def cut(self, copy: Path) -> None:
        """Copy what is on the disk now; whatever nobody has synced is not in the copy.

        Nothing may be written meanwhile, so whoever writes must have been stopped. If the kernel
        wrote something by itself, it is copied again. Raises `LocalError` if that never ends.
        """
        for _ in range(COPIES_MAX):
            before = self.written_bytes()
            _call("cp", "--sparse=always", str(self.image), str(copy))
            if self.written_bytes() == before:
                return
        raise LocalError(f"{self.device} was written to during each of {COPIES_MAX} copies.")

    def unsynced_bytes(self) -> int:
        """Sync it, and return how much had to be written for that."""
        before = self.written_bytes()
        _call("sync", "--file-system", str(self.place))
        return self.written_bytes() - before


def prepare() -> None:
    """Keep what this process mounts from now on to itself and its children.

    Must be called before any thread is started. Raises `LocalError` where nothing can be mounted.
    """
    if sys.platform != "linux":
        raise LocalError("A power cut needs Linux: a file system in a file, and loop devices.")
    if os.geteuid() != 0:
        raise LocalError("A power cut needs root, because it mounts a file system of its own.")
    if not LOOP_CONTROL.exists():
        raise LocalError(f"A power cut needs loop devices, and there is no {LOOP_CONTROL}.")
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        reason = os.strerror(ctypes.get_errno())
        raise LocalError(f"Mounts cannot be kept apart from those of the system: {reason}.")
    _call("mount", "--make-rprivate", "/")


def expiry_seconds() -> float:
    """Return how old unsynced pages get before the kernel writes them by itself."""
    return int(EXPIRY.read_text()) / 100


def make(image: Path) -> None:
    """Make an empty file system in a new file."""
    with image.open("xb") as file:
        file.truncate(IMAGE_MEGABYTES * 1024 * 1024)
    _call("mkfs.ext4", "-q", "-F", "-E", AT_ONCE, str(image))


@contextmanager
def mounted(image: Path, place: Path) -> Iterator[Disk]:
    """Mount the file system in `image` at `place`; whoever uses it must be gone at the end."""
    place.mkdir(exist_ok=True)
    device = _attach(image)
    try:
        _call("mount", "-t", "ext4", "-o", OPTIONS, device, str(place))
    finally:
        # One that is mounted stays until that ends.
        _call("losetup", "--detach", device)
    try:
        # Not every file system under the file can do without a copy of its own in memory.
        direct = Path("/sys/block", device.removeprefix("/dev/"), "loop/dio").read_text()
        yield Disk(image, place, device, direct.strip() == "1")
    finally:
        _call("umount", str(place))


def sectors_written(stat: str) -> int:
    """Return the sectors that a block device was given to write, from its `stat`."""
    return int(stat.split()[_SECTORS_WRITTEN])


def _attach(image: Path) -> str:
    try:
        return _call("losetup", "--find", "--show", "--direct-io=on", str(image))
    except LocalError:
        return _call("losetup", "--find", "--show", str(image))


def _call(program: str, *arguments: str) -> str:
    """Run a program and return what it says; raise `LocalError` with its complaint if it fails."""
    environ = {**os.environ, "PATH": f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_PATH}"}
    try:
        ended = subprocess.run(
            ["/usr/bin/env", program, *arguments],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise LocalError(f"{program} cannot be run: {error.strerror}.") from error
    if ended.returncode:
        raise LocalError(f"{program} failed: {(ended.stderr or ended.stdout).strip()}")
    return ended.stdout.strip()
