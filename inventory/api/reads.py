"""Cached reads of products: the card, which edits change, and the counters, which sales change.

They are two entries in Redis with versions of their own, read in one round trip and joined as
bytes. A sale therefore replaces a few dozen bytes and leaves the rest of the cache hot.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from inventory import limits
from inventory.api import cursors, presenters
from inventory.cache.decorator import cached, fetch_together
from inventory.cache.store import PREFIX, Glimpse, Versioned, VersionedStore
from inventory.domain.products import Position, Product, ProductFilter, SortKey
from inventory.domain.stock import Snapshot
from inventory.errors import ProductNotFound
from inventory.services.catalogue import Catalogue

Card = dict[str, Any]
_GENERATION = PREFIX + "catalogue:generation"


@dataclass(frozen=True, slots=True)
class Rendered:
    """A JSON body, its strong validator, and whether it came out of Redis."""

    body: bytes
    etag: str
    cache: str


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which page of products is asked for."""

    wanted: ProductFilter
    sort: SortKey
    after: Position | None
    count: int

    @property
    def digest(self) -> str:
        """A short name of this page, the same for everybody who asks for it."""
        return hashlib.blake2b(repr(self).encode(), digest_size=16).hexdigest()

    def encode(self, position: Position) -> str:
        """Return the cursor of the page after `position`."""
        return cursors.encode(self.sort, position)


class ProductReads:
    """Products as JSON bytes. `fresh` reads the database and refreshes the cache with it."""

    def __init__(self, catalogue: Catalogue, store: VersionedStore) -> None:
        self._catalogue = catalogue
        self.store = store

    @cached("product:{product_id}:card", ttl_seconds=limits.CARD_TTL_SECONDS)
    def card(self, product_id: str) -> Versioned | None:
        """Return the part of a product that sales do not change."""
        product = self._catalogue.get_product(product_id)
        return None if product is None else _card(product)

    @cached("product:{product_id}:stock", ttl_seconds=limits.STOCK_TTL_SECONDS)
    def counters(self, product_id: str) -> Versioned | None:
        """Return the part of a product that every sale changes."""
        snapshot = self._catalogue.get_counters([product_id]).get(product_id)
        return None if snapshot is None else _counters(snapshot)

    def product(self, product_id: str, *, fresh: bool) -> Rendered:
        """Return a whole product; raise `ProductNotFound`."""
        if fresh:
            card, counters, cache = (
                self.card.load(product_id),
                self.counters.load(product_id),
                "bypass",
            )
        else:
            found = fetch_together([(self.card, (product_id,)), (self.counters, (product_id,))])
            card, counters = found[0].value, found[1].value
            cache = "hit" if found[0].hit and found[1].hit else "miss"
        if card is None or counters is None:
            raise ProductNotFound(product_id)
        body = card.body[:-1] + b"," + counters.body[1:]
        return Rendered(body, etag_of(card.version, counters.version), cache)

    def page(self, asked: PageQuery, *, fresh: bool) -> Rendered:
        """Return one page of products with the stock that they have now.

        The page itself is cached without any stock, under the catalogue's generation: every edit
        begins a new one. Which products are in stock changes with every sale, so a page that asks
        for that is never cached.
        """
        if fresh or asked.wanted.in_stock is not None:
            cards, next_cursor = self._load_page(asked)
            cache = "bypass"
        else:
            cards, next_cursor, cache = self._cached_page(asked)
        counters = self._counters_of([card["id"] for card in cards], fresh=fresh)
        items = [card | counters[card["id"]] for card in cards if card["id"] in counters]
        body = orjson.dumps({"items": items, "next_cursor": next_cursor})
        return Rendered(body, hashlib.blake2b(body, digest_size=12).hexdigest(), cache)

    def _cached_page(self, asked: PageQuery) -> tuple[list[Card], str | None, str]:
        key = f"{PREFIX}products:{asked.digest}"
        generation, page = self.store.fetch([_GENERATION, key])
        token = generation.body if generation else None
        if token and page and page.body.startswith(token):
            cards, next_cursor = orjson.loads(page.body[len(token) :])
            return cards, next_cursor, "hit"
        seen = self.store.glimpse()
        token = token or self.store.renew(_GENERATION, limits.GENERATION_TTL_SECONDS)
        cards, next_cursor = self._load_page(asked)
        value = Versioned(0, token + orjson.dumps([cards, next_cursor]))
        self.store.offer({key: (value, limits.LIST_TTL_SECONDS)}, seen)
        return cards, next_cursor, "miss"

    def _load_page(self, asked: PageQuery) -> tuple[list[Card], str | None]:
        found = self._catalogue.list_products(
            asked.wanted, asked.sort, asked.after, asked.count + 1
        )
        page = found[: asked.count]
        more = len(found) > asked.count
        next_cursor = asked.encode(Position.of(page[-1], asked.sort)) if more else None
        return [orjson.loads(_card(product).body) for product in page], next_cursor

    def _counters_of(self, ids: Sequence[str], *, fresh: bool) -> dict[str, Card]:
        """Return the counters of products: one look into Redis, one query for what it lacks."""
        known: dict[str, Versioned] = {}
        if ids and not fresh:
            values = self.store.fetch([self.counters.key(id) for id in ids])
            known = {id: value for id, value in zip(ids, values, strict=True) if value}
        missing = [id for id in ids if id not in known]
        if missing:
            seen = self.store.glimpse()
            loaded = self._catalogue.get_counters(missing)
            found = {id: _counters(snapshot) for id, snapshot in loaded.items()}
            self.counters.offer({(id,): value for id, value in found.items()}, seen)
            known |= found
        return {id: orjson.loads(value.body) for id, value in known.items()}

    def glimpse(self) -> Glimpse:
        """Return what `publish` needs to know of the moment before a change."""
        return self.store.glimpse()

    def publish(self, snapshots: Sequence[Snapshot], seen: Glimpse) -> None:
        """Take over counters that were just written."""
        self.counters.publish({(s.product_id,): _counters(s) for s in snapshots}, seen)

    def publish_product(self, product: Product, stock: Snapshot, seen: Glimpse) -> None:
        """Take over a product that was just created or edited; lists begin anew."""
        self.card.publish({(product.id,): _card(product)}, seen)
        self.publish([stock], seen)
        self.store.renew(_GENERATION, limits.GENERATION_TTL_SECONDS)

    def publish_current(self, product_id: str) -> None:
        """Take over a product as it is now, for an answer about what another request did to it."""
        seen = self.store.glimpse()
        product = self._catalogue.get_product(product_id)
        stock = self._catalogue.get_counters([product_id]).get(product_id)
        if product is not None and stock is not None:
            self.publish_product(product, stock, seen)

    def forget_product(self, product: Product, stock: Snapshot) -> None:
        """Let a product that was just deleted not be read any more."""
        self.card.invalidate(product.id, version=product.version + 1)
        self.counters.invalidate(product.id, version=stock.revision)
        self.store.renew(_GENERATION, limits.GENERATION_TTL_SECONDS)


def etag_of(version: int, revision: int) -> str:
    """Return the validator of a product: its own version, then that of its counters."""
    return f"{version}-{revision}"


def _card(product: Product) -> Versioned:
    return Versioned(product.version, presenters.encode(presenters.card(product)))


def _counters(stock: Snapshot) -> Versioned:
    # A deleted product still settles what was held of it, but is not to be read any more.
    if stock.closed:
        return Versioned(stock.revision, b"")
    return Versioned(stock.revision, presenters.encode(presenters.counters(stock)))
