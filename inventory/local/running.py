"""Where the servers are that a run on this machine has started. Starts none itself."""

from collections.abc import Mapping

from inventory.local import LocalError, directory
from inventory.local.servers import LOOPBACK, is_taken, mongod_url, valkey_url


def with_mongo_url(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` with a `MONGO_URL`: its own, or that of the run that is going on here.

    Raises `LocalError` where there is neither.
    """
    if environ.get("MONGO_URL"):
        return dict(environ)
    path = directory.chosen(environ)
    port = directory.remembered_port(path, "mongod")
    if port is None or not is_taken(LOOPBACK, port):
        raise LocalError(
            f"No run is going on with its data in {path}. Start one with `make run`, name its "
            "directory with INVENTORY_LOCAL_DIR, or name a database with MONGO_URL."
        )
    return {**environ, "MONGO_URL": mongod_url(port)}


def with_store_urls(environ: Mapping[str, str]) -> dict[str, str]:
    """Do the same, and name the Valkey of that run as well unless the environment says which."""
    found = with_mongo_url(environ)
    port = directory.remembered_port(directory.chosen(environ), "valkey")
    named = environ.get("MONGO_URL") or environ.get("REDIS_URL")
    if not named and port is not None and is_taken(LOOPBACK, port):
        found["REDIS_URL"] = valkey_url(port)
    return found
