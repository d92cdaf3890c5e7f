"""One turn: one kind of request at one size for a while, and what it cost."""

import random
from pathlib import Path
from typing import Any

from loadtests.bench import wrk
from loadtests.bench.stage import PAGE_SIZE
from loadtests.bench.turns import BUSY, TOTAL, spent_by
from loadtests.growth.figures import SELLING, Kind, Turn
from loadtests.growth.places import Ground, Place

# More than any machine reads, so that hardly a product is read twice on purpose.
READS_PER_SECOND = 8_000
NO_CACHE = {"Cache-Control": "no-cache"}


class Turns:
    """Takes turns; notes on the shelves what was bought."""

    def __init__(self, ground: Ground, seconds: int, connections: int) -> None:
        self._ground = ground
        self._connections = connections
        self._chance = random.Random(seconds)  # nosec B311 # which product is read, not a secret

    def take(self, number: int, kind: Kind, size: int, seconds: int) -> Turn:
        """Give a kind of request its turn; `number` is that of the round."""
        place = self._ground.places[size]
        file = self._write(kind, place, seconds)
        pids = self._ground.pids(size)
        began = spent_by(pids)
        outcome = self._load(kind, place, file, seconds)
        ended = spent_by(pids)
        spent = {name: ended[name] - began[name] for name in ended}
        if kind in SELLING:
            place.shelf.sold += outcome.requests - outcome.refused
            place.shelf.unheard += self._connections + outcome.broken
        ours = outcome.own_cpu_seconds + sum(spent[name] for name in pids)
        answers = max(1, outcome.requests)
        return Turn(
            kind=kind,
            size=size,
            round=number,
            requests=outcome.requests,
            rate=round(outcome.rate, 1),
            p50_ms=round(outcome.p50_ms, 2),
            p99_ms=round(outcome.p99_ms, 2),
            cpu_us={name: round(spent[name] / answers * 1e6) for name in pids},
            generator_us=round(outcome.own_cpu_seconds / answers * 1e6),
            others_share=round(max(0.0, spent[BUSY] - ours) / spent[TOTAL], 3),
            hit_share=None if outcome.hit_ratio is None else round(outcome.hit_ratio, 3),
            refused=outcome.refused,
            broken=outcome.broken,
        )

    def _write(self, kind: Kind, place: Place, seconds: int) -> Path:
        """Write down which products are bought or which addresses are read."""
        file = self._ground.directory / "turn.txt"
        if kind is Kind.SPREAD:
            lines = list(place.shelf.product_ids)
        elif kind in (Kind.READ, Kind.UNCACHED):
            chosen = self._chance.choices(place.product_ids, k=READS_PER_SECOND * seconds)
            lines = [f"/api/products/{product_id}" for product_id in chosen]
        else:
            lines = [_path(kind, place)]
        file.write_text("\n".join(lines))
        return file

    def _load(self, kind: Kind, place: Place, file: Path, seconds: int) -> wrk.Outcome:
        url = place.server.url
        length: Any = {"seconds": seconds, "connections": self._connections}
        match kind:
            case Kind.HOT:
                return wrk.run("purchase", f"{url}{_path(kind, place)}", **length)
            case Kind.SPREAD:
                return wrk.run("spread", url, str(file), **length)
            case Kind.READ:
                return wrk.run("paths", url, str(file), **length)
            case _:
                return wrk.run("paths", url, str(file), **length, headers=NO_CACHE)


def _path(kind: Kind, place: Place) -> str:
    products, limit = "/api/products", f"limit={PAGE_SIZE}"
    movements = f"{products}/{place.bestseller}/movements?{limit}"
    return {
        Kind.HOT: f"{products}/{place.shelf.product_ids[0]}/purchase",
        Kind.PAGE: f"{products}?{limit}",
        Kind.DEEP_PAGE: f"{products}?{limit}&cursor={place.deep_cursor}",
        Kind.MOVEMENTS: movements,
        Kind.DEEP_MOVEMENTS: f"{movements}&cursor={place.deep_movements_cursor}",
        Kind.PURCHASES: f"/api/purchases?{limit}",
    }[kind]
