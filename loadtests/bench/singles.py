"""What is measured once a run: one client alone, the open loop, overload, the cache, the processes.

Every load is put on shelves of its own, whose stock is checked like that of a turn.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from pymongo import WriteConcern

from inventory.local.servers import LOOPBACK
from inventory.repository import mongo
from loadtests import shop_books
from loadtests.bench import counters, openloop, shelves, wrk
from loadtests.bench.plan import NGINX, OURS, PLAIN, Plan
from loadtests.bench.stage import Stage
from loadtests.figures import percentile
from loadtests.processes import children

STEADY_SHARE = 0.7
OVERLOAD = 2.0
# A crowd comes from everywhere; nginx counts what runs by address.
ADDRESSES = tuple(f"127.0.1.{number}" for number in range(1, 101))
SEED = 20_261_124
ZIPF_PRODUCTS = 10_000
ZIPF_PURCHASES_PERCENT = 5
# How many requests the cache gets to know a mix by, for each product: what is asked for least is
# asked for a tenth as often as all are on average, so most of it has been asked for twice by then.
# A time would say how fast the machine is.
ZIPF_SETTLING_REQUESTS = 20
SELLING_PURCHASES_PERCENT = 80
# How the service calls itself to mongod.
APPLICATION = "inventory"


@dataclass(frozen=True, slots=True)
class Alone:
    """Medians of one client that waits for each answer, in milliseconds."""

    plain_ms: float
    ours_ms: float
    insert_ms: float


@dataclass(frozen=True, slots=True)
class Steady:
    """Purchases at a part of the peak, at times that do not depend on the answers."""

    rate: float
    p50_ms: float
    p99_ms: float
    other_than_201: int
    generator_us: float


@dataclass(frozen=True, slots=True)
class Overloaded:
    """Purchases at a multiple of the peak. `refused_share` is that of all that were sent."""

    rate: float
    goodput: float
    p99_ms: float
    refused_share: float
    refused_p99_ms: float | None
    without_retry_after: int
    unheard: int
    connections: int
    workers_killed: int
    generator_us: float


@dataclass(frozen=True, slots=True)
class Processes:
    """The service's processes at the end of the run.

    `megabytes_after` is what the larger worker held after each thing that was measured once.
    """

    workers_megabytes: tuple[float, ...]
    megabytes_after: Mapping[str, float]
    requests_a_worker: int
    mongod_connections: int
    everybodys_connections: int
    mongod_pool: int
    valkey_pool: int


@dataclass(frozen=True, slots=True)
class Singles:
    """All that is measured once."""

    alone: Alone
    steady: Steady
    overloaded: Overloaded
    edge_overloaded: Overloaded
    zipf_hit_ratio: float | None
    selling_hit_ratio: float | None


class Measuring:
    """Measures on a stage; `problems` gathers what was wrong with any stock."""

    def __init__(self, stage: Stage, plan: Plan) -> None:
        self._stage = stage
        self._plan = plan
        self._ours = stage.designs[OURS]
        self.requests = 0
        self.problems: list[str] = []
        self._megabytes_after: dict[str, float] = {}

    def singles(self, peak: float, edge_peak: float) -> Singles:
        """Measure everything that needs a load.

        `peak` is the rate of purchases of one product, `edge_peak` the same through nginx.
        """
        return Singles(
            self._alone(),
            self._steady(peak * STEADY_SHARE),
            self._overload(OURS, peak * OVERLOAD),
            self._overload(NGINX, edge_peak * OVERLOAD),
            self._zipf_hit_ratio(),
            self._selling_hit_ratio(),
        )

    def processes(self, requests: int) -> Processes:
        """Look at the workers, of which all together have answered `requests` before this."""
        workers = self._stage.workers_megabytes()
        settings = self._stage.settings
        return Processes(
            workers,
            self._megabytes_after,
            (requests + self.requests) // len(workers),
            *counters.connections(self._stage.client, APPLICATION),
            settings.mongo_pool_size * len(workers),
            settings.redis_pool_size * len(workers),
        )

    def _alone(self) -> Alone:
        return Alone(
            self._alone_at(PLAIN),
            self._alone_at(OURS),
            _insert_ms(self._stage, self._plan.seconds),
        )

    def _alone_at(self, design: str) -> float:
        url = self._stage.designs[design].url
        shelf = shelves.fill(url)
        target = f"{url}/api/products/{shelf.product_ids[0]}/purchase"
        outcome = wrk.run("purchase", target, seconds=self._plan.seconds, connections=1)
        shelf.sold, shelf.unheard = outcome.requests - outcome.refused, 1 + outcome.broken
        self.requests += outcome.requests if design == OURS else 0
        self._check(f"{design} alone", design, shelf)
        return round(outcome.p50_ms, 2)

    def _steady(self, rate: float) -> Steady:
        answers = self._open_loop("open loop", OURS, rate)
        created = len(answers.latencies.get(201, ()))
        return Steady(
            rate=round(rate, 1),
            p50_ms=round(answers.latency(0.5), 1),
            p99_ms=round(answers.latency(0.99), 1),
            other_than_201=answers.scheduled - created,
            generator_us=round(answers.own_cpu_seconds / answers.scheduled * 1e6),
        )

    def _overload(self, design: str, rate: float) -> Overloaded:
        before = children(self._ours.pid)
        answers = self._open_loop("overload", design, rate)
        killed = set(before) - set(children(self._ours.pid))
        refused = answers.refused
        return Overloaded(
            rate=round(rate, 1),
            goodput=round(answers.goodput, 1),
            p99_ms=round(answers.latency(0.99), 1),
            refused_share=round(len(refused) / answers.scheduled, 3),
            refused_p99_ms=round(percentile(refused, 0.99), 1) if refused else None,
            without_retry_after=answers.without_retry_after,
            unheard=answers.unheard,
            connections=answers.connections,
            workers_killed=len(killed),
            generator_us=round(answers.own_cpu_seconds / answers.scheduled * 1e6),
        )

    def _open_loop(self, name: str, design: str, rate: float) -> openloop.Answers:
        shelf = shelves.fill(self._ours.url)
        port = self._stage.designs[design].port
        request = openloop.purchase_request(LOOPBACK, port, shelf.product_ids[0])
        times = openloop.schedule(rate, self._plan.seconds, SEED)
        answers = openloop.run(LOOPBACK, port, request, times, addresses=ADDRESSES)
        self.requests += answers.scheduled
        shelf.sold, shelf.unheard = answers.succeeded, answers.unheard
        self._check(f"{design} {name}", OURS, shelf)
        return answers

    def _zipf_hit_ratio(self) -> float | None:
        # Written past the service: it would take longer to create them than to measure.
        database = mongo.open_database(self._stage.client, self._stage.settings)
        shelf = shelves.Shelf(shop_books.open_shop(database, ZIPF_PRODUCTS, shelves.STOCK))
        seed, unsettled = SEED, ZIPF_PRODUCTS * ZIPF_SETTLING_REQUESTS
        while unsettled > 0:
            unsettled -= self._mix(shelf, ZIPF_PURCHASES_PERCENT, seed, self._plan.seconds).requests
            seed += 1
        outcome = self._mix(shelf, ZIPF_PURCHASES_PERCENT, seed, self._plan.seconds)
        self._check("Zipf", OURS, shelf)
        return outcome.hit_ratio

    def _selling_hit_ratio(self) -> float | None:
        shelf = shelves.fill(self._ours.url)
        outcome = self._mix(shelf, SELLING_PURCHASES_PERCENT, SEED, self._plan.seconds)
        self._check("reads while selling", OURS, shelf)
        return outcome.hit_ratio

    def _mix(self, shelf: shelves.Shelf, percent: int, seed: int, seconds: int) -> wrk.Outcome:
        """Put reads and `percent` purchases on a shelf."""
        file = self._stage.directory / "mix.txt"
        file.write_text("\n".join(shelf.product_ids))
        outcome = wrk.run(
            *("mix", self._ours.url, str(file), str(percent), str(seed)),
            seconds=seconds,
            connections=self._plan.connections,
        )
        self.requests += outcome.requests
        shelf.sold += outcome.created
        shelf.unheard += self._plan.connections + outcome.broken
        return outcome

    def _check(self, name: str, design: str, shelf: shelves.Shelf) -> None:
        self._megabytes_after[name] = max(self._stage.workers_megabytes())
        if problem := shelf.problem(shelves.left(self._stage.designs[design].url, shelf)):
            self.problems.append(f"{name}: {problem}")


def _insert_ms(stage: Stage, seconds: float) -> float:
    """Return the median of one insert after the other, each on the disk of a majority."""
    durable = WriteConcern(w="majority", j=True)
    rows = stage.client["bench"].get_collection("rows", write_concern=durable)
    spans = []
    until = time.perf_counter() + seconds
    while (began := time.perf_counter()) < until:
        rows.insert_one({"quantity": 1})
        spans.append((time.perf_counter() - began) * 1000)
    return round(percentile(sorted(spans), 0.5), 2)
