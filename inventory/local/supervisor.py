"""Start mongod, Valkey, the deliverer and gunicorn, watch them, stop them in the reverse order.

Knows the other modules of this package and the one step that prepares the database.
"""

import http.client
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from inventory.local import LocalError, binaries, directory
from inventory.local.replica_set import move_member
from inventory.local.servers import (
    LOOPBACK,
    Server,
    free_port,
    is_taken,
    spawn,
    start_mongod,
    start_valkey,
)
from inventory.local.signals import StopRequested, StopSignals
from inventory.repository.schema import prepare_database
from inventory.serving import PROJECT, ServerOptions, deliverer_command, gunicorn_command
from inventory.settings import Settings

READY_SECONDS_MAX = 60.0
# What was started here answers soon; a server that was named should be there already.
EMBEDDED_WAIT_SECONDS = 30.0
NAMED_WAIT_SECONDS = 10.0
POLL_SECONDS = 0.1
# A request takes two seconds at most; who sits at the terminal should not wait much longer.
GRACE_SECONDS = 5
# Longer than the grace and than a mongod with a full cache takes.
STOP_SECONDS_MAX = 20.0
# One that cannot run is not started again and again.
DELIVERER_SECONDS_MIN = 5.0

_DELIVERER = "The deliverer of events"
# What the service goes on without, and how.
_DISPENSABLE = {
    "Valkey": "the service goes on without its cache",
    _DELIVERER: "it is started again, and tells what happened meanwhile",
}


def run(
    environ: Mapping[str, str],
    options: ServerOptions,
    say: Callable[[str], None],
    when_prepared: Callable[[Settings], None],
) -> int:
    """Run everything until it is told to stop; return the exit code.

    `when_prepared` is called once, between the preparation of the database and the start of the
    service. Raises `LocalError` or `DatabaseNotReady` after stopping whatever had been started.
    """
    signals = StopSignals()
    try:
        with _data_directory(environ, options, signals) as data:
            return _Run(environ, options, signals, say, when_prepared, *data).run()
    except StopRequested:
        return 0


@contextmanager
def _data_directory(
    environ: Mapping[str, str], options: ServerOptions, signals: StopSignals
) -> Iterator[tuple[Path, tuple[int, ...]]]:
    """Refuse a taken port or directory before anything is touched; then hold the directory."""
    path = directory.chosen(environ)
    if environ.get("MONGO_URL") and environ.get("REDIS_URL"):
        _require_free(options)
        yield path, ()
        return
    if not path.exists():
        _require_free(options)
    with directory.locked(path, signals.check) as lock:
        _require_free(options)
        yield path, (lock,)


def _require_free(options: ServerOptions) -> None:
    try:
        taken = is_taken(options.host, options.port)
    except OSError as error:
        raise LocalError(f"{options.bind} cannot be listened on: {error.strerror}.") from error
    if taken:
        raise LocalError(
            f"Port {options.port} is taken by another server. Stop it, or choose another port: "
            f"make run PORT={options.port + 1 if options.port < 65_535 else 8_000}"
        )


