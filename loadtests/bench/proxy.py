"""nginx in front of the service, as it is deployed, but on loopback and in a directory of its own.

What deploy/nginx says about names, ports and places is put into this machine's terms; all else,
caches and limits included, is what is deployed.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inventory.local.servers import LOOPBACK, Server, free_port
from inventory.serving import PROJECT
from loadtests import service

CONFIGURATION = PROJECT / "deploy" / "nginx"
MAIN = "nginx.conf"
# Where Debian puts it is not on everybody's path.
PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


class ProxyError(Exception):
    """The configuration does not say what is expected of it; the message says what is missing."""


def find() -> str | None:
    """Return where nginx is; None if it is not installed or there is no configuration for it."""
    return shutil.which("nginx", path=PATH) if (CONFIGURATION / MAIN).is_file() else None


@contextmanager
def serving(nginx: str, ours: Server, directory: Path) -> Iterator[Server]:
    """Run nginx in front of `ours`; raise `ProxyError` or `ServiceError` if it cannot be."""
    place, port = directory / "nginx", free_port()
    place.mkdir()
    for file in CONFIGURATION.glob("*.conf"):
        text = file.read_text()
        if file.name == MAIN:
            text = here(text, place, ours.port, port, free_port(avoid=port))
        (place / file.name).write_text(text)
    command = [nginx, "-e", "stderr", "-p", str(place), "-c", str(place / MAIN)]
    if os.geteuid() == 0:
        # Else its workers become somebody who may not enter the directory.
        command += ["-g", "user root;"]
    with service.serving("nginx", command, port, os.environ, directory / "nginx.log") as server:
        yield server


def here(configuration: str, place: Path, service_port: int, port: int, alive_port: int) -> str:
    """Return a configuration for this machine; raise `ProxyError` if it lacks what is replaced."""
    replacements = {
        "server api:8000": f"server {LOOPBACK}:{service_port}",
        "listen 8080": f"listen {LOOPBACK}:{port}",
        "listen 127.0.0.1:8081": f"listen {LOOPBACK}:{alive_port}",
        "/tmp/": f"{place}/",  # noqa: S108 - what it says for the container
    }
    for deployed, local in replacements.items():
        if deployed not in configuration:
            raise ProxyError(f"{CONFIGURATION / MAIN} does not say {deployed!r}.")
        configuration = configuration.replace(deployed, local)
    return configuration
