"""What a transaction made for a claim: the document itself, so that a retry gets that very answer.

The document may have changed since it was made; the first answer has not.
"""

from collections.abc import Callable, Mapping
from typing import Any

from inventory.domain.counts import Stocktake
from inventory.domain.purchases import Purchase, Return
from inventory.domain.reservations import Reservation
from inventory.repository.mongo import Document
from inventory.repository.purchases import (
    purchase_document,
    purchase_from,
    return_document,
    return_from,
)
from inventory.repository.reservations import reservation_document, reservation_from
from inventory.repository.stocktakes import stocktake_document, stocktake_from

Result = Purchase | Reservation | Return | Stocktake
_Write = Callable[[Any], Document]
_Read = Callable[[Mapping[str, Any]], Result]

_KINDS: dict[type[Result], tuple[str, _Write, _Read]] = {
    Purchase: ("purchase", purchase_document, purchase_from),
    Reservation: ("reservation", reservation_document, reservation_from),
    Return: ("return", return_document, return_from),
    Stocktake: ("stocktake", stocktake_document, stocktake_from),
}
_READ = {name: read for name, _, read in _KINDS.values()}


def result_document(result: Result) -> Document:
    """Return a result as a claim keeps it."""
    name, write, _ = _KINDS[type(result)]
    return {name: write(result)}


def result_from(document: Mapping[str, Any]) -> Result:
    """Return the result that a claim keeps."""
    ((name, kept),) = document.items()
    return _READ[name](kept)
