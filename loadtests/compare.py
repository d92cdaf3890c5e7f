"""The service beside the plain design: same machine, same minutes, same servers, same load.

Both run all the time on one mongod and one Valkey and take turns: each round gives every variant
one turn, and each round begins with another variant. Every turn ends with a look at the stock: as
many units must be gone as purchases were acknowledged. Linux only, for its accounts of CPU time.
"""

import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from http.client import CREATED
from itertools import count
from pathlib import Path

from inventory.local.servers import LOOPBACK, Server, free_port, start_mongod, start_valkey
from inventory.repository.schema import prepare_database
from inventory.serving import gunicorn_command
from inventory.settings import Settings
from loadtests import comparison, report, service
from loadtests.books import Api
from loadtests.comparison import OURS, OURS_KEYED, PLAIN, Turn
from loadtests.hammer import Burst, hammer, purchase_request
from loadtests.processes import cpu_seconds, machine_cpu_seconds

PREPARE_SECONDS_MAX = 30.0
WARM_UP_SECONDS = 2.0
STOCK = 10**8

BUSY, TOTAL = "machine busy", "machine"
PLAIN_APPLICATION = "loadtests.plain.wsgi:app"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How the variants are compared."""

    rounds: int
    seconds: int
    connections: int


@dataclass(frozen=True, slots=True)
class Variant:
    """One column of the comparison: a design, and how it is asked."""

    name: str
    server: Server
    product_id: str
    keyed: bool


def run(plan: Plan, directory: Path, say: Say) -> bool:
    """Run the whole comparison; keep and print it; tell whether all stocks came out right."""
    with _servers() as (stores, designs):
        variants = _variants(designs)
        turns_a_round = len(variants)
        say(f"Warming up, then {plan.rounds} x {turns_a_round} turns of {plan.seconds} s.")
        for variant in variants:
            _take_turn(variant, stores, plan.connections, WARM_UP_SECONDS)
        turns = list(_take_turns(plan, variants, stores, say))
    problems = [turn.problem for turn in turns if turn.problem]
    report.write_json(
        directory / "result.json",
        {
            "plan": asdict(plan),
            "turns": [asdict(turn) for turn in turns],
            "ratios": {
                variant: {name: asdict(ratio) for name, ratio in ratios.items()}
                for variant, ratios in comparison.ratios_of(turns).items()
            },
            "problems": problems,
        },
    )
    say("\n" + comparison.markdown(turns))
    say("\n".join(problems) or "As many units are gone as purchases were acknowledged.")
    say(f"Kept in {directory}")
    return not problems


@contextmanager
def _servers() -> Iterator[tuple[dict[str, Server], dict[str, Server]]]:
    """Run one mongod and one Valkey, and on them both designs with the same gunicorn."""
    with ExitStack() as stack:
        directory = stack.enter_context(service.temporary_directory())
        stores = {"mongod": start_mongod(directory)}
        stack.callback(stores["mongod"].stop)
        stores["valkey"] = start_valkey(directory)
        stack.callback(stores["valkey"].stop)
        urls = {"MONGO_URL": stores["mongod"].url, "REDIS_URL": stores["valkey"].url}
        prepare_database(
            Settings.from_env(urls), wait_seconds=PREPARE_SECONDS_MAX, initiate_replica_set=True
        )
        ours = gunicorn_command()
        commands = {OURS: ours, PLAIN: [*ours[:-1], PLAIN_APPLICATION]}
        designs = {}
        for name, command in commands.items():
            port = free_port()
            environ = {**os.environ, **urls, "PORT": str(port)}
            log = directory / f"{name}.log"
            designs[name] = stack.enter_context(service.serving(name, command, port, environ, log))
        yield stores, designs


def _variants(designs: Mapping[str, Server]) -> list[Variant]:
    product_ids = {}
    for name, server in designs.items():
        with Api(server.url) as api:
            sneaker = {"name": "Hot sneaker", "price": "99.90", "stock": STOCK}
            product_ids[name] = api.create("/api/products", sneaker)["id"]
    return [
        Variant(PLAIN, designs[PLAIN], product_ids[PLAIN], keyed=False),
        Variant(OURS, designs[OURS], product_ids[OURS], keyed=False),
        Variant(OURS_KEYED, designs[OURS], product_ids[OURS], keyed=True),
    ]


def _take_turns(
    plan: Plan, variants: list[Variant], stores: Mapping[str, Server], say: Say
) -> Iterator[Turn]:
    for number in range(plan.rounds):
        first = number % len(variants)
        for variant in variants[first:] + variants[:first]:
            turn = _take_turn(variant, stores, plan.connections, plan.seconds)
            say(
                f"  {turn.variant:<16} {turn.rate:8.0f}/s   p99 {turn.p99_ms:6.0f} ms   "
                f"others' CPU {turn.others_share:.0%}"
            )
            yield turn


def _take_turn(
    variant: Variant, stores: Mapping[str, Server], connections: int, seconds: float
) -> Turn:
    port, path = variant.server.port, f"/api/products/{variant.product_id}"
    pids = {"app": variant.server.pid} | {name: store.pid for name, store in stores.items()}
    with Api(variant.server.url) as api:
        before, began = api.get(f"{path}/stock")["available"], _spent(pids)
        burst = hammer(LOOPBACK, port, connections, seconds, _requests(port, path, variant.keyed))
        ended, after = _spent(pids), api.get(f"{path}/stock")["available"]
    spent = {name: ended[name] - began[name] for name in ended}
    ours = burst.own_cpu_seconds + sum(spent[name] for name in pids)
    return Turn(
        variant=variant.name,
        purchases=burst.answers,
        rate=round(burst.rate, 1),
        p50_ms=round(burst.latency(0.5), 1),
        p99_ms=round(burst.latency(0.99), 1),
        cpu_us={name: round(spent[name] / burst.answers * 1e6) for name in pids},
        generator_us=round(burst.own_cpu_seconds / burst.answers * 1e6),
        others_share=round(max(0.0, spent[BUSY] - ours) / spent[TOTAL], 3),
        problem=_problem(variant.name, burst, before - after),
    )


def _spent(pids: Mapping[str, int]) -> dict[str, float]:
    """Return the CPU seconds of these processes and of the whole machine so far."""
    busy, total = machine_cpu_seconds()
    return cpu_seconds(pids) | {BUSY: busy, TOTAL: total}


def _requests(port: int, path: str, keyed: bool) -> Callable[[], bytes]:
    """Return what makes the next request; with keys, each has one of its own."""
    target = f"{path}/purchase"
    if not keyed:
        always = purchase_request(LOOPBACK, port, target, {})
        return lambda: always
    turn, numbers = uuid.uuid4().hex, count()
    return lambda: purchase_request(
        LOOPBACK, port, target, {"Idempotency-Key": f"{turn}-{next(numbers)}"}
    )


def _problem(name: str, burst: Burst, gone: int) -> str | None:
    if set(burst.statuses) == {CREATED} and gone == burst.answers:
        return None
    return f"{name}: answered {dict(burst.statuses)}, and {gone} units are gone."
