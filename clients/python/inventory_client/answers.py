"""What the service answers, as frozen records. Named and shaped as in its OpenAPI document.

Money is `Decimal`, a time is an aware `datetime`, whole numbers are `int`. A member that the
service adds later is passed over; words such as a movement's kind are plain text, so that a new one
is no error.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

Attribute = str | int | bool | Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerLimit:
    """How many units one customer may buy within a window of time."""

    quantity: int
    window_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product with what can be bought of it now; `version` is what an edit is based on."""

    id: str
    sku: str | None
    name: str
    description: str
    price: Decimal
    currency: str
    tags: tuple[str, ...]
    attributes: Mapping[str, Attribute]
    low_stock_threshold: int
    oversell_limit: int
    max_per_order: int | None
    max_per_customer: CustomerLimit | None
    version: int
    created_at: datetime
    updated_at: datetime
    stock: int
    held: int
    stock_version: int
    availability: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """The counters of a product at one moment."""

    available: int
    held: int
    version: int
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One immutable row of a product's ledger."""

    id: str
    product_id: str
    version: int
    kind: str
    delta: int
    held_delta: int
    balance: int
    held_balance: int
    reason: str | None
    reference: str | None
    note: str | None
    customer_id: str | None
    actor: str | None
    purchase_id: str | None
    reservation_id: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseLine:
    """Units of one product that were bought."""

    product_id: str
    quantity: int
    unit_price: Decimal
    total: Decimal
    remaining_stock: int
    stock_version: int
    backordered: int
    returned: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """A sale that happened. What its line says stands at the top too, if there is only one."""

    id: str
    product_id: str | None
    quantity: int | None
    unit_price: Decimal | None
    remaining_stock: int | None
    stock_version: int | None
    backordered: int | None
    total: Decimal
    currency: str
    customer_id: str | None
    reference: str | None
    created_at: datetime
    reservation_id: str | None
    reacquired: bool
    lines: tuple[PurchaseLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLine:
    """Units of one product that are held."""

    product_id: str
    quantity: int
    backordered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Units set aside for somebody until `expires_at`."""

    id: str
    state: str
    lines: tuple[HeldLine, ...]
    customer_id: str | None
    reference: str | None
    created_at: datetime
    expires_at: datetime
    extendable_until: datetime
    ended_at: datetime | None
    purchase_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnedLine:
    """Units of one product that came back; `remaining` of the purchase still may."""

    product_id: str
    quantity: int
    remaining: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """Units of a purchase that came back."""

    id: str
    purchase_id: str
    lines: tuple[ReturnedLine, ...]
    reason: str
    restocked: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedLine:
    """What was counted of one product, beside what should have been there."""

    product_id: str
    expected: int
    counted: int
    difference: int
    stock: int
    held: int
    stock_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stocktake:
    """Counts of the shelf, and the differences that they made."""

    id: str
    lines: tuple[CountedLine, ...]
    reference: str | None
    counted_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RowResult:
    """What became of one row of an import."""

    row: int
    sku: str | None
    id: str | None
    outcome: str
    code: str | None
    detail: str | None
    errors: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """What became of an import: counts, and a result for each row."""

    import_id: str
    on_error: str
    dry_run: bool
    rows: int
    created: int
    updated: int
    unchanged: int
    failed: int
    rejected: int
    results: tuple[RowResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """Something that is wrong with the books."""

    code: str
    product_id: str | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """What became of the units of a product: those `stocked` are sold, available or held."""

    stocked: int
    sold: int
    available: int
    held: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Integrity:
    """What a check of the books came to; `next_cursor` is where the next one goes on.

    A check of one product tells its `units` as well.
    """

    ok: bool
    complete: bool
    checked: int
    problems: tuple[Flaw, ...]
    problems_total: int
    next_cursor: str | None
    units: Units | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """What is kept of an API key: everything but the key itself."""

    id: str
    client: str
    publishable: bool
    scopes: tuple[str, ...]
    hint: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApiKey(ApiKey):
    """An API key that was just made, with the key itself, which is shown this once."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Whose key this is, what it may do, and when it ends; `csrf_token` is for pages."""

    authentication: str
    key_id: str | None
    name: str | None
    scopes: tuple[str, ...]
    expires_at: datetime | None
    csrf_token: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The process is up."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """The service can do its work."""

    status: str
    mongodb: str
    redis: str
