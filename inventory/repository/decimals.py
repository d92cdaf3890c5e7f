"""Amounts of money as MongoDB stores them: exact decimals."""

from decimal import Decimal
from functools import lru_cache

from bson import Decimal128


def decimal_to_bson(amount: Decimal) -> Decimal128:
    """Return `amount` as MongoDB stores exact decimals."""
    return _decimal128(str(amount))


def decimal_from_bson(amount: Decimal128) -> Decimal:
    """Return the exact decimal that MongoDB stored."""
    return _decimal(amount.bid)


# Prices come again and again, and each conversion costs more than many a query's share. By their
# spelling and their bits, because equal amounts can have different numbers of decimal places.
@lru_cache(maxsize=4096)
def _decimal128(spelled: str) -> Decimal128:
    return Decimal128(spelled)


@lru_cache(maxsize=4096)
def _decimal(bits: bytes) -> Decimal:
    return Decimal128.from_bid(bits).to_decimal()
