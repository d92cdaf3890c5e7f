"""Puts counters right, only if they still are what was checked."""

from bson import Int64, ObjectId
from pymongo.database import Database

from inventory.domain.integrity.product import SaleTerms
from inventory.domain.integrity.repairs import CountersRepair
from inventory.repository.decimals import decimal_to_bson
from inventory.repository.entries import customer_limit_document
from inventory.repository.mongo import (
    Document,
    writing,
)
from inventory.repository.updates import SPARE, stamped_tail


class RepairRepository:
    """Counters that were found wrong."""

    def __init__(self, database: Database[Document]) -> None:
        self._stock = database["stock"]

    def put_right(self, repair: CountersRepair) -> bool:
        """Write what has to be; return False, and change nothing, if they have changed meanwhile.

        Every movement and every edit changes one of the numbers that are compared.
        """
        counters = repair.record.counters
        assert counters is not None
        checked: Document = {
            "_id": ObjectId(counters.product_id),
            "available": Int64(counters.available),
            "held": Int64(counters.held),
            "version": Int64(counters.version),
            "headroom": Int64(repair.record.headroom),
            "terms_version": Int64(counters.terms_version),
            "closed": counters.closed,
        }
        change: Document = {name: Int64(number) for name, number in repair.numbers.items()}
        if repair.closed is not None:
            change["closed"] = repair.closed
        if repair.terms is not None:
            change |= {name: {"$literal": value} for name, value in _terms(repair.terms).items()}
            # What waits in the tail was sold at the price that the counters had.
            change["tail"] = stamped_tail()
        with writing():
            update = [{"$set": change}, {"$set": {"spare": SPARE}}]
            return self._stock.update_one(checked, update).matched_count == 1


def _terms(terms: SaleTerms) -> Document:
    return {
        "price": decimal_to_bson(terms.price),
        "currency": terms.currency,
        "oversell_limit": Int64(terms.oversell_limit),
        "low_stock_threshold": Int64(terms.low_stock_threshold),
        "order_max": Int64(terms.order_max),
        "customer_limit": customer_limit_document(terms.customer_limit),
    }
