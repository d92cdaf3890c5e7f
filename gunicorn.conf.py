"""gunicorn's configuration; read once in the master, before any worker is forked.

Bad settings end here, in one process and with one list, instead of in every worker.
"""

import gc
import os
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

from gunicorn import sock, util

from inventory import limits, unread
from inventory.giving_up import give_up
from inventory.serving import make_room, read_environment, require_loopback
from inventory.settings import SettingsError
from inventory.succession import succession
from inventory.telemetry import files

try:
    _settings, _options = read_environment(os.environ)
    _room = make_room(_settings, _options)
except SettingsError as error:
    sys.exit(str(error))

wsgi_app = "wsgi:app"
bind = _options.bind

# Connections that wait to be accepted. What waits longer than a request may take is of no use to
# its client any more, so a long queue would only hide an overload.
backlog = 256

workers = _options.workers
worker_class = {
    "gevent": "inventory.worker.DrainingGeventWorker",
    "gthread": "gthread",
}[_options.worker_class]
# Only gthread uses threads: each serves one request, most of which is waiting for MongoDB.
threads = _options.threads if _options.worker_class == "gthread" else 1
# Clients that one worker holds at once, idle ones included; what more would come waits outside.
worker_connections = _room
if _room < _options.connections:
    sys.stderr.write(
        f"A worker holds {_room} clients instead of {_options.connections}: more files than "
        "that may not be opened here (`ulimit -Hn`).\n"
    )

# Each worker builds its own clients: PyMongo must not be carried over a fork.
preload_app = False

# A worker that has not given a sign of life for so long is stuck, and is replaced. Far above the
# longest request, because the sign comes between requests in some worker classes.
timeout = limits.WORKER_TIMEOUT_SECONDS
# What is running may finish; less than the 30 s after which Kubernetes kills.
graceful_timeout = 25
# Longer than the 60 s for which proxies keep idle connections, so that the proxy closes first: the
# other way round its next request would meet a connection that has just been closed.
keepalive = 65

# Room for a page of a hundred ids and a search; headers as nginx limits them.
limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 8190

# The workers' signs of life are file times: on a disk that hangs they would be late.
_MEMORY = "/dev/shm"  # nosec B108 # the kernel's memory file system; gunicorn makes files in it
worker_tmp_dir = _MEMORY if Path(_MEMORY).is_dir() else None

# gunicorn itself believes nobody's headers about where a request comes from or goes to: SCRIPT_NAME
# would move its path, and two that differ about TLS would end it. Who the client is, is decided by
# the service from INVENTORY_TRUSTED_PROXIES.
forwarded_allow_ips = ""

# The remote control would be one more way in, and it needs a writable home directory.
control_socket_disable = True

# The service logs each request itself, with its id; gunicorn tells only of trouble.
accesslog = None
errorlog = "-"
loglevel = "warning"

# --- metrics --------------------------------------------------------------------------------------
# Workers keep their numbers in files, so that any of them can add up all. The library reads where
# when it is imported, so nothing above may import it; a reload of this file finds the name there.
if files.DIRECTORY_VARIABLE not in os.environ:
    os.environ[files.DIRECTORY_VARIABLE] = tempfile.mkdtemp(
        prefix="inventory-metrics-", dir=worker_tmp_dir
    )
_MASTER = os.getpid()


def on_starting(server: Any) -> None:
    """Refuse to listen where others could change the stock, whatever the command line says.

    And do not listen before somebody serves (`_listen`).
    """
    hosts = [address[0] for address in server.cfg.address if isinstance(address, tuple)]
    try:
        require_loopback(_settings, *hosts)
    except SettingsError as error:
        sys.exit(str(error))
    # gunicorn offers no setting for this. It would listen where this says that nobody does yet.
    sock.BaseSocket._is_listening = staticmethod(lambda _: True)


def on_reload(server: Any) -> None:
    """Let the old workers know whom to wait for."""
    succession.announce(server.worker_age + 1, server.cfg.workers)


def post_worker_init(worker: Any) -> None:
    """Give errors of gunicorn's own the form of all errors, and spare the collector work.

    It would look again and again at what lives as long as the worker; a request leaves no cycles
    behind, so nearly all of its rounds would be in vain.
    """
    # gunicorn offers no setting for this.
    util.write_error = unread.write_error
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    _listen(worker)
    succession.ready(worker.age)


def _listen(worker: Any) -> None:
    """Let clients in, now that somebody is there to serve them.

    gunicorn's master would let them in while its workers still import the service. A proxy would
    wait for seconds then, instead of being refused and asking another instance at once.
    """
    for listener in worker.sockets:
        # One that was handed over by systemd listens, and may not be told to again.
        if listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            continue
        try:
            listener.listen(backlog)
        except OSError as error:
            # Of two that start at the same time both may bind; the second may not listen.
            host, port, *_ = listener.getsockname()
            give_up(f"The service cannot listen at {host}:{port}: {error.strerror}.")


def child_exit(server: Any, worker: Any) -> None:
    """Let go of the files of a worker that has ended, except for what it has counted."""
    from inventory.telemetry.burying import bury  # noqa: PLC0415 - not before the name is set

    try:
        bury(Path(os.environ[files.DIRECTORY_VARIABLE]), worker.pid)
    except Exception:
        # Its files stay, and are read; the master may not die of anything.
        server.log.exception("The numbers of worker %s were not added up", worker.pid)


def on_exit(_server: object) -> None:
    """Leave no files behind."""
    if os.getpid() == _MASTER:
        shutil.rmtree(os.environ[files.DIRECTORY_VARIABLE], ignore_errors=True)
