"""A whole run: power cuts under load, of the service as it is and of the control, and the results.

Each cut has two lives. In the first one the service sells until mongod is stopped, and the disk is
copied as it is then. In the second one mongod finds the copy. What was acknowledged in the first
must be there, and a retry must be answered as before.
"""

import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from inventory.local import LocalError
from inventory.local.servers import LOOPBACK, Server, free_port, start_mongod, start_valkey
from inventory.repository.schema import prepare_database
from inventory.serving import gunicorn_command
from inventory.settings import Settings
from loadtests import journal, report, service
from loadtests.bench import circumstances, stage
from loadtests.bench.integrity import problems_by_command
from loadtests.books import Api, read_books
from loadtests.journal import Outcome
from loadtests.powercut import figures
from loadtests.powercut.buyers import Asked, Crowd, ask_all, fill_shelves
from loadtests.powercut.disk import expiry_seconds, make, mounted, prepare
from loadtests.powercut.figures import DURABLE, UNDURABLE, Cut
from loadtests.powercut.freezing import freeze
from loadtests.verdict import judge

APPLICATIONS = {
    DURABLE: gunicorn_command()[-1],
    UNDURABLE: "loadtests.powercut.undurable:create_app()",
}
WORKERS = 2
BUYERS = 32
READY_SECONDS_MAX = 60.0
# The slowest pace that mongod has for its journal where nobody waits for it; it keeps 100 ms unless
# told otherwise. What waits for the journal does not depend on it, and the control loses more.
JOURNAL_PACE_MS = 500
# The cut comes so much later at most, by the seed: no two at the same point of any rhythm.
CUT_SPREAD_SECONDS = 1.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How many cuts of each kind, after how many seconds of load, and what everybody wants."""

    rounds: int
    seconds: int
    seed: int


@dataclass(frozen=True, slots=True)
class Scene:
    """One cut: what is served, and where everything of it lies."""

    way: str
    number: int
    seed: str
    directory: Path
    port: int

    @property
    def data(self) -> Path:
        """Return where mongod keeps its data, and so where the disk is mounted."""
        return self.directory / "mongod"

    @property
    def notes(self) -> Path:
        """Return where the buyers write their journal; not on the disk that is cut off."""
        return self.directory / "journal"


@dataclass(frozen=True, slots=True)
class Witnessed:
    """What is known of the first life, apart from its disk."""

    asked: Asked
    cut_at: int
    seconds: float
    unsynced_bytes: int


def run(plan: Plan, reports: Path, say: Say) -> bool:
    """Cut the power again and again; print and keep what came of it; tell whether all is there.

    Raises `LocalError` where it cannot be done, and if the control has lost nothing.
    """
    prepare()
    cuts: list[Cut] = []
    known: dict[str, str] = {}
    for number in range(1, plan.rounds + 1):
        for way in APPLICATIONS:
            cut, known = _cut(plan, number, way)
            say(f"{cut.way}, cut {number}: {cut.acknowledged} told, {len(cut.lost)} lost")
            cuts.append(cut)
    problems = figures.problems_of(cuts)
    directory = report.new_directory(reports, "power-cut")
    tables = ", ".join(f"{name} {value}" for name, value in known.items())
    tables += f".\n\n{figures.markdown(cuts)}"
    (directory / "result.md").write_text(f"{tables}\n")
    report.write_json(
        directory / "result.json",
        {"plan": asdict(plan), "cuts": [asdict(cut) for cut in cuts], "problems": problems},
    )
    say(f"\n{tables}\n")
    say("\n".join(problems[: report.SHOWN_MAX]) or "What was acknowledged is on record.")
    if (more := len(problems) - report.SHOWN_MAX) > 0:
        say(f"... and {more} more, all in result.json")
    say(f"Kept in {directory}")
    if not figures.proves_something(cuts):
        raise LocalError("The control has lost nothing, so the other cuts prove nothing.")
    return not problems


def _cut(plan: Plan, number: int, way: str) -> tuple[Cut, dict[str, str]]:
    with service.temporary_directory() as directory:
        scene = Scene(way, number, f"{plan.seed}.{number}", directory, free_port())
        image, found = directory / "disk.img", directory / "found.img"
        make(image)
        witnessed = _first_life(scene, plan.seconds, image, found)
        image.unlink()
        return _second_life(scene, witnessed, found)


def _first_life(scene: Scene, seconds: int, image: Path, copy: Path) -> Witnessed:
    """Sell until the cut; leave a copy of the disk as it was then."""
    with mounted(image, scene.data) as disk, _stores(scene, initiate=True) as around:
        began = time.monotonic()
        _slow_down_the_journal(around["mongod"].url)
        with _service(scene, around) as server:
            with Api(server.url) as api:
                shelves = fill_shelves(api, scene.notes)
            crowd = Crowd(server.url, shelves, scene.notes, scene.seed, BUYERS)
            crowd.start()
            # Repeatable, not secret.
            time.sleep(seconds + CUT_SPREAD_SECONDS * random.Random(scene.seed).random())  # nosec B311
            freeze(around["mongod"].pid)
            cut_at = time.monotonic_ns()
            crowd.turn_away()
            disk.cut(copy)
            # What mongod had acknowledged may still be on its way to whoever bought it.
            asked = crowd.leave()
        around["mongod"].kill()
        return Witnessed(asked, cut_at, cut_at / 1e9 - began, disk.unsynced_bytes())


def _slow_down_the_journal(mongo_url: str) -> None:
    with MongoClient[dict[str, Any]](mongo_url) as client:
        client.admin.command("setParameter", 1, journalCommitInterval=JOURNAL_PACE_MS)


def _second_life(scene: Scene, first: Witnessed, image: Path) -> tuple[Cut, dict[str, str]]:
    """Start from what was on the disk; tell what is there of what was told."""
    heard = first.asked.heard
    told = figures.acknowledged(heard)
    if not told:
        raise LocalError("Nobody was told of a purchase before the cut, so nothing is proved.")
    with mounted(image, scene.data) as disk, _stores(scene, initiate=False) as around:
        mongo_url = around["mongod"].url
        with MongoClient[dict[str, Any]](mongo_url) as client:
            known = dict(circumstances.look(client, around["valkey"].url))
            lost = figures.lost(heard, _ids_on_record(client))
        problems = problems_by_command(mongo_url)
        otherwise: list[str] = []
        if scene.way == DURABLE:
            otherwise, more = _retried(scene, first, around)
            problems += [*more, *problems_by_command(mongo_url)]
    known["loop device"] = f"{disk.device}, direct I/O {'on' if disk.direct else 'off'}"
    known["kernel writes by itself after"] = f"{expiry_seconds():.0f} s"
    cut = Cut(
        way=scene.way,
        number=scene.number,
        acknowledged=len(told),
        refused=sum(answer.outcome is Outcome.REFUSED for answer in heard.values()),
        open=len(first.asked.wishes) - len(heard),
        lost=lost,
        lost_ms=figures.age_ms(heard, lost, first.cut_at),
        otherwise=otherwise,
        unsynced_bytes=first.unsynced_bytes,
        seconds=round(first.seconds, 1),
        problems=problems,
    )
    return cut, known


def _ids_on_record(client: MongoClient[dict[str, Any]]) -> set[str]:
    """Return the ids of purchases in tails and ledger, as they are before anybody serves."""
    database = client[Settings().mongo_database]
    stock = database["stock"].find({}, {"tail.op": True, "tail.purchase_id": True})
    entries = [entry for document in stock for entry in document.get("tail", ())]
    rows = database["movements"].find({}, {"purchase_id": True})
    found = {entry.get(name) for entry in entries for name in ("op", "purchase_id")}
    found |= {row.get(name) for row in rows for name in ("_id", "purchase_id")}
    return {str(id) for id in found if id is not None}


def _retried(
    scene: Scene, first: Witnessed, around: dict[str, Server]
) -> tuple[list[str], Sequence[str]]:
    """Send everything again; return the keys answered otherwise, and what the verdict finds."""
    with _service(scene, around) as server:
        again = ask_all(server.url, scene.notes, list(first.asked.wishes.values()))
        history = journal.read(scene.notes)
        with Api(server.url) as api:
            violations = judge(history, read_books(api, history.openings))
    problems = [f"{one.rule}: {one.found} (product {one.product_id})" for one in violations]
    if unheard := len(first.asked.wishes) - len(again):
        problems.append(f"{unheard} orders never had a definite answer")
    return figures.otherwise(first.asked.heard, again), problems


@contextmanager
def _stores(scene: Scene, *, initiate: bool) -> Iterator[dict[str, Server]]:
    """Run mongod over the mounted disk and an empty Valkey; kill both at the end."""
    with ExitStack() as stack:
        around = {"mongod": start_mongod(scene.directory, scene.port)}
        stack.callback(around["mongod"].kill)
        around["valkey"] = start_valkey(scene.directory)
        stack.callback(around["valkey"].kill)
        settings = Settings.from_env(stage.urls_of(around))
        prepare_database(settings, wait_seconds=READY_SECONDS_MAX, initiate_replica_set=initiate)
        yield around


@contextmanager
def _service(scene: Scene, around: dict[str, Server]) -> Iterator[Server]:
    """Serve on the stores; at the end the service is killed, as by a power cut."""
    port = free_port()
    command = [*gunicorn_command()[:-1], APPLICATIONS[scene.way]]
    metrics = scene.directory / f"metrics-{port}"
    metrics.mkdir()
    environ = {
        **os.environ,
        **stage.urls_of(around),
        "PORT": str(port),
        "INVENTORY_HOST": LOOPBACK,
        "INVENTORY_WORKERS": str(WORKERS),
        # It has no time to tidy up after itself.
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
    }
    log = scene.directory / f"service-{port}.log"
    with service.serving("The service", command, port, environ, log) as server:
        try:
            yield server
        finally:
            server.kill()
