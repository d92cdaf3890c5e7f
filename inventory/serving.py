"""How the service is served: the options of the processes around it, and the command that runs it.

Shared by `gunicorn.conf.py` and the command line. Knows the environment and how gunicorn is called,
but imports neither gunicorn nor the application, so that it can be read before any fork.
"""

import os
import resource
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from inventory.settings import (
    AUTH_OFF,
    AUTH_OFF_AND_REACHABLE,
    Settings,
    SettingsError,
    is_loopback,
)

PROJECT = Path(__file__).resolve().parent.parent
PORT_MAX = 65_535
# More than anybody needs on one machine; a larger number is a slip of the finger.
WORKERS_MAX = 256
THREADS_MAX = 1_024
CONNECTIONS_MAX = 65_536
WORKER_CLASSES = ("gevent", "gthread")
# Files that a worker opens besides its connections: listeners, logs, metrics, what watches servers.
FILES_BESIDES = 128
# With room for fewer clients than this there is no point in starting.
CONNECTIONS_MIN = 16

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Where the service listens, and with how many processes, threads and connections."""

    host: str
    port: int
    workers: int
    worker_class: str
    threads: int
    connections: int

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "ServerOptions":
        """Read the options from `environ`; raise `SettingsError` naming every bad variable."""
        problems: list[str] = []

        def number(variable: str, default: int, most: int) -> int:
            text = environ.get(variable) or str(default)
            value = int(text) if text.isascii() and text.isdecimal() else 0
            if not 1 <= value <= most:
                problems.append(f"{variable}={text!r}: say a whole number, 1 to {most}")
            return value

        worker_class = environ.get("INVENTORY_WORKER_CLASS") or WORKER_CLASSES[0]
        if worker_class not in WORKER_CLASSES:
            choices = ", ".join(WORKER_CLASSES)
            problems.append(f"INVENTORY_WORKER_CLASS={worker_class!r}: say one of {choices}")
        options = cls(
            host=environ.get("INVENTORY_HOST") or "127.0.0.1",
            port=number("PORT", 8_000, PORT_MAX),
            workers=number("INVENTORY_WORKERS", _default_workers(), WORKERS_MAX),
            worker_class=worker_class,
            threads=number("INVENTORY_THREADS", 16, THREADS_MAX),
            connections=number("INVENTORY_CONNECTIONS", 2_048, CONNECTIONS_MAX),
        )
        if problems:
            raise SettingsError(problems)
        return options

    @property
    def bind(self) -> str:
        """Return the address as gunicorn and a URL spell it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """Return a URL at which a client on this machine reaches the service."""
        unspecified = "0.0.0.0"  # nosec B104 # compared, not bound
        everywhere = {unspecified: "127.0.0.1", "::": "[::1]"}
        if self.host in everywhere:
            return f"http://{everywhere[self.host]}:{self.port}"
        return f"http://{self.bind}"


def read_environment(environ: Mapping[str, str]) -> tuple[Settings, ServerOptions]:
    """Read all that can be set; raise one `SettingsError` that names every bad variable."""
    problems: list[str] = []

    def attempt(read: Callable[[Mapping[str, str]], T]) -> T | None:
        try:
            return read(environ)
        except SettingsError as error:
            problems.extend(error.problems)
            return None

    settings, options = attempt(Settings.from_env), attempt(ServerOptions.from_env)
    if settings is None or options is None:
        raise SettingsError(problems)
    require_loopback(settings, options.host)
    require_extras(settings)
    return settings, options


def require_loopback(settings: Settings, *hosts: str) -> None:
    """Raise `SettingsError` where anybody could change the stock from another machine."""
    reachable = [host for host in hosts if not is_loopback(host)]
    if settings.auth == AUTH_OFF and reachable:
        raise SettingsError(
            [
                f"INVENTORY_AUTH='off': at {reachable[0]} others reach the service, and could "
                f"change the stock. Say on, or {AUTH_OFF_AND_REACHABLE} if you want just that"
            ]
        )


def require_extras(settings: Settings) -> None:
    """Raise `SettingsError` where something is switched on that is not installed."""
    if settings.tracing and not (find_spec("opentelemetry") and find_spec("opentelemetry.sdk")):
        raise SettingsError(
            [
                "INVENTORY_TRACING='on': OpenTelemetry is not installed. Install what "
                "requirements-tracing.txt names, or build the image with TRACING=on"
            ]
        )


def make_room(settings: Settings, options: ServerOptions) -> int:
    """Raise the limit of open files as far as a worker needs it; return how many clients it holds.

    A worker without a free file can hear nobody and cannot reach its stores. Most systems allow far
    more than they give unasked; where they do not, fewer clients are let in. Raises `SettingsError`
    where not even a few would fit.
    """
    besides = settings.mongo_pool_size + settings.redis_pool_size + FILES_BESIDES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = besides + options.connections
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed - besides < min(CONNECTIONS_MIN, options.connections):
        raise SettingsError(
            [
                f"INVENTORY_CONNECTIONS: a worker needs {needed} open files, and the system allows "
                f"{hard}; raise that (`ulimit -Hn`, LimitNOFILE) or lower the pool sizes"
            ]
        )
    return allowed - besides


def gunicorn_command(*arguments: str) -> list[str]:
    """Return the command that serves the application; it must run in the `PROJECT` directory."""
    configuration = str(PROJECT / "gunicorn.conf.py")
    return [sys.executable, "-m", "gunicorn", "-c", configuration, *arguments, "wsgi:app"]


def deliverer_command() -> list[str]:
    """Return the command of the process that tells others what happened."""
    return [sys.executable, "-m", "inventory", "deliver"]


def _default_workers() -> int:
    """One process a core: two at least, so that one may restart; eight at most, for the database.

    Where the system tells, only the cores count that this process may use.
    """
    usable = getattr(os, "sched_getaffinity", None)
    cores = len(usable(0)) if usable else os.cpu_count() or 1
    return min(max(cores, 2), 8)
