"""A whole run: import and export by the command line and by HTTP, then the check of the books."""

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pymongo import MongoClient

from inventory import limits
from inventory.local.servers import Server
from inventory.serving import PROJECT
from loadtests import service
from loadtests.bench import circumstances, integrity, stage
from loadtests.bench.plan import OURS
from loadtests.bulk.picture import draw
from loadtests.bulk.rows import write_table
from loadtests.bulk.watching import Watched, buying, created, watching
from loadtests.processes import children
from loadtests.report import new_directory, write_json

QUIET_SECONDS = 10.0
# How often a body is sent until all of it is done, and how long after.
TRIES_MAX, RETRY_SECONDS = 60, 1.0
HTTP_SECONDS_MAX = 60.0
_CHUNK_BYTES = 256 * 1024

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Transfer:
    """One import or export that was watched."""

    name: str
    rows: int
    watched: Watched

    @property
    def line(self) -> str:
        """It as a row of a table."""
        seconds = self.watched.took
        return (
            f"| {self.name} | {seconds:.1f} s | {self.rows / seconds:,.0f} | "
            f"{self.watched.before:.0f} MB | {self.watched.peak:.0f} MB |"
        )


def run(rows: int, reports: Path, picture: Path | None, say: Say) -> bool:
    """Carry all transfers out on stores of our own; tell whether the books are right at the end."""
    directory = new_directory(reports, "bulk")
    with ExitStack() as stack:
        place = stack.enter_context(service.temporary_directory())
        around = stack.enter_context(stage.stores(place))
        urls = stage.urls_of(around)
        server = stack.enter_context(stage.serving(OURS, urls, place))
        client = stack.enter_context(MongoClient[dict[str, Any]](around["mongod"].url))
        known = circumstances.look(client, urls["REDIS_URL"])
        found: list[Transfer] = []
        for transfer in _transfers(rows, place, server, urls, say):
            found.append(transfer)
            say(transfer.line)
        problems = integrity.problems_by_command(urls["MONGO_URL"])
    (directory / "result.md").write_text("\n".join([*map(str, known.items()), *_table(found)]))
    write_json(
        directory / "result.json",
        {"circumstances": dict(known), "transfers": [asdict(one) for one in found]},
    )
    draw({one.name: one.watched for one in found}, picture or directory / "memory.svg")
    say("\n".join(problems) or "The books are right.")
    say(f"Kept in {directory}: result.json, result.md")
    return not problems


def _table(found: Sequence[Transfer]) -> list[str]:
    head = ["| what | time | rows a second | memory before | at most |", "|---|---|---|---|---|"]
    return head + [one.line for one in found]


def _transfers(
    rows: int, place: Path, server: Server, urls: Mapping[str, str], say: Say
) -> Iterator[Transfer]:
    table, exported = place / "rows.csv", place / "export.csv"
    write_table(table, rows)
    yield _command("import, command line: new", rows, urls, "import", str(table))
    yield _command("import, command line: unchanged", rows, urls, "import", str(table))
    yield _command("export, command line", rows, urls, "export", str(exported))
    yield _command("import of that export", rows, urls, "import", str(exported))
    path = created(server.url)
    with buying(server.url, path) as quiet:
        time.sleep(QUIET_SECONDS)
    with buying(server.url, path) as busy:
        yield _by_http(rows, place, server)
    for name, bought in (("without", quiet), ("with", busy)):
        say(
            f"purchases {name} an import beside them: p50 {bought.at(0.5):.1f} ms, "
            f"p99 {bought.at(0.99):.1f} ms, at most {bought.at(1):.1f} ms, "
            f"{bought.refused} of {len(bought.milliseconds)} refused"
        )
    with watching(lambda: children(server.pid)) as watched:
        size = _download(server.url)
    yield Transfer(f"export, HTTP ({size / 1e6:.0f} MB)", 2 * rows, watched)


def _command(name: str, rows: int, urls: Mapping[str, str], *arguments: str) -> Transfer:
    command = [sys.executable, "-m", "inventory", *arguments]
    environ = {**os.environ, **urls}
    with (
        subprocess.Popen(
            command, cwd=PROJECT, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as process,
        watching(lambda: [process.pid]) as watched,
    ):
        _, said = process.communicate()
    if process.returncode:
        raise service.ServiceError(f"{' '.join(command)} failed: {said.decode()}")
    return Transfer(name, rows, watched)


def _by_http(rows: int, place: Path, server: Server) -> Transfer:
    """Import new products in as many bodies as they need, one after the other."""
    files = []
    for number, first in enumerate(range(0, rows, limits.IMPORT_ROWS_MAX)):
        file = place / f"body-{number}.csv"
        write_table(file, min(limits.IMPORT_ROWS_MAX, rows - first), rows + first)
        files.append(file)
    with watching(lambda: children(server.pid)) as watched:
        for file in files:
            _upload(server.url, file)
    return Transfer(f"import, HTTP: new, {len(files)} bodies", rows, watched)


def _connect(url: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(url).netloc, timeout=HTTP_SECONDS_MAX)


def _upload(url: str, file: Path) -> None:
    """Import a file; where its time was up, go on with the same key, as clients do."""
    for _ in range(TRIES_MAX):
        status, answer = _send(url, file)
        if status not in (http.client.SERVICE_UNAVAILABLE, http.client.CONFLICT):
            break
        time.sleep(RETRY_SECONDS)
    if status != http.client.OK:
        raise service.ServiceError(f"An import was answered {status}: {answer[:300]!r}")


def _send(url: str, file: Path) -> tuple[int, bytes]:
    connection = _connect(url)
    headers = {
        "Content-Type": "text/csv",
        "Content-Length": str(file.stat().st_size),
        "Idempotency-Key": file.name,
    }
    with file.open("rb") as body:
        connection.request("POST", limits.IMPORT_PATH, body, headers)
        response = connection.getresponse()
        answer = response.read()
    connection.close()
    return response.status, answer


def _download(url: str) -> int:
    connection = _connect(url)
    connection.request("GET", f"{limits.EXPORT_PATH}?format=csv")
    response, size = connection.getresponse(), 0
    if response.status != http.client.OK:
        raise service.ServiceError(f"An export was answered {response.status}: {response.read()!r}")
    while part := response.read(_CHUNK_BYTES):
        size += len(part)
    connection.close()
    return size