class _Run:
    """The state of one run: what has been started, in order."""

    def __init__(
        self,
        environ: Mapping[str, str],
        options: ServerOptions,
        signals: StopSignals,
        say: Callable[[str], None],
        when_prepared: Callable[[Settings], None],
        path: Path,
        locks: tuple[int, ...],
    ) -> None:
        self._environ = dict(environ)
        self._options = options
        self._signals = signals
        self._say = say
        self._when_prepared = when_prepared
        self._path = path
        self._locks = locks
        self._servers: list[Server] = []

    def run(self) -> int:
        """Start, announce, watch and stop; return the exit code."""
        try:
            self._start_stores()
            # First, so that it has begun when somebody first buys.
            self._start_deliverer()
            self._start_gunicorn()
            url = self._options.url
            self._say(f"Ready at {url} (Ctrl-C stops it). Try: curl {url}/api/products")
            return self._watch()
        finally:
            self._stop()

    def _start_stores(self) -> None:
        own_mongod = not self._environ.get("MONGO_URL")
        own_valkey = not self._environ.get("REDIS_URL")
        # Both are looked for before either is started.
        mongod = binaries.find_mongod(self._environ) if own_mongod else None
        valkey = binaries.find_valkey(self._environ) if own_valkey else None
        if mongod:
            self._say("Starting MongoDB ...")
            server = self._start_store(start_mongod, mongod, "mongod")
            with self._signals.interrupting():
                move_member(server.port)
            # Not before the replica set agrees: a crash in between must not hide the difference.
            directory.remember_port(self._path, "mongod", server.port)
            self._environ["MONGO_URL"] = server.url
        if valkey:
            self._say("Starting Valkey ...")
            server = self._start_store(start_valkey, valkey, "valkey")
            directory.remember_port(self._path, "valkey", server.port)
            self._environ["REDIS_URL"] = server.url
        self._say("Preparing the database ...")
        settings = Settings.from_env(self._environ)
        with self._signals.interrupting():
            prepare_database(
                settings,
                wait_seconds=EMBEDDED_WAIT_SECONDS if own_mongod else NAMED_WAIT_SECONDS,
                initiate_replica_set=own_mongod,
            )
            self._when_prepared(settings)

    def _start_store(self, start: Callable[..., Server], binary: Path, name: str) -> Server:
        port = directory.remembered_port(self._path, name)
        if port is None or port == self._options.port or is_taken(LOOPBACK, port):
            port = free_port(avoid=self._options.port)
        server = start(
            self._path,
            port,
            binary=binary,
            keep_open=self._locks,
            while_waiting=self._signals.check,
        )
        self._servers.append(server)
        return server

    def _start_gunicorn(self) -> None:
        self._say(f"Starting the service with {self._options.workers} workers ...")
        process = spawn(
            gunicorn_command("--graceful-timeout", str(GRACE_SECONDS)),
            # At this signal gunicorn ends its workers as well, without waiting for clients.
            when_orphaned=signal.SIGQUIT,
            keep_open=self._locks,
            environ=self._environ,
            directory=PROJECT,
        )
        server = Server("The service", self._options.url, self._options.port, process)
        self._servers.append(server)
        deadline = time.monotonic() + READY_SECONDS_MAX
        while not _is_ready(server.url):
            self._signals.check()
            if server.has_ended():
                raise LocalError(f"The service did not start ({server.last_words()}).")
            if time.monotonic() > deadline:
                raise LocalError(f"The service is not ready after {READY_SECONDS_MAX:.0f} s.")
            time.sleep(POLL_SECONDS)

    def _start_deliverer(self) -> None:
        self._deliverer_at = time.monotonic()
        process = spawn(
            deliverer_command(),
            when_orphaned=signal.SIGTERM,
            keep_open=self._locks,
            environ=self._environ,
            directory=PROJECT,
        )
        self._servers.append(Server(_DELIVERER, "", 0, process))

    def _watch(self) -> int:
        while True:
            self._signals.check()
            for server in [server for server in self._servers if server.has_ended()]:
                if server.name not in _DISPENSABLE:
                    self._say(f"{server.name} has ended unexpectedly: {server.last_words()}.")
                    return 1
                self._say(f"{server.name} has ended unexpectedly; {_DISPENSABLE[server.name]}.")
                self._servers.remove(server)
            self._restart_deliverer()
            time.sleep(POLL_SECONDS)

    def _restart_deliverer(self) -> None:
        missing = all(server.name != _DELIVERER for server in self._servers)
        if missing and time.monotonic() - self._deliverer_at > DELIVERER_SECONDS_MIN:
            self._start_deliverer()

    def _stop(self) -> None:
        if self._servers:
            self._say("Stopping ...")
        for server in reversed(self._servers):
            server.stop(STOP_SECONDS_MAX, self._signals.is_impatient)


def _is_ready(url: str) -> bool:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=2)
    try:
        connection.request("GET", "/readyz", headers={"Connection": "close"})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
