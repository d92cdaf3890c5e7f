"""How large collections, oplog, cache and processes are now."""

import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.database import Database
from redis import Redis

from loadtests.footprint.figures import MEGABYTE, Sizes

OPLOG = "oplog.rs"
KILOBYTE = 1024

Client = MongoClient[dict[str, Any]]


def collections(client: Client, name: str) -> dict[str, Sizes]:
    """Return the sizes of all collections of a database, after all of it went to the disk."""
    client.admin.command("fsync")
    database = client[name]
    return {one: _size(database, one) for one in database.list_collection_names()}


def oplog(client: Client) -> Sizes:
    """Return the size of the oplog."""
    return _size(client["local"], OPLOG)


def _size(database: Database[dict[str, Any]], name: str) -> Sizes:
    found = database.command("collStats", name)
    return Sizes(found["count"], found["size"], found["storageSize"], found["totalIndexSize"])


def dumped(url: str, name: str, collection: str) -> int:
    """Return how large the documents are as `mongodump --gzip` writes them."""
    packing = zlib.compressobj(wbits=31)
    raw: MongoClient[RawBSONDocument] = MongoClient(url, document_class=RawBSONDocument)
    with raw:
        found = raw[name][collection].find()
        size = sum(len(packing.compress(document.raw)) for document in found)
    return size + len(packing.flush())


def cache(redis_url: str) -> tuple[int, int]:
    """Return the bytes that Redis uses, and how many keys it has."""
    with Redis.from_url(redis_url) as valkey:
        return int(valkey.info("memory")["used_memory"]), int(valkey.dbsize())


def proportional_megabytes(processes: Iterable[int]) -> list[float]:
    """Return the memory of each process; what several share counts for each in part."""
    return [_proportional(pid) / MEGABYTE for pid in processes]


def _proportional(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * KILOBYTE
    raise LookupError(f"The system does not tell the memory of process {pid}.")
