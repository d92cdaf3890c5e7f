"""One turn: a variant under full load for a while, and what it cost; then a look at its stock."""

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from loadtests.bench import counters, shelves, wrk
from loadtests.bench.plan import GUARDED, OURS, SELLING, Kind, Plan, Variant
from loadtests.bench.ratios import Turn
from loadtests.bench.shelves import Shelf
from loadtests.bench.stage import PAGE_SIZE, Stage
from loadtests.books import Api
from loadtests.processes import cpu_seconds, machine_cpu_seconds

SPREAD_PRODUCTS = 1_000
BUSY, TOTAL = "machine busy", "machine"


class Turns:
    """Takes turns on a stage; keeps the shelves that outlast one."""

    def __init__(self, stage: Stage, plan: Plan) -> None:
        self._stage = stage
        self._connections = plan.connections
        selling = {v.design for v in plan.variants if v.kind is Kind.SPREAD}
        self._spread = {
            design: shelves.fill(stage.open_url(design), SPREAD_PRODUCTS) for design in selling
        }
        # Nobody buys this one, so it can be read unchanged.
        self._quiet = shelves.fill(stage.designs[OURS].url).product_ids[0]

    def take(self, number: int, variant: Variant, seconds: float) -> Turn:
        """Give a variant its turn; `number` is that of the round."""
        server = self._stage.designs[variant.design]
        pids = self._stage.pids(variant.design)
        shelf = self._shelf(variant)
        conflicts = counters.write_conflicts(self._stage.client)
        counts_groups = variant.design == OURS and variant.kind in SELLING
        groups = counters.groups(server.url) if counts_groups else None
        began = spent_by(pids)
        outcome = self._load(variant, server.url, shelf, seconds)
        ended = spent_by(pids)
        spent = {name: ended[name] - began[name] for name in ended}
        met = counters.write_conflicts(self._stage.client) - conflicts
        ours = outcome.own_cpu_seconds + sum(spent[name] for name in pids)
        answers = max(1, outcome.requests)
        return Turn(
            variant=variant.name,
            round=number,
            requests=outcome.requests,
            rate=round(outcome.rate, 1),
            p50_ms=round(outcome.p50_ms, 2),
            p99_ms=round(outcome.p99_ms, 2),
            cpu_us={name: round(spent[name] / answers * 1e6) for name in pids},
            generator_us=round(outcome.own_cpu_seconds / answers * 1e6),
            others_share=round(max(0.0, spent[BUSY] - ours) / spent[TOTAL], 3),
            conflicts=round(met / answers, 4),
            group=counters.groups(server.url).mean_since(groups) if groups else None,
            worker_megabytes=max(self._stage.workers_megabytes()),
            problem=self._problem(variant, outcome, shelf),
        )

    def _shelf(self, variant: Variant) -> Shelf | None:
        """Return the products to buy: new ones each turn, so that no history grows too long."""
        if variant.kind is Kind.SPREAD:
            return self._spread[variant.design]
        if variant.keeps_stock:
            return shelves.fill(self._stage.open_url(variant.design))
        return None

    def _load(self, variant: Variant, url: str, shelf: Shelf | None, seconds: float) -> wrk.Outcome:
        ids = shelf.product_ids if shelf else [self._quiet]
        product = f"{url}/api/products/{ids[0]}"
        length: Any = {"seconds": seconds, "connections": self._connections}
        if variant.design == GUARDED:
            length["headers"] = {"X-API-Key": self._stage.api_key}
        match variant.kind:
            case Kind.PURCHASE:
                return wrk.run("purchase", f"{product}/purchase", **length)
            case Kind.KEYED:
                return wrk.run("keyed", f"{product}/purchase", uuid.uuid4().hex, **length)
            case Kind.SPREAD:
                return wrk.run("spread", url, str(self._file(ids)), **length)
            case Kind.PAGE:
                return wrk.run("read", f"{url}/api/products?limit={PAGE_SIZE}", **length)
            case Kind.UNCHANGED:
                known = {"If-None-Match": _etag(url, self._quiet)}
                return wrk.run("read", product, **length, headers=known)
            case Kind.READ:
                return wrk.run("read", product, **length)

    def _file(self, product_ids: Sequence[str]) -> Path:
        file = self._stage.directory / "products.txt"
        file.write_text("\n".join(product_ids))
        return file

    def _problem(self, variant: Variant, outcome: wrk.Outcome, shelf: Shelf | None) -> str | None:
        problem = None
        if shelf is not None:
            shelf.sold += outcome.requests - outcome.refused
            shelf.unheard += self._connections + outcome.broken
            problem = shelf.problem(shelves.left(self._stage.open_url(variant.design), shelf))
        if outcome.refused or outcome.broken or not outcome.requests:
            problem = (
                f"{outcome.refused} of {outcome.requests} were refused, {outcome.broken} broken. "
                f"{problem or ''}"
            )
        return problem and f"{variant.name}: {problem}"


def _etag(url: str, product_id: str) -> str:
    with Api(url) as api:
        return api.request("GET", f"/api/products/{product_id}").headers["etag"]


def spent_by(pids: Mapping[str, int]) -> dict[str, float]:
    """Return the CPU seconds of these processes and of the whole machine so far, by name."""
    busy, total = machine_cpu_seconds()
    return cpu_seconds(pids) | {BUSY: busy, TOTAL: total}
