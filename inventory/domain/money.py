"""Exact amounts of money. Decimal all the way, never a binary float."""

from decimal import Decimal

# How many decimal places ISO 4217 gives a currency, where it is not two.
_NO_PLACES = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_PLACES = "BHD IQD JOD KWD LYD OMR TND"
_PLACES = dict.fromkeys(_NO_PLACES.split(), 0) | dict.fromkeys(_THREE_PLACES.split(), 3)


def decimal_places(currency: str) -> int:
    """Return how many decimal places an amount in `currency` has (ISO 4217)."""
    return _PLACES.get(currency, 2)


def fits(amount: Decimal, currency: str) -> bool:
    """Tell whether `amount` can be paid in `currency` without a fraction of its smallest coin."""
    exponent = amount.normalize().as_tuple().exponent
    return isinstance(exponent, int) and -exponent <= decimal_places(currency)


def settle(amount: Decimal, currency: str) -> Decimal:
    """Write `amount` with exactly the decimal places of `currency`; the caller checked `fits`."""
    return amount.quantize(Decimal(1).scaleb(-decimal_places(currency)))
