"""What clients see of rehearsals."""

from dataclasses import asdict
from typing import Any

from inventory.domain.moments import moment
from inventory.domain.rehearsals import Rehearsal, Verdict


def rehearsal(one: Rehearsal) -> dict[str, Any]:
    """Return a rehearsal, how it goes, and what it came to if it is done."""
    return {
        "id": one.id,
        "state": one.state,
        "product_id": one.product_id,
        **asdict(one.plan),
        "started_at": moment(one.started_at),
        "ended_at": None if one.ended_at is None else moment(one.ended_at),
        "figures": asdict(one.figures),
        "verdict": None if one.verdict is None else _verdict(one.verdict),
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {"ok": verdict.ok, **asdict(verdict)}
