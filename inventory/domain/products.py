"""A product as the catalogue knows it: everything but its counters."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any

from inventory import limits
from inventory.domain import money
from inventory.errors import InvalidValue

Attribute = str | int | bool | Decimal


@dataclass(frozen=True, slots=True)
class CustomerLimit:
    """How many units one customer may have within a window of time."""

    quantity: int
    window_seconds: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What a client may say about a product; `price` has the decimal places of `currency`."""

    name: str
    price: Decimal
    currency: str = "USD"
    sku: str | None = None
    description: str = ""
    tags: tuple[str, ...] = ()
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    low_stock_threshold: int = 0
    oversell_limit: int = 0
    max_per_order: int | None = None
    max_per_customer: CustomerLimit | None = None

    @classmethod
    def of(cls, **values: Any) -> "Terms":
        """Build terms that agree with each other; raise `InvalidValue` where they do not."""
        terms = cls(**values)
        if not money.fits(terms.price, terms.currency):
            places = money.decimal_places(terms.currency)
            raise InvalidValue("price", f"{terms.currency} has {places} decimal places.")
        return replace(terms, price=money.settle(terms.price, terms.currency))


# What may be left unsaid of a product, and what is meant then.
OPTIONAL_TERMS: Mapping[str, Any] = {
    one.name: one.default for one in fields(Terms) if one.default is not MISSING
} | {one.name: one.default_factory() for one in fields(Terms) if one.default_factory is not MISSING}


@dataclass(frozen=True, slots=True)
class Product:
    """One catalogue entry. Its `version` counts edits, not sales."""

    id: str
    terms: Terms
    version: int
    created_at: datetime
    updated_at: datetime


class Availability(StrEnum):
    """What a shopper may be told about a product's stock."""

    IN_STOCK = "in_stock"
    LOW_STOCK = "low_stock"
    BACKORDER = "backorder"
    OUT_OF_STOCK = "out_of_stock"

    @classmethod
    def of(cls, available: int, low_stock_threshold: int, headroom: int) -> "Availability":
        """Say how available a product is; `headroom` counts what may still be oversold as well."""
        if available > low_stock_threshold:
            return cls.IN_STOCK
        if available > 0:
            return cls.LOW_STOCK
        return cls.BACKORDER if headroom > 0 else cls.OUT_OF_STOCK


class SortKey(StrEnum):
    """In which order a list of products may be read; a minus reads it backwards."""

    NEWEST = "-created_at"
    OLDEST = "created_at"
    NAME = "name"
    NAME_DOWN = "-name"
    PRICE = "price"
    PRICE_DOWN = "-price"

    @property
    def field(self) -> str:
        """The field that is compared."""
        return self.removeprefix("-")

    @property
    def descending(self) -> bool:
        """Whether the greatest value comes first."""
        return self.startswith("-")


@dataclass(frozen=True, slots=True)
class ProductFilter:
    """Which products a list shows; a field that is None does not narrow it.

    Where words are asked for and there are none in the question, nothing is found.
    """

    words: tuple[str, ...] | None = None
    sku: str | None = None
    ids: tuple[str, ...] | None = None
    tag: str | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    in_stock: bool | None = None
    low_stock: bool | None = None

    @property
    def asks_for_stock(self) -> bool:
        """Whether sales change what it shows."""
        return self.in_stock is not None or self.low_stock is not None


_WORD = re.compile(r"[^\W_]+")


def fold(text: str) -> str:
    """Return `text` without accents and case, so that people find what they mean.

    Character by character: decomposed as a whole, thousands of accents in a row would first be
    sorted, in a time that grows with their square.
    """
    return (text if text.isascii() else "".join(map(_plain, text))).casefold()


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    decomposed = unicodedata.normalize("NFKD", character)
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def sort_name(name: str) -> str:
    """Return what a name is sorted by: short enough to be carried along in a cursor."""
    return fold(name)[: limits.NAME_SORT_CHARACTERS_MAX]


def words_of(*texts: str) -> tuple[str, ...]:
    """Return the distinct folded words of `texts` in their order; letters and digits only."""
    words = (word for text in texts for word in _WORD.findall(fold(text)))
    shortened = (word[: limits.SEARCH_WORD_CHARACTERS_MAX] for word in words)
    return tuple(dict.fromkeys(shortened))


def search_words(terms: Terms) -> list[str]:
    """Return the words under which a product is found: name, sku and tags before description."""
    words = words_of(terms.name, terms.sku or "", *terms.tags, terms.description)
    return list(words[: limits.SEARCH_WORDS_MAX])


SortValue = datetime | str | Decimal


@dataclass(frozen=True, slots=True)
class Position:
    """Where in a sorted list a product stands; the id breaks ties."""

    value: SortValue
    id: str

    @classmethod
    def of(cls, product: Product, sort: SortKey) -> "Position":
        """Return where `product` stands in a list sorted by `sort`."""
        values: dict[str, SortValue] = {
            "created_at": product.created_at,
            "name": sort_name(product.terms.name),
            "price": product.terms.price,
        }
        return cls(values[sort.field], product.id)
