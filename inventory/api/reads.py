"""Cached reads of products: the card, which edits change, and the counters, which sales change.

They are two entries in Redis with versions of their own, read in one round trip and joined as
bytes. A sale therefore replaces a few dozen bytes and leaves the rest of the cache hot.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import orjson

from inventory import limits, presenters
from inventory.api import cursors
from inventory.cache.decorator import (
    cached,
    fetch_together,
    load_once,
    load_together,
    present,
)
from inventory.cache.doubts import Doubts
from inventory.cache.store import Glimpse, VersionedStore
from inventory.cache.values import ABSENT, PREFIX, Versioned
from inventory.domain.products import Position, Product, ProductFilter, SortKey
from inventory.domain.stock import Snapshot
from inventory.encoding import encode, joined
from inventory.errors import ProductNotFound
from inventory.services.catalogue import Catalogue

_GENERATION = PREFIX + "catalogue:generation"
# All releases begin a new generation together, so pages of another form have a number of their own.
_PAGES = PREFIX + "products:2"
_PAGES_REMEMBERED = 16


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


@dataclass(frozen=True, slots=True)
class _Page:
    """A page without any stock: ids, cards and the next cursor, the latter two as JSON.

    `digest` tells it from every other one. `stock_keys` is where Redis has the counters of each id.
    """

    ids: Sequence[str]
    cards: Sequence[bytes]
    next_cursor: bytes
    digest: bytes
    stock_keys: Sequence[str]

    @classmethod
    def of(cls, products: Sequence[Product], next_cursor: str | None) -> "_Page":
        """Return the page that shows `products`."""
        cards = [_card(product).body for product in products]
        cursor = orjson.dumps(next_cursor)
        digest = hashlib.blake2b(b"\n".join([cursor, *cards]), digest_size=12)
        ids = [product.id for product in products]
        return cls(ids, cards, cursor, digest.digest(), _stock_keys(ids))

    def encode(self) -> bytes:
        """Return the page as lines; JSON as we write it contains no ends of lines."""
        head = [self.digest.hex().encode(), orjson.dumps(self.ids), self.next_cursor]
        return b"\n".join([*head, *self.cards])

    @classmethod
    def decode(cls, lines: bytes) -> "_Page | None":
        """Return the page that `encode` wrote, None for what another release wrote."""
        try:
            digest, encoded, next_cursor, *cards = lines.split(b"\n")
            ids = orjson.loads(encoded)
            known = bytes.fromhex(digest.decode())
        except ValueError:
            return None
        same = isinstance(ids, list) and len(ids) == len(cards)
        return cls(ids, cards, next_cursor, known, _stock_keys(ids)) if same else None

    def with_stock(self, counters: Sequence[Versioned | None]) -> tuple[bytes, bytes]:
        """Return the page as JSON with the counters of each id, and what tells it from others.

        A product without counters has been deleted meanwhile, and is not shown.
        """
        shown = [
            joined(card, stock.body)
            for card, stock in zip(self.cards, counters, strict=True)
            if stock
        ]
        versions = ",".join([str(stock.version) if stock else "" for stock in counters])
        body = b'{"items":[%b],"next_cursor":%b}' % (b",".join(shown), self.next_cursor)
        return body, self.digest + versions.encode()


def _stock_keys(ids: Sequence[str]) -> list[str]:
    key = ProductReads.counters.key
    return [key(id) for id in ids]


@lru_cache(maxsize=_PAGES_REMEMBERED)
def _decoded(lines: bytes) -> _Page | None:
    """Return the page that these lines are; the pages that everybody asks for are few."""
    return _Page.decode(lines)


class ProductReads:
    """Products as JSON bytes. `fresh` reads the database and refreshes the cache with it."""

    def __init__(self, catalogue: Catalogue, store: VersionedStore) -> None:
        self._catalogue = catalogue
        self._doubts = Doubts()
        self.store = store

    @cached("product:{product_id}:card", ttl_seconds=limits.CARD_TTL_SECONDS)
    def card(self, product_ids: Sequence[str]) -> dict[str, Versioned]:
        """Return the part of products that sales do not change."""
        found = self._catalogue.get_products(product_ids)
        return {id: _card(product) for id, product in found.items()}

    @cached("product:{product_id}:stock", ttl_seconds=limits.STOCK_TTL_SECONDS)
    def counters(self, product_ids: Sequence[str]) -> dict[str, Versioned]:
        """Return the part of products that every sale changes; of a deleted one, that it is gone.

        With its version, which is newer than whatever was known of it before.
        """
        found = self._catalogue.get_counters(product_ids)
        return {id: _counters(snapshot) for id, snapshot in found.items()}

    def product(self, product_id: str, *, fresh: bool) -> Rendered:
        """Return a whole product; raise `ProductNotFound`."""
        reads = [(self.card, product_id), (self.counters, product_id)]
        if fresh:
            self.store.count("bypass", 1)
            (card, counters), cache = load_together(reads), "bypass"
        else:
            found = fetch_together(reads)
            card, counters = found[0].value, found[1].value
            cache = "hit" if found[0].hit and found[1].hit else "miss"
        if card is None or counters is None:
            raise ProductNotFound(product_id)
        body = joined(card.body, counters.body)
        return Rendered(body, etag_of(card.version, counters.version), cache)

    def page(self, asked: PageQuery, *, fresh: bool) -> Rendered:
        """Return one page of products with the stock that they have now.

        The page itself is cached without any stock, under the catalogue's generation: every edit
        begins a new one. Which products are in stock, or low, changes with every sale, so a page
        that asks for that is never cached.
        """
        if fresh or asked.wanted.asks_for_stock:
            self.store.count("bypass", 1)
            page, cache = self._load_page(asked), "bypass"
        else:
            page, cache = self._cached_page(asked)
        body, identity = page.with_stock(self._counters_of(page, fresh=fresh))
        return Rendered(body, hashlib.blake2b(identity, digest_size=12).hexdigest(), cache)

    def _cached_page(self, asked: PageQuery) -> "tuple[_Page, str]":
        key = f"{_PAGES}:{asked.digest}"
        generation, held = self.store.fetch([_GENERATION, key])
        token = generation.body if generation else None
        if token and held and held.body.startswith(token):
            known = _decoded(held.body[len(token) :])
            if known is not None:
                self.store.count("hit", 1)
                return known, "hit"
        self.store.count("miss", 1)
        page = load_once(self.store, key, [key], lambda _: self._load_and_keep(asked, key, token))
        return page, "miss"

    def _load_and_keep(self, asked: PageQuery, key: str, token: bytes | None) -> "_Page":
        """Load a page, and put it under the generation that there was before."""
        seen = self.store.glimpse()
        token = token or self.store.renew(_GENERATION, limits.GENERATION_TTL_SECONDS)
        page = self._load_page(asked)
        value = Versioned(0, token + page.encode())
        self.store.offer({key: (value, limits.LIST_TTL_SECONDS)}, seen)
        return page

    def _load_page(self, asked: PageQuery) -> "_Page":
        found = self._catalogue.list_products(
            asked.wanted, asked.sort, asked.after, asked.count + 1
        )
        page = found[: asked.count]
        more = len(found) > asked.count
        next_cursor = asked.encode(Position.of(page[-1], asked.sort)) if more else None
        return _Page.of(page, next_cursor)

    def _counters_of(self, page: "_Page", *, fresh: bool) -> list[Versioned | None]:
        """Return the counters of each id of a page, None for a product that is gone.

        One look into Redis, one query for what it lacks.
        """
        lacking = page.ids
        counters: list[Versioned | None] = [None] * len(page.ids)
        if page.ids and not fresh:
            counters = self.store.fetch(page.stock_keys)
            lacking = [id for id, stock in zip(page.ids, counters, strict=True) if stock is None]
        if lacking:
            loaded = iter(load_together([(self.counters, id) for id in lacking]))
            counters = [next(loaded) if stock is None else stock for stock in counters]
        return [present(stock) for stock in counters]

    def glimpse(self) -> Glimpse:
        """Return what `publish` needs to know of the moment before a change."""
        return self.store.glimpse()

    def publish(self, snapshots: Sequence[Snapshot], seen: Glimpse) -> None:
        """Take over counters that were just written."""
        self.counters.publish({s.product_id: _counters(s) for s in snapshots}, seen)

    def publish_product(self, product: Product, stock: Snapshot, seen: Glimpse) -> None:
        """Take over a product that was just created or edited; lists begin anew."""
        self.publish_products([product], [stock], seen)

    def publish_products(
        self, products: Sequence[Product], stock: Sequence[Snapshot], seen: Glimpse
    ) -> None:
        """Take over many products that were just created or edited, and counters."""
        self.publish(stock, seen)
        if products:
            self.card.publish({product.id: _card(product) for product in products}, seen)
            self._begin_lists_anew()

    def publish_current(self, product_ids: Sequence[str]) -> None:
        """Take over products as they are now, for an answer about what another request did to them.

        That may have been to delete them.
        """
        seen = self.store.glimpse()
        products = self._catalogue.get_products(product_ids)
        stock = self._catalogue.get_counters(product_ids)
        self.publish_products(list(products.values()), list(stock.values()), seen)
        if stock and not products:
            self._begin_lists_anew()

    def doubt(self, product_ids: Iterable[str]) -> None:
        """Remember products that a change may have met of which nobody knows whether it did."""
        self._doubts.add(product_ids)

    def publish_doubtful(self) -> None:
        """Take over these as they are now; to be done every few seconds."""
        self._doubts.settle(self.publish_current, limits.SWEEP_PRODUCTS_MAX)

    def forget_product(self, product: Product, stock: Snapshot) -> None:
        """Let a product that was just deleted not be read any more."""
        self.card.bury(product.id, version=product.version + 1)
        self.counters.bury(product.id, version=stock.revision)
        self._begin_lists_anew()

    def _begin_lists_anew(self) -> None:
        self.store.renew(_GENERATION, limits.GENERATION_TTL_SECONDS)


def etag_of(version: int, revision: int) -> str:
    """Return the validator of a product: its own version, then that of its counters."""
    return f"{version}-{revision}"


def _card(product: Product) -> Versioned:
    return Versioned(product.version, encode(presenters.card(product)))


def _counters(stock: Snapshot) -> Versioned:
    # A deleted product still settles what was held of it, but is not to be read any more.
    if stock.closed:
        return Versioned(stock.revision, ABSENT)
    return Versioned(stock.revision, encode(presenters.counters(stock)))
