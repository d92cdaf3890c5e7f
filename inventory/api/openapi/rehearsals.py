"""Rehearsals in the document."""

from typing import Any

from inventory import limits
from inventory.api.openapi.building import (
    JSONSchema,
    choice,
    described,
    identifier,
    moment,
    nullable,
    record,
    reference,
    text,
    truth,
    whole,
)
from inventory.domain.rehearsals import RehearsalState

_COUNT_MAX = 2**53


def rehearsals() -> dict[str, JSONSchema]:
    """Return the schemas of what is answered of rehearsals, by their names."""
    return {
        "RehearsalFigures": record("How a rehearsal goes.", _figures()),
        "RehearsalCheck": record("One thing that has to be so.", _check()),
        "RehearsalVerdict": record("What was answered, held against the books.", _verdict()),
        "Rehearsal": record("A rehearsal of a flash sale.", _rehearsal()),
    }


def _number(description: str, **keywords: Any) -> JSONSchema:
    return described({"type": "number", "minimum": 0, **keywords}, description)


def _rehearsal() -> dict[str, JSONSchema]:
    return {
        "id": identifier("The rehearsal's id."),
        "state": choice(
            RehearsalState, "`abandoned`: its worker ended before it did, so it has no verdict."
        ),
        "product_id": identifier("The product that is sold. It is deleted; its history stays."),
        "buyers": whole(1, limits.REHEARSAL_BUYERS_MAX, "How many want it at once."),
        "stock": whole(1, limits.REHEARSAL_STOCK_MAX, "How many units there are."),
        "quantity_max": whole(
            1, limits.REHEARSAL_QUANTITY_MAX, "How many units a buyer wants at most."
        ),
        "impatience": _number("The share of buyers who send their order twice.", maximum=1),
        "started_at": moment("When it began."),
        "ended_at": nullable(moment("When it was over.")),
        "figures": described(reference("RehearsalFigures"), "How it goes, or went."),
        "verdict": nullable(described(reference("RehearsalVerdict"), "Null until it is done.")),
    }


def _figures() -> dict[str, JSONSchema]:
    return {
        "orders": whole(0, _COUNT_MAX, "Orders that were sent, each counted once."),
        "sold": whole(0, _COUNT_MAX, "Orders that were answered with a purchase."),
        "refused": whole(0, _COUNT_MAX, "Orders that were refused."),
        "repeated": whole(0, _COUNT_MAX, "Answers to orders that were sent again."),
        "unavailable": whole(
            0, _COUNT_MAX, "Tries without a definite answer (503); each was made again."
        ),
        "units_sold": whole(0, _COUNT_MAX, "Units in all purchases."),
        "seconds": _number("From the first order to the last answer so far."),
        "purchases_per_second": _number("Purchases in that time, by the second."),
        "p50_ms": nullable(
            _number("Half of the answers took no longer; null: there are none yet.")
        ),
        "p99_ms": nullable(_number("99 of 100 answers took no longer; null: there are none yet.")),
    }


def _check() -> dict[str, JSONSchema]:
    return {
        "name": text("Which check it is; it never changes.", pattern="^[a-z_]+$"),
        "ok": truth("Whether it is so."),
        "detail": text("What there is to be said about it."),
    }


def _verdict() -> dict[str, JSONSchema]:
    checks = {"type": "array", "items": reference("RehearsalCheck"), "minItems": 1}
    return {
        "ok": truth("Whether all checks are."),
        "sold": whole(0, _COUNT_MAX, "Units that were sold, by the ledger."),
        "left": whole(-_COUNT_MAX, _COUNT_MAX, "Units that were left, by the ledger."),
        "stocked": whole(0, _COUNT_MAX, "Units that there were at first, by the ledger."),
        "checks": described(checks, "All that was looked at."),
    }
