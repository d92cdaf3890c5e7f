"""Growth: three instances behind nginx, on a replica set of three, sell one hot product.

Two nginx stand before the same instances and take turns: one spreads the purchases, one sends all
of a product to one instance. Each turn sells a product of its own and ends with a look at its
books: as many units must be gone as purchases were acknowledged, and the service must find all its
books in order.
"""

import json
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from inventory.local import LocalError
from inventory.local.servers import Server, start_valkey
from inventory.local.servers import free_port as find_port
from inventory.repository.schema import prepare_database
from inventory.serving import gunicorn_command
from inventory.settings import Settings
from loadtests import edge, replica_set, report, service
from loadtests.bench.ratios import Ratio
from loadtests.books import Api

INSTANCES = 3
CACHE_GB = 0.25
READY_SECONDS_MAX = 60.0
WARM_UP_SECONDS = 2
# wrk ends so long after the last purchase was sent: longer than any is waited for.
REST_SECONDS = 4
STOCK = 10**8
PURCHASES = Path(__file__).parent / "purchases.lua"

SPREAD, BY_PRODUCT = "spread", "by product"
SWITCHES = {SPREAD: "off", BY_PRODUCT: "on"}

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How the two ways are compared."""

    rounds: int
    seconds: int
    connections: int


@dataclass(frozen=True, slots=True)
class Turn:
    """What one way did in one round; a problem tells what is wrong with its books."""

    way: str
    purchases: int
    rate: float
    p50_ms: float
    p99_ms: float
    problem: str | None


def run(plan: Plan, directory: Path, say: Say) -> bool:
    """Run all rounds; keep and print the figures; tell whether all books came out right."""
    if shutil.which("wrk") is None:
        raise LocalError("wrk makes the load, and is not on the PATH: apt install wrk")
    with _deployment() as fronts:
        say(f"Warming up, then {plan.rounds} x {len(fronts)} turns of {plan.seconds} s.")
        for way in fronts:
            _take_turn(way, fronts[way], plan.connections, WARM_UP_SECONDS)
        turns = []
        for number in range(plan.rounds):
            for way in list(fronts) if number % 2 == 0 else reversed(fronts):
                turn = _take_turn(way, fronts[way], plan.connections, plan.seconds)
                say(f"  {way:<12} {turn.rate:8.0f}/s   p99 {turn.p99_ms:6.0f} ms")
                turns.append(turn)
    problems = [turn.problem for turn in turns if turn.problem]
    report.write_json(
        directory / "result.json",
        {
            "plan": asdict(plan),
            "members": replica_set.MEMBERS,
            "instances": INSTANCES,
            "turns": [asdict(turn) for turn in turns],
            "problems": problems,
        },
    )
    say("\n" + markdown(turns))
    say("\n".join(problems) or "As many units are gone as purchases were acknowledged.")
    say(f"Kept in {directory}")
    return not problems


def markdown(turns: Sequence[Turn]) -> str:
    """Return medians of both ways, with least and most of the rates, and ratios round by round."""
    lines = ["|  | purchases/s | p50 ms | p99 ms |", "| --- | ---: | ---: | ---: |"]
    ways = {way: [turn for turn in turns if turn.way == way] for way in SWITCHES}
    for way, own in ways.items():
        rates = [turn.rate for turn in own]
        p50, p99 = (median(getattr(turn, name) for turn in own) for name in ("p50_ms", "p99_ms"))
        rate = f"{median(rates):.0f} ({min(rates):.0f}-{max(rates):.0f})"
        lines.append(f"| {way} | {rate} | {p50:.0f} | {p99:.0f} |")
    ratios = [
        Ratio.of(*([getattr(turn, name) for turn in ways[way]] for way in (BY_PRODUCT, SPREAD)))
        for name in ("rate", "p50_ms", "p99_ms")
    ]
    lines.append(f"| {BY_PRODUCT} / {SPREAD} | {' | '.join(map(str, ratios))} |")
    return "\n".join(lines)


@contextmanager
def _deployment() -> Iterator[dict[str, Server]]:
    """Run replica set, Valkey, instances and both nginx; yield the latter by their way."""
    with ExitStack() as stack:
        directory = stack.enter_context(service.temporary_directory())
        valkey = start_valkey(directory)
        stack.callback(valkey.stop)
        environ = {
            "MONGO_URL": replica_set.start(directory, stack, CACHE_GB)[1],
            "REDIS_URL": valkey.url,
            "INVENTORY_TRUSTED_PROXIES": "1",
            "INVENTORY_AUTH": "off",
        }
        prepare_database(Settings.from_env(environ), wait_seconds=READY_SECONDS_MAX)
        instances = []
        for number in range(INSTANCES):
            port, log = find_port(), directory / f"instance-{number}.log"
            own = {**os.environ, **environ, "PORT": str(port), "INVENTORY_WORKERS": "1"}
            started = service.serving(f"Instance {number}", gunicorn_command(), port, own, log)
            instances.append(stack.enter_context(started))
        yield {
            way: stack.enter_context(
                edge.started(
                    directory / f"nginx-{switch}",
                    instances,
                    {"EDGE_PURCHASES_BY_PRODUCT": switch},
                )
            )
            for way, switch in SWITCHES.items()
        }


def _take_turn(way: str, front: Server, connections: int, seconds: int) -> Turn:
    with Api(front.url) as api:
        sneaker = {"name": "Hot sneaker", "price": "99.90", "stock": STOCK}
        path = f"/api/products/{api.create('/api/products', sneaker)['id']}"
        load, took_seconds = _buy(f"{front.url}{path}/purchase", connections, seconds)
        gone = STOCK - api.get(f"{path}/stock")["available"]
        problem = problem_of(way, load, gone, _findings(api))
    return Turn(
        way=way,
        purchases=gone,
        rate=round(load["answers"] / took_seconds, 1),
        p50_ms=load["p50_ms"],
        p99_ms=load["p99_ms"],
        problem=problem,
    )


def _buy(url: str, connections: int, seconds: int) -> tuple[dict[str, Any], float]:
    """Let wrk buy for about `seconds`; return what it counted, and for how long it really sent."""
    began = time.time()
    stop = round(began) + seconds
    ended = subprocess.run(
        [
            *("wrk", "--threads", "1", "--connections", str(connections)),
            *("--duration", f"{seconds + REST_SECONDS}s", "--timeout", f"{REST_SECONDS}s"),
            *("--latency", "--script", str(PURCHASES), url),
        ],
        env={**os.environ, "STOP": str(stop), "TURN": uuid.uuid4().hex},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise LocalError(f"wrk failed: {ended.stderr or ended.stdout}")
    counted: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return counted, stop - began


def _findings(api: Api) -> list[Any]:
    """Return what the service finds wrong with all books."""
    found: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page = api.get(f"/api/integrity{cursor and f'?cursor={cursor}'}")
        found += page["problems"]
        cursor = page["next_cursor"]
    return found


def problem_of(way: str, load: dict[str, Any], gone: int, findings: list[Any]) -> str | None:
    """Say what is wrong with a turn, by wrk's count, the stock, and what the service found."""
    if findings:
        return f"{way}: the books are wrong: {findings}"
    if load["refused"] or load["broken"] or gone != load["answers"]:
        return f"{way}: wrk counted {load}, and {gone} units are gone."
    return None
